import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import axe from 'axe-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';

beforeEach(() => forgetToasts());

function idOf(bridge: FakeBridge, title: string): string {
  const task = [...bridge.state.tasks.values()].find((each) => each.title === title);
  if (!task) throw new Error(`no task ${title}`);
  return task.id;
}

async function openTask(bridge: FakeBridge, title: string) {
  window.location.hash = `#/board?task=${idOf(bridge, title)}`;
  render(<App bridge={bridge} />);
  const pane = await screen.findByRole('region', { name: 'Task' });
  await within(pane).findByRole('button', { name: 'Delete' });
  return { pane, user: userEvent.setup() };
}

describe('the task beside the board', () => {
  it('shows what its file says and what it would run', async () => {
    const bridge = fakeBridge('full');
    const { pane } = await openTask(bridge, 'Rotate the backup keys');
    expect(within(pane).getByLabelText('Title')).toHaveProperty('value', 'Rotate the backup keys');
    expect(within(pane).getByLabelText('Agent')).toHaveProperty('value', 'runbook');
    within(pane).getByText('Runs 3 blocks');
    within(pane).getByText('Not started yet.');
  });

  it('says which limit did not let it begin, from when on it may, and leads to the agent', async () => {
    const bridge = fakeBridge('full');
    const { pane } = await openTask(bridge, 'Rotate the backup keys');
    const { cards } = await bridge.snapshot({});
    const card = cards.find(({ task }) => task.title === 'Rotate the backup keys');
    if (!card) throw new Error('no card');
    const words = {
      code: 'not_started' as const,
      hit: { limit: 'spawn_rate' as const, value: 5, allowed: 5, action: 'refused' as const },
      agent: 'runbook',
      agent_name: 'Runbook',
      again_at: new Date(2026, 1, 3, 14, 5).getTime(),
    };
    const status = { ...card.status, sign: 'blocked' as const, words };
    bridge.push({ push: 'changed', seq: 99, command: null, rows: [{ kind: 'card', row: { ...card, status } }] });
    await within(pane).findByText('A limit did not let it begin');
    within(pane).getByText(/A session was not started: sessions in an hour 5 of 5\. .*Sessions an hour.*05/);
    within(pane).getByText('Not started: too many sessions');
    expect(within(pane).getByRole('link', { name: 'Open Runbook' }).getAttribute('href')).toBe('#/agents/runbook');
    bridge.push({
      push: 'told',
      session: 'ses_1',
      task: card.task.id,
      agent_name: 'Runbook',
      title: card.task.title,
      what: { what: 'not_started', why: 'limit of sessions: 5 of 5' },
    });
    await screen.findByText('limit of sessions: 5 of 5');
  });

  it('saves a field when it is left, and says in the field what was refused', async () => {
    const bridge = fakeBridge('full');
    const title = 'Rotate the backup keys';
    const id = idOf(bridge, title);
    const { pane, user } = await openTask(bridge, title);
    await user.selectOptions(within(pane).getByLabelText('Agent'), 'docs');
    await waitFor(() => expect(bridge.state.tasks.get(id)?.agent).toBe('docs'));
    bridge.refuseNext(new NoxError({ code: 'bad_input', message: 'A tag has no spaces.', hint: null, field: 'tags' }));
    await user.type(within(pane).getByLabelText('Tags'), 'two words');
    await user.tab();
    await within(pane).findByText('A tag has no spaces.');
    expect(within(pane).getByLabelText('Tags')).toHaveProperty('value', 'two words');
  });

  it('edits the text against the file that it was made from and keeps it when it is not saved', async () => {
    const bridge = fakeBridge('full');
    const title = 'Rotate the backup keys';
    const id = idOf(bridge, title);
    const hash = bridge.state.tasks.get(id)?.hash;
    const { pane, user } = await openTask(bridge, title);
    await user.click(within(pane).getByRole('button', { name: 'Edit' }));
    const editor = within(pane).getByRole('textbox', { name: 'Text' });
    await user.clear(editor);
    await user.type(editor, '```sh rubbish=1{Enter}true{Enter}```');
    await within(pane).findByText('Line 1 of the text');
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: null, field: null }));
    await user.click(within(pane).getByRole('button', { name: /^Save/ }));
    await within(pane).findByText(/Not saved. Your text is kept here/);
    expect(editor).toHaveProperty('value', '```sh rubbish=1\ntrue\n```');
    await user.click(within(pane).getByRole('button', { name: /^Save/ }));
    await waitFor(() => expect(bridge.state.bodies.get(id)).toContain('rubbish'));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'changeTask', input: { base: hash } });
  });

  it('starts, and stops after a question', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const title = 'Rotate the backup keys';
    const { pane, user } = await openTask(bridge, title);
    await user.click(within(pane).getByRole('button', { name: 'Start' }));
    await user.click(await within(pane).findByRole('button', { name: 'Stop' }));
    const dialog = await screen.findByRole('dialog', { name: `Stop “${title}”?` });
    await user.click(within(dialog).getByRole('button', { name: 'Stop it' }));
    await within(pane).findByRole('button', { name: 'Start' });
    expect(bridge.sent.map((sent) => sent.name)).toEqual(['startTask', 'stopSession']);
  });

  it('is deleted with Undo', async () => {
    const bridge = fakeBridge('full');
    const title = 'Rotate the backup keys';
    const { pane, user } = await openTask(bridge, title);
    await user.click(within(pane).getByRole('button', { name: 'Delete' }));
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await within(screen.getByRole('region', { name: 'To do' })).findByRole('article', { name: title });
  });

  it('has no serious accessibility fault', async () => {
    const { pane } = await openTask(fakeBridge('full'), 'Rotate the backup keys');
    const { violations } = await axe.run(pane, { rules: { 'color-contrast': { enabled: false } } });
    const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(serious.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`)).toEqual([]);
  });
});

describe('a new task', () => {
  it('is written, checked and created', async () => {
    const bridge = fakeBridge('full');
    window.location.hash = '#/board?create=task&column=backlog';
    render(<App bridge={bridge} />);
    const user = userEvent.setup();
    const dialog = await screen.findByRole('dialog', { name: 'New task' });
    await user.click(within(dialog).getByRole('button', { name: /Create task/ }));
    await within(dialog).findByText(/A task needs a title/);
    await user.type(within(dialog).getByLabelText('Title'), 'Look at the disks');
    await user.type(within(dialog).getByLabelText('Text'), '```sh{Enter}df{Enter}```');
    await within(dialog).findByText('Runs 1 block');
    await user.selectOptions(within(dialog).getByLabelText('Agent'), 'runbook');
    await user.click(within(dialog).getByRole('button', { name: /Create task/ }));
    await within(screen.getByRole('region', { name: 'Backlog' })).findByRole('article', { name: 'Look at the disks' });
  });
});

describe('the first page', () => {
  it('makes and starts the sample and goes to the board', async () => {
    const bridge = fakeBridge('first', { stepMs: 1 });
    window.location.hash = '';
    render(<App bridge={bridge} />);
    const user = userEvent.setup();
    await screen.findByRole('heading', { name: 'Welcome to Nox' });
    await user.click(screen.getByRole('button', { name: 'Run the sample' }));
    await within(await screen.findByRole('region', { name: 'Needs you' })).findByRole('article', {
      name: 'How is this computer doing?',
    });
    expect(bridge.state.settings.welcomed).toBe(true);
  });
});
