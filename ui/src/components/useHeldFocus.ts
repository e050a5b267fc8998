// What has the focus may go: then the focus falls to the page, and who works by keys begins anew. Here it goes on where the
// person is.
import { useMemo, useRef } from 'react';

export interface HeldFocus {
  /** For the element around what may go. */
  watch: { onFocus: () => void; onBlur: () => void };
  /** To be called when something of it has gone: takes up the focus when it fell from there, and only then. */
  catchBy: (element: HTMLElement | null | undefined) => void;
}

export function useHeldFocus(): HeldFocus {
  const held = useRef(false);
  return useMemo(
    () => ({
      watch: {
        onFocus: () => {
          held.current = true;
        },
        // React tells of no blur when the element itself is taken out.
        onBlur: () => {
          held.current = false;
        },
      },
      catchBy(element) {
        if (!held.current || !element || document.activeElement !== document.body) return;
        held.current = false;
        element.focus();
      },
    }),
    [],
  );
}
