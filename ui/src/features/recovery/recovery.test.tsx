import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';

beforeEach(() => {
  forgetToasts();
  localStorage.clear();
});

function open(bridge: FakeBridge, hash = '#/board') {
  window.location.hash = hash;
  const { unmount } = render(<App bridge={bridge} />);
  return { user: userEvent.setup(), unmount };
}

const banner = () => screen.findByText('Nox ended unexpectedly: 9 sessions were interrupted.', {}, { timeout: 5_000 });

describe('after an unexpected end', () => {
  it('a line on the board leads to what became of each session', async () => {
    const { user } = open(fakeBridge('lives'));
    await banner();
    await user.click(screen.getByRole('link', { name: 'See what happened' }));
    await screen.findByRole('heading', { name: 'What the start found', level: 1 });
    screen.getByText(/A step whose end nobody saw is never done again unless you say so/);
    const goesOn = screen.getByRole('region', { name: 'Goes on by itself' });
    within(goesOn).getByRole('link', { name: /Kept back by memory/ });
    within(screen.getByRole('region', { name: 'Waits for you' })).getByRole('link', { name: /Silent and computes/ });
    expect(screen.getByText('Left-over processes ended').nextSibling?.textContent).toBe('7');
  });

  it('is put away for this start, and comes again with the next', async () => {
    const bridge = fakeBridge('lives');
    const first = open(bridge);
    await banner();
    await first.user.click(screen.getByRole('button', { name: 'Close' }));
    expect(screen.queryByRole('link', { name: 'See what happened' })).toBeNull();
    first.unmount();
    const second = open(bridge);
    await screen.findByRole('heading', { name: 'Board', level: 1 });
    expect(screen.queryByRole('link', { name: 'See what happened' })).toBeNull();
    second.unmount();
    bridge.state.startedAt += 60_000;
    if (bridge.state.recovery) bridge.state.recovery.at = bridge.state.startedAt;
    open(bridge);
    await banner();
  });

  it('a database that was set aside is named, with its place', async () => {
    const bridge = fakeBridge('lives');
    if (bridge.state.recovery)
      bridge.state.recovery.database = {
        aside: '/home/you/nox/nox.db.damaged-1',
        under_way: false,
        sessions_saved: 3,
        sessions_damaged: 0,
      };
    const { user } = open(bridge, '#/recovery');
    await screen.findByText('The database was damaged');
    await user.click(screen.getByRole('button', { name: 'Show in folder' }));
    await waitFor(() => expect(bridge.desktop).toContain('revealPath /home/you/nox/nox.db.damaged-1'));
    expect(await faultsOf(document.body)).toEqual([]);
  });
});

describe('after an end in order', () => {
  it('nothing is told on the board, and the page says that nothing was lost', async () => {
    const { user } = open(fakeBridge('full'), '#/settings');
    await screen.findByText('Nox had ended in order before it.');
    await user.click(screen.getByRole('link', { name: 'See what the start found' }));
    await screen.findByText('Nothing was lost');
    await user.click(screen.getByRole('link', { name: 'Board' }));
    await screen.findByRole('heading', { name: 'Board', level: 1 });
    expect(screen.queryByRole('link', { name: 'See what happened' })).toBeNull();
  });
});
