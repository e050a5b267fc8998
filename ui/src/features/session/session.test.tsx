import { act, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { emptyState } from '@/bridge/fake/state';
import { newId } from '@/bridge/ids';
import { forgetToasts } from '@/components/feedback/toasts';
import { layOut } from '@/test/layout';
import type { Item, ItemBody, SessionRow, SessionState, SessionView } from '../../bindings/nox';
import { groupSessions } from './groups';

/** The page has no layout in these tests: the log is this high, and every entry is taken for as high as it is guessed. */
const HEIGHT = 600;

beforeEach(() => {
  forgetToasts();
  layOut(HEIGHT);
});

const CALL = {
  key: 'block:1',
  kind: 'execute' as const,
  title: 'make world',
  text: 'make world\n',
  shell: 'sh',
  folder: '/home/you/src',
  environment: ['HOME', 'PATH'],
  environment_hash: '0'.repeat(64),
  sandbox: 'none',
  timeout_seconds: null,
  continue_on_failure: false,
};

function call(body: Partial<Extract<ItemBody, { kind: 'tool_call' }>>): ItemBody {
  const empty = { request: null, decision: null, reason: null, started_at: null, ended_at: null, end: null };
  return { kind: 'tool_call', call: CALL, status: 'running', output: null, ...empty, ...body };
}

/** A fake engine with one session that says these things. */
function withSession(state: SessionState, bodies: readonly ItemBody[], given: Partial<SessionRow> = {}) {
  const now = Date.now();
  const all = emptyState(now);
  const row: SessionRow = {
    id: newId('ses', now),
    task: null,
    agent: 'runbook',
    agent_name: 'Runbook',
    agent_version: '9f3c2e1abcdef',
    runtime: 'runbook',
    project: null,
    folder: '/home/you/src',
    title: 'Build the world',
    state,
    review: false,
    progress: { done: 3, of: 9 },
    attempt: 1,
    opened_at: now - 60_000,
    last_event_at: now,
    closed_at: null,
    items: bodies.length,
    cost_micro_usd: null,
    deleted: false,
    ...given,
  };
  const items = bodies.map(
    (body, ord): Item => ({ id: `itm_${ord}`, session: row.id, turn: null, ord, at: now - 1000, body }),
  );
  all.sessions.set(row.id, row);
  all.items.set(row.id, items);
  return { bridge: fakeBridge(all), row };
}

async function open(bridge: FakeBridge, hash = '#/sessions') {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  await screen.findByRole('region', { name: 'Sessions' });
  return userEvent.setup();
}

const log = () => screen.findByRole('log', { name: 'Conversation' });

describe('the list of sessions', () => {
  it('puts what needs a person first, then what runs, then the rest', async () => {
    await open(fakeBridge('full'));
    const list = screen.getByRole('region', { name: 'Sessions' });
    const headings = within(list)
      .getAllByRole('heading', { level: 2 })
      .map((heading) => heading.textContent);
    expect(headings).toEqual(['Needs you 2', 'Running 3', 'Quiet 4']);
    const asks = within(list).getByRole('region', { name: 'Needs you' });
    expect(within(asks).getAllByRole('link').at(-1)?.textContent).toContain('Publish 1.8.2');
  });

  it('sorts by the sign that the engine gives, never by its own thoughts', () => {
    const view = (sign: SessionView['status']['sign'], id: string): SessionView => {
      const { row } = withSession({ state: 'queued', held_back: null }, [], { id });
      return { row, status: { sign, words: { code: 'queued', held_back: null }, at: 0 } };
    };
    const groups = groupSessions([view('queued', 'a'), view('unknown', 'b'), view('running', 'c')]);
    expect(groups.map(({ name, sessions }) => [name, sessions[0]?.row.id])).toEqual([
      ['needsYou', 'b'],
      ['running', 'c'],
      ['quiet', 'a'],
    ]);
  });

  it('walks with J and K', async () => {
    const user = await open(fakeBridge('full'));
    await user.keyboard('j');
    expect(window.location.hash).toMatch(/^#\/sessions\/ses_/);
    const first = window.location.hash;
    await user.keyboard('j');
    expect(window.location.hash).not.toBe(first);
    await user.keyboard('k');
    expect(window.location.hash).toBe(first);
  });
});

describe('a session', () => {
  it('shows what was said and done, how far it is, and that nothing holds it in', async () => {
    const { bridge } = withSession({ state: 'running', doing: 'make world' }, [
      { kind: 'prompt', text: 'Build **everything**.' },
      { kind: 'message', text: 'I begin with `core`.' },
      { kind: 'note', code: 'lone_cd', text: 'Block 1 only changes the folder.' },
      call({ status: 'succeeded', started_at: 1, ended_at: 4_001, end: { outcome: 'succeeded' } }),
      call({
        status: 'failed',
        end: { outcome: 'failed', exit_code: 2, signal: null, timed_out: false, problem: null },
      }),
    ]);
    await open(bridge);
    const said = await log();
    await within(said).findByText('everything');
    within(said).getByText('Block 1 only changes the folder.');
    within(said).getByText('Done');
    within(said).getByText('4.0 s');
    within(said).getByText('Failed: exit 2');
    screen.getByText('Not sandboxed');
    expect(screen.getAllByText('3 of 9 blocks').length).toBeGreaterThan(0);
  });

  it('shows what a running call wrote before and what it writes now, and stops it', async () => {
    const { bridge, row } = withSession({ state: 'running', doing: 'make world' }, [call({ started_at: Date.now() })]);
    const text = 'one\ntwo\n';
    bridge.state.output.set('itm_0', [{ offset: 0, bytes: text.length, stream: 'stdout', text }]);
    const user = await open(bridge);
    const output = await screen.findByRole('group', { name: 'Output of make world' });
    await within(output).findByText('two');
    act(() =>
      bridge.push({
        push: 'output',
        session: row.id,
        item: 'itm_0',
        pieces: [{ offset: text.length, bytes: 6, stream: 'stderr', text: 'three\n' }],
      }),
    );
    await within(output).findByText('three');
    const call_ = within(await log()).getByRole('button', { name: 'Stop' });
    await user.click(call_);
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'stopSession', input: { session: row.id } });
  });

  it('reads no output of calls that ended before, until one is opened', async () => {
    const digest = { size_bytes: 4, kept_bytes: 4, sha256: '', head: 'a\nb\n', tail: '', cut_off: true };
    const { bridge } = withSession({ state: 'closed', how: 'finished', problem: null }, [
      call({ status: 'succeeded', end: { outcome: 'succeeded' }, output: digest }),
    ]);
    const read = vi.spyOn(bridge, 'readOutput');
    const user = await open(bridge);
    const said = await log();
    await within(said).findByText('b');
    within(said).getByText('Output cut off');
    expect(read).not.toHaveBeenCalled();
    await user.click(within(said).getByRole('button', { expanded: false }));
    await waitFor(() => expect(read).toHaveBeenCalled());
    within(said).getByText('Exit code 0');
  });

  it.each([
    ['Run it again', 'again'],
    ['Skip it', 'skip'],
    ['Stop', 'stop'],
  ])('after an unknown outcome “%s” is sent as %s', async (name, choice) => {
    const { bridge, row } = withSession({ state: 'needs_choice', item: 'itm_0', title: 'make world' }, [
      call({ status: 'unknown', end: { outcome: 'unknown' } }),
    ]);
    const user = await open(bridge);
    const said = await log();
    await within(said).findByText('Result unknown, not repeated');
    const choices = within(said).getByRole('group', { name: 'What should happen' });
    await user.click(within(choices).getByRole('button', { name }));
    expect(bridge.sent.at(-1)).toMatchObject({
      name: 'resolveUnknown',
      input: { session: row.id, item: 'itm_0', choice },
    });
  });

  it('offers Continue when it failed, and says why', async () => {
    const problem = { code: 'exit_code' as const, exit_code: 2, title: 'make world' };
    const { bridge, row } = withSession({ state: 'closed', how: 'failed', problem }, [call({ status: 'failed' })]);
    const user = await open(bridge);
    const said = await log();
    await within(said).findByText('“make world” ended with exit code 2.');
    await user.click(within(said).getByRole('button', { name: 'Continue' }));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'continueSession', input: { session: row.id } });
  });

  it('is deleted, and comes back with Undo', async () => {
    const { bridge } = withSession({ state: 'closed', how: 'finished', problem: null }, [call({})]);
    const user = await open(bridge);
    await log();
    await user.click(screen.getByRole('button', { name: 'Delete' }));
    await within(screen.getByRole('region', { name: 'Messages' })).findByText('Deleted the session “Build the world”');
    await waitFor(() => expect(screen.queryByRole('log')).toBeNull());
    await user.click(screen.getByRole('button', { name: 'Undo' }));
    await screen.findByRole('link', { name: /Build the world/ });
  });

  it('keeps a refusal in sight', async () => {
    const { bridge } = withSession({ state: 'running', doing: null }, [call({})]);
    const user = await open(bridge);
    await log();
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: 'Free 20 MB.', field: null }));
    await user.click(screen.getAllByRole('button', { name: 'Stop' })[0] as HTMLElement);
    await screen.findByText('Free 20 MB.');
  });

  it('says why its conversation cannot be read, and tries again', async () => {
    const { bridge } = withSession({ state: 'queued', held_back: null }, [{ kind: 'prompt', text: 'Here after all.' }]);
    const read = bridge.readItems;
    bridge.readItems = () =>
      Promise.reject(new NoxError({ code: 'disk', message: 'No disk.', hint: null, field: null }));
    const user = await open(bridge);
    await screen.findByText('The conversation could not be read');
    bridge.readItems = read;
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    await screen.findByText('Here after all.');
  });
});

