/**
 * Boards to look at without an engine: `full`, `empty`, `first` (never welcomed), `problems`, `big`, `lives`, whose
 * sessions stand in every way there is after a start that found some of them lost, and `images`, with a session that shows some.
 */
import type { Card, Item, RequestRow, SessionRow, SessionState, TaskRow } from '../../bindings/nox';
import { newId } from '../ids';
import { someFound } from './discovery';
import { addLives } from './lives';
import { addPictures } from './pictures';
import { emptyState, type FakeState, newAgent, newTask } from './state';

export type SampleName = 'full' | 'empty' | 'first' | 'problems' | 'big' | 'lives' | 'images';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const NAMES: readonly SampleName[] = ['full', 'empty', 'first', 'problems', 'big', 'lives', 'images'];

/** The sample of that name; anything else is the full one. */
export function sampleNamed(name: string | null): FakeState {
  return sample(NAMES.find((known) => known === name) ?? 'full');
}

export function sample(name: SampleName, now: number = Date.now()): FakeState {
  const state = emptyState(now - 3 * DAY);
  if (name === 'first') {
    state.settings.welcomed = false;
    state.found = someFound(now);
    return state;
  }
  for (const [id, label, review] of AGENTS) {
    state.agents.set(
      id,
      newAgent({ id, name: label, review, description: `${label} work`, prompt: `# ${label}\n\nDo it well.` }, now),
    );
  }
  if (name === 'empty') return state;
  if (name === 'images') {
    addPictures(state, now);
    return state;
  }
  state.found = someFound(now);
  for (const [id, path] of PROJECTS) state.projects.set(id, { id, path, present: true });
  fill(state, now);
  if (name === 'problems') addProblems(state);
  if (name === 'lives') addLives(state, now, session);
  if (name === 'big') addMany(state, now);
  return state;
}

const AGENTS = [
  ['backend', 'Backend', true],
  ['docs', 'Docs', true],
  ['frontend', 'Frontend', true],
  ['refactor', 'Refactor', true],
  ['release', 'Release', true],
  ['reviewer', 'Reviewer', false],
  ['runbook', 'Runbook', false],
  ['triage', 'Triage', false],
] as const;

const PROJECTS = [
  ['ledger-api', '/home/you/src/ledger-api'],
  ['storefront', '/home/you/src/storefront'],
  ['home-server', '/home/you/home-server'],
] as const;

function day(now: number, days: number) {
  return new Date(now + days * DAY).toISOString().slice(0, 10);
}

const RUNBOOK =
  '# Steps\n\n```sh name=look\ndf -h ~\n```\n\n```sh name=check\nrestic check\n```\n\n```sh\ngit --version\n```\n';

