import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';

beforeEach(() => {
  forgetToasts();
});

async function open(bridge: FakeBridge) {
  window.location.hash = '#/settings';
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'General' });
  return userEvent.setup();
}

const section = (name: string) => screen.getByRole('region', { name });
const messages = () => within(screen.getByRole('region', { name: 'Messages' }));

describe('settings', () => {
  it('change at once; a number only when it is whole', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const runs = screen.getByRole('textbox', { name: 'Sessions at once' });
    await user.clear(runs);
    await user.type(runs, '0{Enter}');
    screen.getByText('Write a whole number from 1 to 200.');
    expect(bridge.sent).toEqual([]);
    await user.clear(runs);
    await user.type(runs, '12{Enter}');
    await user.click(screen.getByRole('switch', { name: 'Notifications' }));
    await user.click(screen.getByRole('radio', { name: 'Dark' }));
    await user.click(screen.getByRole('radio', { name: 'Everything' }));
    await waitFor(() =>
      expect(bridge.sent.map(({ input }) => input)).toEqual([
        { max_live_runs: 12 },
        { notifications: false },
        { theme: 'dark' },
        { log_level: 'debug' },
      ]),
    );
    await waitFor(() => expect(document.documentElement.dataset.mantineColorScheme).toBe('dark'));
  });

  it('have no fault that axe finds', async () => {
    await open(fakeBridge('full'));
    await within(section('Doctor')).findByText('2.39.5');
    expect(await faultsOf(document.body)).toEqual([]);
  });
});

describe('sessions and old events', () => {
  it('have defaults, and no limit when nothing is written', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const sessions = within(section('Sessions'));
    await user.type(sessions.getByRole('textbox', { name: 'Memory of all' }), '8192{Enter}');
    await user.selectOptions(sessions.getByRole('combobox', { name: 'After Nox crashed' }), 'Ask me');
    await user.selectOptions(
      sessions.getByRole('combobox', { name: 'Wait for the model server’s limit' }),
      'End the turn and tell me',
    );
    await user.clear(sessions.getByRole('textbox', { name: 'Asleep after' }));
    await user.tab();
    await waitFor(() =>
      expect(bridge.sent.map(({ input }) => input)).toEqual([
        { memory_budget_mb: 8192 },
        {
          life: {
            on_disconnect: 'continue',
            on_crash: 'ask',
            restart: 'on_failure',
            stall_after_seconds: 600,
            wait_for_limit: true,
          },
        },
        { life: expect.objectContaining({ on_crash: 'ask', wait_for_limit: false }) },
        { hibernate_after_seconds: 0 },
      ]),
    );
  });

  it('show their size, are packed at once when asked, and say how far that is and what it gave', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const data = within(section('Data'));
    await data.findByText('46 MB on disk, 5.8 MB of it free');
    data.getByText(/3,400 events of old sessions are packed in 1.8 MB; the sessions can be read/);
    await user.click(data.getByRole('button', { name: 'Compact now' }));
    await data.findByText('Packed so far: 3 sessions with 420 events.');
    data.getByRole('progressbar', { name: 'Compact now' });
    expect(data.getByRole('button', { name: 'Compact now' }).getAttribute('aria-disabled')).toBe('true');
    const { compaction } = bridge.state.log;
    if (!compaction) throw new Error('nothing is compacted');
    Object.assign(compaction, { step: 'done', sessions: 4, events: 1_421, freed_bytes: 12_000_000 });
    await data.findByText('Packed: 4 sessions with 1,421 events. The file is 11 MB smaller.');
    expect(data.queryByRole('progressbar')).toBeNull();
    expect(await faultsOf(section('Data'))).toEqual([]);
    await user.click(data.getByRole('radio', { name: 'Keep' }));
    await waitFor(() => expect(data.queryByRole('button', { name: 'Compact now' })).toBeNull());
  });

  it('are dropped only after it was said what is lost', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const data = within(section('Data'));
    data.getByText(/its events are packed. Nothing is lost/);
    await user.click(data.getByRole('radio', { name: 'Drop' }));
    const dialog = await screen.findByRole('dialog', {
      name: /Delete the events of sessions that ended more than 30 days ago/,
    });
    within(dialog).getByText(/are lost and cannot be exported any more/);
    expect(bridge.sent).toEqual([]);
    await user.click(within(dialog).getByRole('button', { name: 'Delete after 30 days' }));
    await data.findByText(/are deleted for good/);
    expect(bridge.sent.map(({ input }) => input)).toEqual([{ log_policy: 'prune' }]);
  });
});