describe('a long conversation', () => {
  const many = (count: number): ItemBody[] =>
    Array.from({ length: count }, (_, index) => ({ kind: 'message', text: `Message ${index}` }));

  /** Gives the log a height that grows with what is in it, and a place that is scrolled to. */
  function lay(box: HTMLElement, height: () => number) {
    Object.defineProperty(box, 'scrollHeight', { get: height, configurable: true });
    // jsdom's scrollTo does nothing; the virtual list places the log with it.
    box.scrollTo = ((options: ScrollToOptions) => {
      box.scrollTop = options.top ?? 0;
    }) as typeof box.scrollTo;
  }

  it('draws few entries however many there are, and reads backwards only when somebody goes there', async () => {
    const { bridge } = withSession({ state: 'queued', held_back: null }, many(1000));
    const read = vi.spyOn(bridge, 'readItems');
    await open(bridge);
    const said = await log();
    await waitFor(() => expect(within(said).getAllByText(/^Message/).length).toBeGreaterThan(0));
    expect(within(said).getAllByText(/^Message/).length).toBeLessThan(60);
    await waitFor(() => expect(read).toHaveBeenCalledWith(expect.objectContaining({ before: 800, limit: 200 })));
  });

  it('stays at its end only if it was there, and counts what came otherwise', async () => {
    const { bridge, row } = withSession({ state: 'queued', held_back: null }, many(30));
    const user = await open(bridge);
    const box = await log();
    let height = 3000;
    lay(box, () => height);
    const come = (ord: number) =>
      act(async () => {
        height += 100;
        const body: ItemBody = { kind: 'message', text: `Late ${ord}` };
        const item: Item = { id: `late_${ord}`, session: row.id, turn: null, ord, at: Date.now(), body };
        bridge.push({ push: 'changed', seq: 100 + ord, command: null, rows: [{ kind: 'item', row: item }] });
        await new Promise((resolve) => requestAnimationFrame(resolve));
        await new Promise((resolve) => requestAnimationFrame(resolve));
      });
    await come(30);
    expect(box.scrollTop).toBe(3100);
    expect(screen.queryByRole('button', { name: /new$/ })).toBeNull();

    box.scrollTop = height - HEIGHT;
    fireEvent.scroll(box);
    box.scrollTop = 1000;
    fireEvent.scroll(box);
    await come(31);
    await come(32);
    expect(box.scrollTop).toBe(1000);
    await user.click(await screen.findByRole('button', { name: '2 new' }));
    expect(box.scrollTop).toBe(height);
    await waitFor(() => expect(screen.queryByRole('button', { name: /new$/ })).toBeNull());
  });
});

describe('for everybody', () => {
  it('has no fault that axe finds', async () => {
    const { bridge } = withSession({ state: 'needs_choice', item: 'itm_1', title: 'make world' }, [
      { kind: 'prompt', text: '# Build\n\n```sh\nmake\n```' },
      call({ status: 'unknown', end: { outcome: 'unknown' } }),
    ]);
    await open(bridge);
    await log();
    await screen.findByText('Result unknown, not repeated');
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
    expect(violations.map(({ id, nodes }) => [id, nodes[0]?.html])).toEqual([]);
  });

  it('says what is missing when there is nothing', async () => {
    await open(fakeBridge('empty'));
    expect(screen.getAllByText('No sessions yet').length).toBeGreaterThan(0);
  });
});