function fill(state: FakeState, now: number) {
  let rank = 0;
  const add = (given: Partial<TaskRow> & { title: string }, body = '', ageMs = DAY) => {
    rank += 1;
    const rankText = `V${String(rank).padStart(3, '0')}`;
    const task = newTask({ rank: rankText, ...given }, body, now - ageMs);
    state.tasks.set(task.id, task);
    state.bodies.set(task.id, body);
    return task;
  };
  add({ title: 'Move invoice PDFs to object storage', status: 'backlog', project: 'storefront', priority: 'low' });
  const publish = add(
    {
      title: 'Publish 1.8.2 to the package index',
      status: 'in_progress',
      agent: 'release',
      project: 'ledger-api',
      priority: 'high',
      deadline: day(now, 0),
      tags: ['release'],
    },
    RUNBOOK,
  );
  add(
    {
      title: 'Remove the old webhook signer',
      status: 'backlog',
      agent: 'refactor',
      project: 'ledger-api',
      depends_on: [publish.id],
    },
    '',
    2 * DAY,
  );
  add({
    title: 'Write the upgrade notes for 2.0',
    status: 'backlog',
    agent: 'docs',
    project: 'ledger-api',
    deadline: day(now, 13),
    priority: 'low',
  });
  add({ title: 'Read-only mode when the disk is full', status: 'backlog', project: 'home-server', priority: 'high' });
  add({
    title: 'Group the crash reports of October by cause',
    status: 'backlog',
    agent: 'triage',
    project: 'storefront',
    priority: 'low',
  });
  add({
    title: 'Rate-limit the public search endpoint',
    agent: 'backend',
    project: 'ledger-api',
    priority: 'high',
    depends_on: [publish.id],
  });
  add(
    { title: 'Contrast pass on the checkout forms', agent: 'frontend', project: 'storefront', deadline: day(now, 2) },
    '- [ ] Buttons\n- [ ] Fields\n\nSee the notes of the last review.',
  );
  add({
    title: 'Explain the new permission rules with three examples',
    agent: 'docs',
    project: 'ledger-api',
    deadline: day(now, 6),
  });
  add({ title: 'Rotate the backup keys', agent: 'runbook', project: 'home-server', deadline: day(now, -2) }, RUNBOOK);

  const backoff = add(
    {
      title: 'Retry with backoff for bank imports',
      status: 'in_progress',
      agent: 'backend',
      project: 'ledger-api',
      priority: 'critical',
      deadline: day(now, 0),
    },
    RUNBOOK,
  );
  session(state, backoff, { state: 'running', doing: 'cargo test' }, now - 6_000, { done: 5, of: 8 }, 840_000, {
    added: 214,
    removed: 38,
  });
  const cold = add(
    {
      title: 'Cut the cold start of the product list',
      status: 'in_progress',
      agent: 'frontend',
      project: 'storefront',
    },
    RUNBOOK,
  );
  session(state, cold, { state: 'running', doing: 'npm run build' }, now - 2_000, { done: 2, of: 6 }, 310_000, {
    added: 61,
    removed: 12,
  });
  const backup = add(
    {
      title: 'Check the nightly backup',
      status: 'in_progress',
      agent: 'runbook',
      project: 'home-server',
      priority: 'low',
    },
    RUNBOOK,
  );
  session(state, backup, { state: 'running', doing: 'restic check' }, now - 41_000, { done: 3, of: 9 }, 0);
  const index = add(
    { title: 'Rebuild the search index', status: 'in_progress', agent: 'triage', project: 'storefront' },
    RUNBOOK,
  );
  session(
    state,
    index,
    { state: 'queued', held_back: { why: 'places', max: 4 } },
    now - 3 * MINUTE,
    { done: 0, of: 3 },
    null,
  );

  asks(state, publish, 'git push origin v1.8.2', now - 4 * MINUTE, 120_000, { added: 9, removed: 4 });
  const flags = add(
    { title: 'Clear out the stale feature flags', status: 'in_progress', agent: 'refactor', project: 'storefront' },
    RUNBOOK,
  );
  asks(state, flags, 'rm -r flags/checkout_v1 flags/checkout_v2 && npm test', now - 11 * MINUTE, 1_060_000, {
    added: 18,
    removed: 402,
  });
  const statements = add(
    { title: 'Import the statements of 2023', status: 'failed', agent: 'backend', project: 'ledger-api' },
    RUNBOOK,
    26 * MINUTE,
  );
  session(
    state,
    statements,
    { state: 'closed', how: 'failed', problem: { code: 'exit_code', exit_code: 101, title: 'import' } },
    now - 26 * MINUTE,
    { done: 5, of: 7 },
    450_000,
    { added: 77, removed: 3 },
  );
  const keys = add(
    { title: 'Arrow keys in the date picker', status: 'review', agent: 'frontend', project: 'storefront' },
    RUNBOOK,
    8 * MINUTE,
  );
  session(
    state,
    keys,
    { state: 'closed', how: 'finished', problem: null },
    now - 8 * MINUTE,
    { done: 4, of: 4 },
    920_000,
    { added: 182, removed: 40 },
  );
  const rounds = add(
    {
      title: 'How the ledger rounds, with a table of cases',
      status: 'review',
      agent: 'docs',
      project: 'ledger-api',
      priority: 'low',
    },
    '',
    3 * HOUR,
  );
  session(state, rounds, { state: 'closed', how: 'finished', problem: null }, now - 3 * HOUR, null, 80_000);
  for (let index = 1; index <= 38; index += 1) {
    const agent = AGENTS[index % AGENTS.length]?.[0] ?? 'runbook';
    const status = index % 12 === 0 ? 'cancelled' : 'done';
    add({ title: `Nightly report ${index}`, status, agent, project: 'home-server' }, '', index * DAY);
  }
}

