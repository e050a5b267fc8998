import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import type { Card } from '@/bindings/nox';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { rowsOfTask } from '@/bridge/fake/state';
import { forgetToasts } from '@/components/feedback/toasts';
import { deadlineOf } from './format';
import { isSamePlace, promiseOf } from './landing';

beforeEach(() => {
  forgetToasts();
  window.location.hash = '#/board';
});

async function open(bridge: FakeBridge, hash = '#/board') {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'Board', level: 1 });
  return userEvent.setup();
}

const region = (name: string) => screen.getByRole('region', { name });
const cardIn = (column: string, title: string) => within(region(column)).findByRole('article', { name: title });

function idOf(bridge: FakeBridge, title: string): string {
  const task = [...bridge.state.tasks.values()].find((each) => each.title === title);
  if (!task) throw new Error(`no task ${title}`);
  return task.id;
}

describe('the board', () => {
  it('has its columns as regions and its cards as articles, with what they ask', async () => {
    await open(fakeBridge('full'));
    for (const column of ['Backlog', 'To do', 'Working', 'Needs you', 'Review', 'Done']) region(column);
    const card = await cardIn('Needs you', 'Publish 1.8.2 to the package index');
    expect(card.textContent).toContain('Release');
    expect(card.textContent).toContain('git push origin v1.8.2');
    expect(card.textContent).toContain('1 of 3 steps');
    within(card).getByRole('img', { name: 'Priority: High' });
  });

  it('says what the edits of a session changed and what it cost, and nothing where nobody told', async () => {
    const bridge = fakeBridge('full');
    await open(bridge);
    const card = await cardIn('Working', 'Retry with backoff for bank imports');
    const lines = within(card).getByRole('img', { name: 'Edits so far: 214 lines added, 38 removed' });
    expect(lines.textContent).toBe('+214−38');
    within(card).getByText('$0.84');
    within(await cardIn('Working', 'Check the nightly backup')).getByText('no cost');
    const queued = await cardIn('Working', 'Rebuild the search index');
    expect(within(queued).queryByTitle('Cost so far')).toBeNull();
    expect(within(queued).queryByRole('img', { name: /Edits so far/ })).toBeNull();

    // They come with the row, as the session goes on.
    const row = [...bridge.state.sessions.values()].find(
      (each) => each.title === 'Retry with backoff for bank imports',
    );
    if (!row) throw new Error('no session');
    bridge.state.sessions.set(row.id, { ...row, cost_micro_usd: 1_250_000, lines: { added: 215, removed: 38 } });
    const asked = bridge.sent.length;
    act(() =>
      bridge.push({ push: 'changed', seq: 2, command: null, rows: rowsOfTask(bridge.state, row.task as string) }),
    );
    await within(card).findByText('$1.25');
    within(card).getByRole('img', { name: 'Edits so far: 215 lines added, 38 removed' });
    expect(bridge.sent.length).toBe(asked);
  });

  it('moves a card by keyboard: M, a column, Enter', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const card = await cardIn('Backlog', 'Write the upgrade notes for 2.0');
    act(() => card.focus());
    await user.keyboard('m');
    const dialog = await screen.findByRole('dialog', { name: 'Move to…' });
    await user.click(within(dialog).getByRole('option', { name: 'Review' }));
    await cardIn('Review', 'Write the upgrade notes for 2.0');
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'moveTask', input: { to: 'review' } });
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await cardIn('Backlog', 'Write the upgrade notes for 2.0');
  });

  it('starts by keyboard, and asks for an agent when there is none', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const user = await open(bridge);
    const title = 'Move invoice PDFs to object storage';
    const card = await cardIn('Backlog', title);
    bridge.refuseNext(new NoxError({ code: 'needs_agent', message: 'No agent.', hint: null, field: 'agent' }));
    act(() => card.focus());
    await user.keyboard('m');
    await user.click(await screen.findByRole('option', { name: 'Working' }));
    const dialog = await screen.findByRole('dialog', { name: 'Which agent works on it?' });
    await user.click(within(dialog).getByRole('option', { name: 'Triage' }));
    await waitFor(() =>
      expect(bridge.sent.at(-1)).toMatchObject({ name: 'moveTask', input: { to: 'working', agent: 'triage' } }),
    );
  });

  it('opens the session by Enter right after a start, however early the key comes', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const move = bridge.moveTask;
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      go = resolve;
    });
    bridge.moveTask = async (...input) => {
      await held;
      return move(...input);
    };
    const user = await open(bridge);
    const title = 'Rotate the backup keys';
    const card = await cardIn('To do', title);
    act(() => card.focus());
    await user.keyboard('m');
    await screen.findByRole('dialog', { name: 'Move to…' });
    await user.keyboard('{ArrowDown}{Enter}{Enter}');
    expect(window.location.hash).toBe('#/board');
    go();
    await waitFor(() => expect(window.location.hash).toMatch(/^#\/sessions\/./));
    expect(bridge.state.sessions.get(decodeURIComponent(window.location.hash.split('/')[2] ?? ''))?.title).toBe(title);
  });

  it('puts a card back and keeps the message when the engine refuses', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const title = 'Write the upgrade notes for 2.0';
    const card = await cardIn('Backlog', title);
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: 'Free 20 MB.', field: null }));
    act(() => card.focus());
    await user.keyboard('m');
    await user.click(await screen.findByRole('option', { name: 'To do' }));
    expect(await screen.findAllByText('The disk is full.')).not.toHaveLength(0);
    await cardIn('Backlog', title);
  });

  it('asks before a running card is taken out of Working', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const title = 'Check the nightly backup';
    const card = await cardIn('Working', title);
    act(() => card.focus());
    await user.keyboard('m');
    await user.click(await screen.findByRole('option', { name: 'To do' }));
    const dialog = await screen.findByRole('dialog', { name: `Stop “${title}”?` });
    expect(bridge.sent.filter((sent) => sent.name === 'moveTask')).toHaveLength(0);
    await user.click(within(dialog).getByRole('button', { name: 'Stop it' }));
    await cardIn('To do', title);
  });

  it('walks over the cards with arrows and letters, assigns and deletes with Undo', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    act(() => region('To do').querySelector<HTMLElement>('article')?.focus());
    await user.keyboard('j');
    await waitFor(() =>
      expect(document.activeElement?.getAttribute('aria-label')).toBe('Contrast pass on the checkout forms'),
    );
    await user.keyboard('{ArrowLeft}');
    await waitFor(() =>
      expect(document.activeElement?.getAttribute('aria-label')).toBe('Remove the old webhook signer'),
    );
    await user.keyboard('a');
    await user.type(await screen.findByRole('combobox', { name: 'Type to find' }), 'docs{Enter}');
    await waitFor(() =>
      expect(bridge.state.tasks.get(idOf(bridge, 'Remove the old webhook signer'))?.agent).toBe('docs'),
    );
    const card = await cardIn('Backlog', 'Remove the old webhook signer');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    act(() => card.focus());
    await user.keyboard('{Delete}');
    await waitFor(() =>
      expect(within(region('Backlog')).queryByRole('article', { name: 'Remove the old webhook signer' })).toBeNull(),
    );
    const undo = await screen.findAllByRole('button', { name: 'Undo' });
    await user.click(undo.at(-1) as HTMLElement);
    await cardIn('Backlog', 'Remove the old webhook signer');
  });

  it('filters by words, and says how to get back', async () => {
    const user = await open(fakeBridge('full'));
    await user.type(screen.getByRole('searchbox', { name: 'Search tasks' }), 'backup keys');
    await cardIn('To do', 'Rotate the backup keys');
    expect(within(region('Backlog')).queryAllByRole('article')).toHaveLength(0);
    await user.type(screen.getByRole('searchbox', { name: 'Search tasks' }), ' xyz');
    await user.click(await screen.findByRole('button', { name: 'Clear the filter' }));
    expect(within(region('Backlog')).queryAllByRole('article').length).toBeGreaterThan(2);
  });

  it('draws only what is in sight of 10,000 cards', async () => {
    const user = await open(fakeBridge('big'));
    await user.click(screen.getByRole('button', { name: /^Show Done \d+$/ }));
    expect(region('Done').textContent).toMatch(/^Done7989/);
    expect(screen.getAllByRole('article').length).toBeLessThan(150);
  });

  it('teaches when it is empty', async () => {
    const bridge = fakeBridge('empty');
    const user = await open(bridge);
    await screen.findByText('No tasks yet');
    await user.click(screen.getByRole('button', { name: 'Run the sample' }));
    await waitFor(() => expect(bridge.sent.map((sent) => sent.name)).toContain('makeSamples'));
    await screen.findByRole('article', { name: 'How is this computer doing?' });
    await cardIn('To do', 'How is this computer doing?');
  });

  it('makes a task from files of the desktop', async () => {
    const bridge = fakeBridge('full');
    await open(bridge);
    // jsdom has no layout, so nothing lies under the pointer: the drop goes where no column is named.
    document.elementFromPoint = () => region('Backlog');
    act(() => bridge.drag({ type: 'enter', paths: ['/home/you/invoices.csv'], x: 10, y: 10 }));
    await within(region('Backlog')).findByText('Make a task in Backlog');
    expect(within(region('Backlog')).getByText('invoices.csv')).toBeDefined();
    act(() => bridge.drag({ type: 'drop', paths: ['/home/you/invoices.csv'], x: 10, y: 10 }));
    await cardIn('Backlog', 'invoices.csv');
    expect(bridge.sent.at(-1)).toMatchObject({
      name: 'dropThings',
      input: { paths: ['/home/you/invoices.csv'], to: 'backlog' },
    });
    act(() => bridge.drag({ type: 'drop', paths: ['https://example.org/a'], x: 10, y: 10 }));
    await waitFor(() =>
      expect(bridge.sent.at(-1)).toMatchObject({ input: { paths: [], text: 'https://example.org/a' } }),
    );
  });

  it('shows a broken file with its line and opens it', async () => {
    const bridge = fakeBridge('problems');
    const user = await open(bridge);
    const banner = (await screen.findByText('This task file has an error in line 5')).closest('section') as HTMLElement;
    expect(banner.textContent).toContain('deadline: 2026-11-31');
    expect(banner.textContent).toContain('November has 30 days.');
    await user.click(within(banner).getByRole('button', { name: 'Open file' }));
    expect(bridge.desktop).toEqual(['openPath /home/you/.local/share/nox/registry/tasks/2026-11/0142-rate-limit.md']);
  });

  it('has no serious accessibility fault', async () => {
    await open(fakeBridge('problems'));
    await cardIn('To do', 'Rotate the backup keys');
    const { violations } = await axe.run(document.body, { rules: { 'color-contrast': { enabled: false } } });
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  });
});

