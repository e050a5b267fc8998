// The sample in which sessions stand in every way, drawn by the whole window.
import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, expect } from 'vitest';
import { App } from '@/app/App';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { forgetKept } from '@/components/kept';
import { layOut } from './layout';

/** Before every test of the file: nothing is left of the one before, and the log is so high that every entry is drawn. */
export function inFreshWindow(): void {
  beforeEach(() => {
    forgetToasts();
    forgetKept();
    layOut(2000);
  });
}

/** Opens the session of that title. */
export async function open(title: string, bridge: FakeBridge = fakeBridge('lives')) {
  const row = [...bridge.state.sessions.values()].find((each) => each.title === title);
  if (!row) throw new Error(`no session “${title}”`);
  window.location.hash = `#/sessions/${row.id}`;
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: title, level: 1 });
  return { bridge, id: row.id, user: userEvent.setup() };
}

export const pane = () => within(screen.getByRole('region', { name: 'Conversation' }));

export const press = (name: string) => pane().getByRole('button', { name });

/** Waits until the button is there and takes a press: what was sent before is recorded. */
export const pressable = (name: string) => waitFor(() => expect(press(name).getAttribute('aria-disabled')).toBeNull());
