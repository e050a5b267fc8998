// Draws parts as the window does: with the theme, without waiting for transitions.
import { MantineProvider } from '@mantine/core';
import { render } from '@testing-library/react';
import type { ReactElement, ReactNode } from 'react';
import { resolver, theme } from '@/app/theme';

function Themed({ children }: { children: ReactNode }) {
  return (
    <MantineProvider theme={theme} cssVariablesResolver={resolver} env="test">
      {children}
    </MantineProvider>
  );
}

export function renderThemed(element: ReactElement) {
  return render(element, { wrapper: Themed });
}