describe('the desktop', () => {
  const general = () => within(section('General'));

  it('says that the tray is there, and nothing of notifications that work', async () => {
    await open(fakeBridge('full'));
    await general().findByText('Shown');
    expect(general().queryByText('They are not shown')).toBeNull();
  });

  it('says why the tray and notifications are not seen, and what that means', async () => {
    const bridge = fakeBridge('full');
    bridge.desktopStatus = async () => ({ tray: 'absent', notifications_problem: 'Nobody owns the name.' });
    await open(bridge);
    await general().findByText('Not shown');
    general().getByText(/closing the window quits Nox/);
    general().getByText('They are not shown');
    general().getByText('Nobody owns the name.');
    expect(await faultsOf(section('General'))).toEqual([]);
  });
});

describe('API keys', () => {
  it('go into the keychain, are tested and deleted, and are never shown', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const keys = section('API keys');
    await within(keys).findByText('No keys yet');
    const value = within(keys).getByLabelText('Value');
    expect(value).toHaveProperty('type', 'password');
    await user.type(within(keys).getByRole('textbox', { name: 'Name' }), 'anthropic-api-key');
    await user.type(value, 'sk-secret');
    await user.click(within(keys).getByRole('button', { name: 'Store key' }));
    await within(keys).findByText('anthropic-api-key');
    expect(value).toHaveProperty('value', '');
    expect(document.documentElement.outerHTML).not.toContain('sk-secret');

    await user.click(within(keys).getByRole('button', { name: 'Test' }));
    await within(keys).findByText('Readable');
    await user.click(within(keys).getByRole('button', { name: 'Delete' }));
    const dialog = await screen.findByRole('dialog', { name: 'Delete anthropic-api-key from the keychain?' });
    await user.click(within(dialog).getByRole('button', { name: 'Delete key' }));
    await within(keys).findByText('No keys yet');
  });

  it('are kept in the form when they could not be stored', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const keys = section('API keys');
    await within(keys).findByText('No keys yet');
    await user.click(within(keys).getByRole('button', { name: 'Store key' }));
    within(keys).getByText('Paste the key.');
    await user.type(within(keys).getByRole('textbox', { name: 'Name' }), 'KEY');
    await user.type(within(keys).getByLabelText('Value'), 'sk-1');
    bridge.refuseNext(new NoxError({ code: 'keychain', message: 'It is locked.', hint: 'Unlock it.', field: null }));
    await user.click(within(keys).getByRole('button', { name: 'Store key' }));
    await within(keys).findByText('It is locked.');
    expect(within(keys).getByLabelText('Value')).toHaveProperty('value', 'sk-1');
  });

  it('say what to do when there is no keychain, and take nothing', async () => {
    const bridge = fakeBridge('full');
    bridge.listKeys = async () => ({ keychain: '', available: false, problem: 'Nobody answers.', keys: [] });
    await open(bridge);
    await within(section('API keys')).findByText('The keychain is not available');
    expect(screen.getByRole('button', { name: 'Store key' })).toHaveProperty('disabled', true);
  });
});

describe('the rest', () => {
  it('opens the home and the logs', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.click(screen.getByRole('button', { name: 'Open folder' }));
    await user.click(screen.getByRole('button', { name: 'Open logs' }));
    expect(bridge.desktop).toEqual(['openPath /home/you/.local/share/nox', 'openPath /home/you/.local/share/nox/logs']);
  });

  it('adds and forgets projects, both with Undo', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.click(screen.getByRole('button', { name: 'Add folder…' }));
    await messages().findByText('Added the project “new-project”');
    await user.click(await screen.findByRole('button', { name: 'Forget new-project' }));
    await messages().findByText(/Forgot the project “new-project”/);
    expect(bridge.state.projects.has('new-project')).toBe(false);
    await user.click(messages().getAllByRole('button', { name: 'Undo' })[0] as HTMLElement);
    await waitFor(() => expect(bridge.state.projects.has('new-project')).toBe(true));
  });

  it('shows the keys from About', async () => {
    const user = await open(fakeBridge('full'));
    await user.click(within(section('About')).getByRole('button', { name: 'Show the keys' }));
    await screen.findByRole('dialog', { name: 'Keys' });
  });
});