function session(
  state: FakeState,
  task: TaskRow,
  how: SessionState,
  at: number,
  progress: Card['progress'],
  cost: number | null,
  lines: SessionRow['lines'] = undefined,
): SessionRow {
  const row: SessionRow = {
    id: newId('ses', at),
    task: task.id,
    agent: task.agent ?? 'runbook',
    agent_name: state.agents.get(task.agent ?? 'runbook')?.agent.name ?? 'Runbook',
    agent_version: 'fake',
    runtime: 'runbook',
    project: task.project,
    folder: state.projects.get(task.project ?? '')?.path ?? '/home/you/work',
    title: task.title,
    state: how,
    review: true,
    progress,
    attempt: 1,
    opened_at: at - 20 * MINUTE,
    last_event_at: at,
    closed_at: how.state === 'closed' ? at : null,
    items: 2,
    cost_micro_usd: cost,
    ...(lines ? { lines } : {}),
    deleted: false,
  };
  state.sessions.set(row.id, row);
  const body = state.bodies.get(task.id) ?? '';
  const prompt: Item = {
    id: newId('itm', at),
    session: row.id,
    turn: null,
    ord: 0,
    at,
    body: { kind: 'prompt', text: body || task.title },
  };
  state.items.set(row.id, [prompt]);
  const doing = how.state === 'running' ? how.doing : null;
  if (doing) {
    const item = call(row, doing, at);
    state.items
      .get(row.id)
      ?.push({ ...item, body: { ...item.body, status: 'running', started_at: at } as Item['body'] });
    let offset = 0;
    const pieces = [];
    for (let line = 1; line <= 12; line += 1) {
      const text = `test import::retry_${line} ... \u001b[32mok\u001b[0m\n`;
      pieces.push({ offset, bytes: text.length, stream: 'stdout' as const, text });
      offset += text.length;
    }
    state.output.set(item.id, pieces);
  }
  return row;
}

function call(row: SessionRow, text: string, at: number): Item {
  return {
    id: newId('itm', at),
    session: row.id,
    turn: null,
    ord: 1,
    at,
    body: {
      kind: 'tool_call',
      call: {
        key: 'block:1',
        kind: 'execute',
        title: text.split('\n')[0] ?? text,
        text,
        shell: 'sh',
        folder: row.folder,
        environment: ['HOME', 'LANG', 'PATH'],
        environment_hash: '0'.repeat(64),
        sandbox: 'none',
        timeout_seconds: null,
        continue_on_failure: false,
      },
      status: 'waiting',
      request: null,
      decision: null,
      reason: null,
      started_at: null,
      ended_at: null,
      end: null,
      output: null,
    },
  };
}

function asks(state: FakeState, task: TaskRow, text: string, at: number, cost: number, lines: SessionRow['lines']) {
  const id = newId('req', at);
  const row = session(
    state,
    task,
    { state: 'needs_approval', request: id, text, open: 1 },
    at,
    { done: 1, of: 3 },
    cost,
    lines,
  );
  const item = call(row, text, at);
  if (item.body.kind !== 'tool_call') return;
  state.items.get(row.id)?.push({ ...item, body: { ...item.body, request: id } });
  const request: RequestRow = {
    request: {
      id,
      item: item.id,
      call: item.body.call,
      hash: '0'.repeat(64),
      risk: 'high',
      risk_reason: 'leaves_machine',
      why: { code: 'no_rule' },
      asked_at: at,
    },
    session: row.id,
    task: task.id,
    agent: row.agent,
    agent_name: row.agent_name,
    title: row.title,
    state: { state: 'open' },
  };
  state.requests.set(id, request);
}

function addProblems(state: FakeState) {
  state.problems.set('tasks/2026-11/0142-rate-limit.md', {
    path: 'tasks/2026-11/0142-rate-limit.md',
    line: 5,
    column: 11,
    field: 'deadline',
    code: 'bad_date',
    message: 'November has 30 days.',
    hint: 'Write a date such as 2026-11-30; the task keeps its last good version until then.',
    excerpt: [
      { number: 4, text: 'priority: high' },
      { number: 5, text: 'deadline: 2026-11-31' },
      { number: 6, text: 'depends_on: [0139]' },
    ],
  });
  state.problems.set('agents/backend/agent.toml', {
    path: 'agents/backend/agent.toml',
    line: 3,
    column: 11,
    field: 'runtime',
    code: 'unknown_value',
    message: 'There is no runtime “runbok”.',
    hint: 'Write runtime = "runbook".',
    excerpt: [
      { number: 2, text: 'name = "Backend"' },
      { number: 3, text: 'runtime = "runbok"' },
      { number: 4, text: 'review = true' },
    ],
  });
}

/** 10,000 tasks in all, spread over the columns as on a board that is used for years. */
function addMany(state: FakeState, now: number) {
  const missing = 10_000 - state.tasks.size;
  for (let index = 0; index < missing; index += 1) {
    const status = index % 10 === 0 ? 'backlog' : index % 10 === 1 ? 'todo' : 'done';
    const agent = AGENTS[index % AGENTS.length]?.[0] ?? 'runbook';
    const title = `Task ${index + 1}: ${index % 3 === 0 ? 'look at the import and write what you find into the notes' : 'tidy the log'}`;
    const task = newTask(
      { title, status, agent, rank: `W${String(index).padStart(5, '0')}`, project: 'home-server' },
      '',
      now - index * MINUTE,
    );
    state.tasks.set(task.id, task);
  }
}
