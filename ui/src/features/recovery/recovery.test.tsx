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

const banner = () => screen.findByText('Nox ended unexpectedly: 9 sessions were interrupted.');

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

  it('a database that was set aside is named, with what came back from it, as soon as that is known', async () => {
    const bridge = fakeBridge('lives');
    const database = {
      aside: '/home/you/nox/nox.db.damaged-1',
      under_way: true,
      sessions_saved: 1,
      sessions_damaged: 0,
      problem: null as string | null,
    };
    if (bridge.state.recovery) bridge.state.recovery.database = database;
    const { user } = open(bridge, '#/recovery');
    await screen.findByText('The database was damaged');
    screen.getByText(/Sessions are being read back: 1 so far/);
    expect(screen.queryByText(/Everything that was recorded is still here/)).toBeNull();
    expect(screen.queryByText('Sessions that came back whole')).toBeNull();
    await user.click(screen.getByRole('button', { name: 'Show in folder' }));
    await waitFor(() => expect(bridge.desktop).toContain('revealPath /home/you/nox/nox.db.damaged-1'));
    Object.assign(database, { under_way: false, sessions_saved: 3, sessions_damaged: 2 });
    const whole = await screen.findByText('Sessions that came back whole');
    expect(whole.nextSibling?.textContent).toBe('3');
    expect(screen.getByText('Sessions that came back in part, or not at all').nextSibling?.textContent).toBe('2');
    screen.getByText(/ends with a note where the damage begins/);
    expect(await faultsOf(document.body)).toEqual([]);
  });

  it('a damaged database that cannot be read says why and what to do', async () => {
    const bridge = fakeBridge('lives');
    if (bridge.state.recovery)
      bridge.state.recovery.database = {
        aside: '/home/you/nox/nox.db.damaged-1',
        under_way: false,
        sessions_saved: 0,
        sessions_damaged: 0,
        problem: 'permission denied',
      };
    open(bridge, '#/recovery');
    await screen.findByText(/could not be read: permission denied. Make the file readable/);
    expect(screen.queryByText('Sessions that came back whole')).toBeNull();
  });
});

describe('after an end in order', () => {
  it('nothing is told on the board, and the page says that nothing was lost', async () => {
    const { user } = open(fakeBridge('full'), '#/settings');
    await screen.findByText('Nox had ended in order before it.');
    await user.click(screen.getByRole('link', { name: 'See what the start found' }));
    await screen.findByText('Nothing was lost');
    screen.getByText('which steps wait for your choice, because nobody saw how they ended');
    await user.click(screen.getByRole('link', { name: 'Board' }));
    await screen.findByRole('heading', { name: 'Board', level: 1 });
    expect(screen.queryByRole('link', { name: 'See what happened' })).toBeNull();
  });
});
