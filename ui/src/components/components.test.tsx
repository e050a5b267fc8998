// All parts at once, against axe: names, roles and relations that people without sight depend on.
import { TextInput } from '@mantine/core';
import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { useState } from 'react';
import { expect, test, vi } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import { Button, IconButton } from './controls/Button';
import { Field } from './controls/Field';
import { Segmented } from './controls/Segmented';
import { ConfirmDialog } from './dialog/ConfirmDialog';
import { Banner } from './feedback/Banner';
import { EmptyState } from './feedback/EmptyState';
import { PriorityBars } from './identity/PriorityBars';
import { StatusSign } from './status/StatusSign';
import { StatusText } from './status/StatusText';
import { CodeBlock, Command } from './text/Code';

test('parts have names and roles', async () => {
  const { container } = renderThemed(
    <>
      <StatusText sign="needs_you" at={Date.now()} variant="pill" />
      <StatusSign sign="failed" label="Failed" />
      <PriorityBars priority="critical" />
      <Button combo="C">New task</Button>
      <IconButton icon="filter" label="Filter" />
      <Segmented
        label="Mode"
        value="a"
        onChange={() => undefined}
        options={[
          { value: 'a', label: 'Ask' },
          { value: 'b', label: 'Plan' },
        ]}
      />
      <Field label="Deadline" error="November has 30 days">
        <TextInput defaultValue="31 Nov" />
      </Field>
      <Banner
        tone="error"
        title="An error in line 5"
        file="a.md"
        excerpt={{ line: 5, lines: [{ number: 5, text: 'x' }] }}
      />
      <EmptyState title="No tasks yet">Write one.</EmptyState>
      <Command text="ls" />
      <CodeBlock text="x" />
    </>,
  );
  expect(await faultsOf(container)).toEqual([]);
  expect(screen.getByRole('button', { name: 'New task' }).getAttribute('aria-keyshortcuts')).toBe('C');
  const field = screen.getByRole('textbox', { name: 'Deadline' });
  expect(field.getAttribute('aria-invalid')).toBe('true');
  expect(document.getElementById(field.getAttribute('aria-describedby') ?? '')?.textContent).toBe(
    'November has 30 days',
  );
});

test('a pending button keeps its place and does nothing', async () => {
  const run = vi.fn();
  renderThemed(
    <Button pending onClick={run}>
      Start
    </Button>,
  );
  await userEvent.click(screen.getByRole('button', { name: 'Start' }));
  expect(run).not.toHaveBeenCalled();
});

test('a dangerous question starts at the harmless answer, and Esc is harmless', async () => {
  const [stay, go] = [vi.fn(), vi.fn()];
  const { baseElement } = renderThemed(
    <ConfirmDialog
      opened
      question="Stop all 4 sessions?"
      stay="Keep running"
      go="Stop 4 sessions"
      onStay={stay}
      onGo={go}
    />,
  );
  expect(screen.getByRole('dialog', { name: 'Stop all 4 sessions?' })).toBeTruthy();
  await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep running'));
  expect(await faultsOf(baseElement)).toEqual([]);
  await userEvent.keyboard('{Escape}');
  expect(stay).toHaveBeenCalledOnce();
  expect(go).not.toHaveBeenCalled();
});

function Asking() {
  const [asks, setAsks] = useState(false);
  return (
    <>
      <Button onClick={() => setAsks(true)}>Stop all</Button>
      <ConfirmDialog
        opened={asks}
        question="Stop all?"
        stay="Keep running"
        go="Stop"
        onStay={() => setAsks(false)}
        onGo={() => setAsks(false)}
      />
    </>
  );
}

test('a question gives the focus back each time, the first time too', async () => {
  renderThemed(<Asking />);
  const opener = screen.getByRole('button', { name: 'Stop all' });
  for (let time = 0; time < 2; time += 1) {
    await userEvent.click(opener);
    await waitFor(() => expect(document.activeElement?.textContent).toBe('Keep running'));
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(document.activeElement).toBe(opener));
  }
});