describe('what a drop would do', () => {
  const card = { column: 'todo', live: false, task: { id: 'tsk_a' } } as Card;

  it('is said before it happens', () => {
    expect(promiseOf(card, 'working', 'Docs', { running: 1, max: 4 })).toMatchObject({
      title: 'Drop to start',
      detail: 'Docs works on it',
      more: '2 of 4 would be running',
    });
    expect(promiseOf(card, 'working', 'Docs', { running: 4, max: 4 }).more).toContain('wait');
    expect(promiseOf(card, 'needs_you', null, { running: 0, max: 4 }).takes).toBe(false);
    expect(promiseOf({ ...card, live: true, column: 'working' }, 'todo', null, { running: 1, max: 4 }).title).toContain(
      'stop',
    );
  });

  it('is nothing where the card lies already', () => {
    const landing = { kind: 'column', column: 'todo', after: null, before: 'tsk_b', below: false } as const;
    expect(isSamePlace(card, landing, ['tsk_a', 'tsk_b'])).toBe(true);
    expect(isSamePlace(card, { ...landing, after: 'tsk_b', before: null }, ['tsk_a', 'tsk_b'])).toBe(false);
  });
});

describe('deadlines', () => {
  const now = new Date(2026, 10, 21, 15).getTime();
  it.each([
    ['2026-11-21', 'today', false],
    ['2026-11-22', 'tomorrow', false],
    ['2026-11-19', 'late, 2 d', true],
  ])('%s is “%s”', (day, text, late) => {
    expect(deadlineOf(day, now)).toEqual({ text, late });
  });
  it('are nothing when they are no day', () => {
    expect(deadlineOf('soon', now)).toBeNull();
  });
});
