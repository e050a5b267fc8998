import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';

beforeEach(() => forgetToasts());

async function open(bridge: FakeBridge) {
  const session = [...bridge.state.sessions.values()].find((row) => row.state.state === 'closed');
  if (!session) throw new Error('no session is over');
  window.location.hash = `#/sessions/${session.id}`;
  render(<App bridge={bridge} />);
  const details = await screen.findByRole('region', { name: 'Details' });
  return { session, details, user: userEvent.setup() };
}

const messages = () => screen.getByRole('region', { name: 'Messages' });

describe('a session leaves as a file', () => {
  it('where the person says, in the form that was chosen, and the message leads to the file', async () => {
    const bridge = fakeBridge('full');
    let finish = () => {};
    const write = bridge.exportSession;
    const asked: unknown[] = [];
    bridge.exportSession = async (input) => {
      asked.push(input);
      await new Promise<void>((resolve) => {
        finish = resolve;
      });
      return write(input);
    };
    const { session, details, user } = await open(bridge);
    bridge.chosen = '/home/you/Documents/told.md';
    await user.click(within(details).getByRole('button', { name: 'Export…' }));
    // Without a layout the menu takes its button for gone, and hides.
    await user.click(await screen.findByRole('menuitem', { name: /^To read/, hidden: true }));
    await within(messages()).findByText(`Exporting “${session.title}”`);
    expect(within(details).getByRole('button', { name: 'Export…' }).getAttribute('aria-disabled')).toBe('true');
    finish();
    await within(messages()).findByText(`Exported “${session.title}”`);
    expect(await faultsOf(messages())).toEqual([]);
    expect(within(messages()).queryByText(`Exporting “${session.title}”`)).toBeNull();
    expect(asked).toEqual([
      { session: session.id, format: 'markdown', path: '/home/you/Documents/told.md', overwrite: true },
    ]);
    within(messages()).getByText('told.md, 2.0 KB');
    await user.click(within(messages()).getByRole('button', { name: 'Show in folder' }));
    await waitFor(() => expect(bridge.desktop).toContain('revealPath /home/you/Documents/told.md'));
  });

  it('not at all when the dialog is closed, and a failure says what to do', async () => {
    const bridge = fakeBridge('full');
    const { session, details, user } = await open(bridge);
    const choose = async () => {
      await user.click(within(details).getByRole('button', { name: 'Export…' }));
      await user.click(await screen.findByRole('menuitem', { name: /^Everything/, hidden: true }));
    };
    bridge.chosen = null;
    await choose();
    expect(bridge.desktop).toEqual([]);
    bridge.chosen = '/full/x.jsonl';
    bridge.exportSession = async () => {
      throw new NoxError({ code: 'disk', message: 'the disk is full', hint: 'Free some space.', field: null });
    };
    await choose();
    await within(messages()).findByText(`“${session.title}” was not exported`);
    within(messages()).getByText('the disk is full. Free some space.');
  });
});

describe('a session comes back from a file', () => {
  it('is shown, can be read only, and Undo takes it away', async () => {
    const bridge = fakeBridge('full');
    const { session, user } = await open(bridge);
    await user.click(screen.getByRole('button', { name: 'Import session…' }));
    await within(messages()).findByText('Imported session.jsonl');
    await screen.findByRole('heading', { name: `${session.title} (imported)`, level: 1 });
    within(messages()).getByText('It can be read, and not gone on with.');
    await user.click(within(messages()).getByRole('button', { name: 'Undo' }));
    await screen.findByText('This session is not here');
  });

  it('or nothing is imported, and the message names the line and what to do', async () => {
    const bridge = fakeBridge('full');
    const { user } = await open(bridge);
    const before = bridge.state.sessions.size;
    bridge.chosen = '/home/you/notes.txt';
    await user.click(screen.getByRole('button', { name: 'Import session…' }));
    await within(messages()).findByText('Nothing was imported from notes.txt');
    within(messages()).getByText(/line 1 of .*notes.txt is no beginning of an export\. Choose a file/);
    expect(bridge.state.sessions.size).toBe(before);
    expect(within(messages()).queryByText(/^Importing/)).toBeNull();
  });
});
