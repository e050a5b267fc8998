/**
 * Sessions that stand in every way there is, after a start that found some of them lost.
 */
import type {
  Item,
  ItemBody,
  LimitHit,
  Offers,
  Problem,
  Question,
  SessionRow,
  SessionState,
  TaskRow,
  ToolCall,
} from '../../bindings/nox';
import { newId } from '../ids';
import { pausedIn } from './runs';
import { type FakeState, newTask } from './state';

const MINUTE = 60_000;

const ENDED: Problem = { code: 'connection_ended', message: 'the agent’s program ended with signal 9' };
const LIMITED: Problem = {
  code: 'agent',
  fault: 'rate_limit',
  message: 'Too much was asked of the model server.',
  until: null,
};
const OVERLOADED: Problem = {
  code: 'agent',
  fault: 'overloaded',
  message: 'The model server has too much to do.',
  until: null,
};
const HIT: LimitHit = { limit: 'memory', value: 518, allowed: 512, action: 'ended' };

/** What the program of the sessions that take messages offers. */
const OFFERS: Offers = {
  modes: [
    { id: 'default', name: 'Ask each time', description: 'Asks before every call.' },
    { id: 'acceptEdits', name: 'Accept edits', description: 'Its own checks let edits pass. Nox still asks.' },
    { id: 'plan', name: 'Plan only', description: 'Reads and plans, and changes nothing.' },
  ],
  mode: 'default',
  models: [
    { id: 'small', name: 'Small', description: 'Quick and cheap' },
    { id: 'large', name: 'Large', description: 'For hard tasks' },
  ],
  model: 'small',
  commands: [
    { id: 'review', name: 'review', description: 'Looks at what changed' },
    { id: 'compact', name: 'compact', description: 'Makes the conversation shorter' },
    { id: 'clear', name: 'clear', description: 'Begins anew' },
  ],
  steers: true,
  forks: true,
};

const LIVES: readonly [string, (now: number) => SessionState, Partial<SessionRow>?][] = [
  [
    'Waits for its model’s limit',
    (now) => ({ state: 'rate_limited', until: now + 23 * MINUTE, problem: LIMITED }),
    { takes_prompts: true },
  ],
  ['Failed, can be asked again', () => ({ state: 'idle', problem: OVERLOADED }), { takes_prompts: true }],
  ['Paused by hand', () => ({ state: 'paused', why: 'person', finishing: null })],
  ['Pausing after its step', () => ({ state: 'paused', why: 'everything', finishing: 'cargo test --workspace' })],
  [
    'Paused while it asks',
    () => ({ state: 'needs_approval', request: 'req_00000000000000000000000001', text: 'make', open: 1 }),
    { paused: 'person' },
  ],
  ['Starts again soon', (now) => ({ state: 'restarting', at: now + 4 * MINUTE, number: 2 })],
  ['Lost after three restarts', () => ({ state: 'lost', problem: ENDED })],
  [
    'Silent and computes',
    (now) => ({ state: 'stalled', since: now - 12 * MINUTE, doing: 'make world', computes: true }),
  ],
  ['Silent and still', (now) => ({ state: 'stalled', since: now - 34 * MINUTE, doing: null, computes: false })],
  ['Kept back by memory', () => ({ state: 'queued', held_back: { why: 'memory', used_mb: 7800, budget_mb: 8192 } })],
  ['Kept back by its agent', () => ({ state: 'queued', held_back: { why: 'agent_places', max: 2 } })],
  [
    'Kept back after faults',
    (now) => ({ state: 'queued', held_back: { why: 'breaker', faults: 5, until: now + 90_000 } }),
  ],
  ['Waits for a message', () => ({ state: 'idle', problem: null }), { takes_prompts: true }],
  ['Asleep until a message', () => ({ state: 'hibernated', problem: null }), { takes_prompts: true }],
  ['Works, two messages wait', () => ({ state: 'running', doing: null }), { takes_prompts: true, waiting_prompts: 2 }],
  ['Ended at a limit', () => ({ state: 'closed', how: 'failed', problem: { code: 'limit', hit: HIT } })],
  ['Read from an export', () => ({ state: 'closed', how: 'finished', problem: null }), { imported: true }],
];

type MakeSession = (
  state: FakeState,
  task: TaskRow,
  how: SessionState,
  at: number,
  progress: null,
  cost: null,
) => SessionRow;

