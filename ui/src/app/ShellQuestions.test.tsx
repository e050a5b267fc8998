import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it } from 'vitest';
import { fakeBridge } from '@/bridge/fake/fake';
import { App } from './App';

async function open() {
  window.location.hash = '#/board';
  const bridge = fakeBridge('full');
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'Board', level: 1 });
  return { bridge, user: userEvent.setup() };
}

describe('what the shell asks', () => {
  it('is answered: quit with live runs', async () => {
    const { bridge, user } = await open();
    act(() => bridge.say({ say: 'ask_quit', live_runs: 2 }));
    const dialog = await screen.findByRole('dialog', { name: 'Quit Nox while 2 sessions are running?' });
    expect(bridge.desktop).toEqual(['quitQuestionShown']);
    await user.click(within(dialog).getByRole('button', { name: 'Stay' }));
    expect(bridge.desktop).toContain('answerQuit false');
    act(() => bridge.say({ say: 'ask_quit', live_runs: 2 }));
    await user.click(await screen.findByRole('button', { name: 'Stop 2 sessions and quit' }));
    expect(bridge.desktop).toContain('answerQuit true');
  });

  it('stops everything only after a question', async () => {
    const { bridge, user } = await open();
    act(() => bridge.say({ say: 'ask_stop_all', live_runs: 3 }));
    await user.click(await screen.findByRole('button', { name: 'Stop 3 sessions' }));
    await waitFor(() => expect(bridge.sent.map(({ name }) => name)).toEqual(['stopAll']));
  });

  it('opens the places of tray and notifications', async () => {
    const { bridge } = await open();
    act(() => bridge.say({ say: 'open', place: { place: 'approvals' } }));
    await screen.findByRole('heading', { name: 'Approvals', level: 1 });
    act(() => bridge.say({ say: 'open', place: { place: 'new_task' } }));
    await screen.findByRole('dialog', { name: 'New task' });
  });
});