export function addLives(state: FakeState, now: number, session: MakeSession) {
  const docs = state.agents.get('docs');
  if (docs) docs.agent.limits = { max_memory_mb: 512, max_cpu_percent: 200, max_processes: 64 };
  for (const [title, how, given] of LIVES) {
    const agent = given?.takes_prompts ? 'docs' : 'backend';
    const status = how(now).state === 'closed' ? 'failed' : 'in_progress';
    const task = newTask({ title, status, agent, project: 'ledger-api' }, 'Do it well.', now - MINUTE);
    state.tasks.set(task.id, task);
    state.bodies.set(task.id, 'Do it well.');
    const row = session(state, task, how(now), now - 2 * MINUTE, null, null);
    const paused = pausedIn(how(now));
    state.sessions.set(row.id, { ...row, paused, ...given, runtime: given?.takes_prompts ? 'recorded' : 'runbook' });
    const texts = ['And add a test for it.', 'Then say in the changelog what changed.'].slice(
      0,
      given?.waiting_prompts ?? 0,
    );
    const waiting = texts.map((text) => ({ turn: newId('trn', now), text }));
    if (given?.takes_prompts) state.controls.set(row.id, { session: row.id, offers: OFFERS, waiting });
    const say = (body: ItemBody) => {
      const items = state.items.get(row.id) ?? [];
      const item: Item = { id: newId('itm', now), session: row.id, turn: null, ord: items.length, at: now, body };
      items.push(item);
    };
    say({ kind: 'message', text: 'I read the task and begin.' });
    say({ kind: 'limit', hit: { ...HIT, limit: 'cpu', value: 212, allowed: 200, action: 'throttled' } });
    say({ kind: 'restart', number: 1, at: now - MINUTE, problem: ENDED });
    if (title === 'Ended at a limit') say({ kind: 'limit', hit: HIT });
  }
  const lost = [...state.sessions.values()].filter((row) => row.state.state !== 'closed').slice(-9);
  state.recovery = {
    at: state.startedAt,
    clean: false,
    lost_runs: lost.length,
    swept: 7,
    database: null,
    sessions: lost.map((row, index) => ({
      session: row.id,
      task: row.task,
      title: row.title,
      agent_name: row.agent_name,
      was_doing: index % 2 === 0 ? 'cargo test --workspace' : null,
      open_requests: 0,
      status: { sign: 'idle', words: { code: 'idle' }, at: now },
    })),
  };
  addQuestions(state, now, session);
}

const QUESTIONS: Question[] = [
  {
    id: 'Which database should the tests use?',
    header: 'Database',
    text: 'Which database should the tests use?',
    options: [
      { label: 'SQLite in memory', description: 'Quick, and nothing is installed.' },
      { label: 'PostgreSQL in a container', description: 'As in production, and slower.' },
    ],
    many: false,
    free: true,
  },
  {
    id: 'Which parts should be covered?',
    header: 'Coverage',
    text: 'Which parts should be covered?',
    options: [
      { label: 'Imports', description: '' },
      { label: 'Exports', description: '' },
      { label: 'The API', description: '' },
    ],
    many: true,
    free: false,
  },
];

const PLAN = `## What I would do

1. Move the retry into \`fetch.rs\`, so that **both** callers have it.
2. Cover it with a test that fails without the change.

| file | lines |
|---|---|
| \`fetch.rs\` | about 40 |
| \`client.rs\` | 6 fewer |
`;

/** A session that asks something, and one that shows a plan before it begins. */
function addQuestions(state: FakeState, now: number, session: MakeSession) {
  const cases = [
    { title: 'Asks two questions', text: 'Which database should the tests use?', questions: QUESTIONS, prose: false },
    { title: 'Shows a plan', text: PLAN, questions: [], prose: true },
  ];
  for (const { title, text, questions, prose } of cases) {
    const task = newTask(
      { title, status: 'in_progress', agent: 'docs', project: 'ledger-api' },
      'Do it well.',
      now - MINUTE,
    );
    state.tasks.set(task.id, task);
    state.bodies.set(task.id, 'Do it well.');
    const question = questions.length > 0;
    const id = newId('req', now);
    const how: SessionState = { state: 'needs_approval', request: id, text, open: 1, question };
    const row = { ...session(state, task, how, now - 2 * MINUTE, null, null), takes_prompts: true };
    state.sessions.set(row.id, { ...row, runtime: 'claude' });
    const call: ToolCall = {
      key: 'asks',
      kind: 'other',
      title: question ? 'Database' : 'ExitPlanMode',
      text,
      shell: '',
      folder: row.folder,
      environment: [],
      environment_hash: '0'.repeat(64),
      sandbox: 'none',
      timeout_seconds: null,
      continue_on_failure: true,
      prose,
      questions,
    };
    const item = newId('itm', now);
    state.requests.set(id, {
      request: {
        id,
        item,
        call,
        hash: '0'.repeat(64),
        risk: question ? 'low' : 'medium',
        risk_reason: question ? 'question' : 'tool',
        why: { code: question ? 'question' : 'no_rule' },
        asked_at: now - MINUTE,
      },
      session: row.id,
      task: task.id,
      agent: row.agent,
      agent_name: row.agent_name,
      title,
      state: { state: 'open' },
    });
    const body: ItemBody = {
      kind: 'tool_call',
      call,
      status: 'waiting',
      request: id,
      decision: null,
      reason: null,
      started_at: null,
      ended_at: null,
      end: null,
      output: null,
    };
    state.items.set(row.id, [{ id: item, session: row.id, turn: null, ord: 0, at: now - MINUTE, body }]);
    state.controls.set(row.id, { session: row.id, offers: OFFERS, waiting: [] });
  }
}
