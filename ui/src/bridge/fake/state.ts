/**
 * What the fake engine knows, and the rows that it makes from it.
 */
import type {
  Agent,
  AgentRow,
  Card,
  Changed,
  Column,
  ColumnCount,
  ControlsRow,
  Discovered,
  FileProblem,
  FirstLook,
  ImageBytes,
  Item,
  LogView,
  OutputPiece,
  ProjectRow,
  RecoveryView,
  RequestRow,
  SessionRow,
  SessionView,
  Settings,
  Snapshot,
  TaskRow,
} from '../../bindings/nox';
import { newId } from '../ids';
import { nothingFound } from './discovery';
import { readRunbook } from './runbook';
import { makeCard, sessionStatus } from './words';

export interface FakeState {
  tasks: Map<string, TaskRow>;
  bodies: Map<string, string>;
  sessions: Map<string, SessionRow>;
  items: Map<string, Item[]>;
  output: Map<string, OutputPiece[]>;
  controls: Map<string, ControlsRow>;
  /** Files of images that are there, by their hash. */
  images: Map<string, ImageBytes>;
  requests: Map<string, RequestRow>;
  agents: Map<string, AgentRow>;
  projects: Map<string, ProjectRow>;
  problems: Map<string, FileProblem>;
  keys: Map<string, { length: number; stored_at: number }>;
  settings: Settings;
  /** What the start found; clean when nothing else is said. */
  recovery: RecoveryView | null;
  /** What a look finds here, or that it fails. */
  found: Discovered | Error;
  log: LogView;
  startedAt: number;
}

export function emptyState(now: number = Date.now()): FakeState {
  return {
    tasks: new Map(),
    bodies: new Map(),
    sessions: new Map(),
    items: new Map(),
    output: new Map(),
    controls: new Map(),
    images: new Map(),
    requests: new Map(),
    agents: new Map(),
    projects: new Map(),
    problems: new Map(),
    keys: new Map(),
    settings: {
      theme: 'system',
      max_live_runs: 4,
      notifications: true,
      welcomed: true,
      log_level: 'info',
      memory_budget_mb: 0,
      runs_per_minute: 0,
      hibernate_after_seconds: 900,
      life: {
        on_disconnect: 'continue',
        on_crash: 'resume',
        restart: 'on_failure',
        stall_after_seconds: 600,
        wait_for_limit: true,
      },
      log_policy: 'archive',
      log_after_days: 30,
    },
    recovery: null,
    found: nothingFound(now),
    log: {
      bytes: 48_300_000,
      free_bytes: 6_100_000,
      archived_events: 3_400,
      archived_bytes: 1_900_000,
      pruned_events: 0,
      compaction: null,
    },
    startedAt: now,
  };
}

/** A task with everything that is not given left as it is in a new file. */
export function newTask(given: Partial<TaskRow> & { title: string }, body = '', now: number = Date.now()): TaskRow {
  const id = given.id ?? newId('tsk', now);
  return {
    id,
    path: `tasks/2026-11/${id}-${given.title.toLowerCase().replace(/[^a-z0-9]+/g, '-')}.md`,
    status: 'todo',
    priority: 'medium',
    agent: null,
    project: null,
    deadline: null,
    depends_on: [],
    tags: [],
    attachments: [],
    rank: 'V',
    created_at: now,
    changed_at: now,
    blocks: readRunbook(body).blocks.length,
    hash: newId('hash', now),
    read_only: false,
    ...given,
  };
}

export function newAgent(given: Partial<Agent> & { id: string; name: string }, now: number = Date.now()): AgentRow {
  return {
    agent: {
      description: '',
      runtime: 'runbook',
      prompt: '',
      enabled: true,
      review: false,
      capabilities: [],
      environment: {},
      limits: {},
      ...given,
    },
    version: newId('ver', now),
    changed_at: now,
  };
}

/** The session of a task, the newest first. */
export function sessionsOf(state: FakeState, task: string): SessionRow[] {
  return [...state.sessions.values()]
    .filter((row) => row.task === task && !row.deleted)
    .sort((a, b) => b.opened_at - a.opened_at);
}

export function cardOf(state: FakeState, task: TaskRow): Card {
  const open = task.depends_on.filter((id) => {
    const other = state.tasks.get(id);
    return other !== undefined && other.status !== 'done' && other.status !== 'cancelled';
  }).length;
  // Boards of thousands of tasks have few sessions: looking through them for each card stays cheap.
  return makeCard(task, sessionsOf(state, task.id)[0], open);
}

export function viewOf(row: SessionRow): SessionView {
  return { row, status: sessionStatus(row) };
}

export function snapshotOf(state: FakeState, seq: number): Snapshot {
  return {
    cursor: { epoch: 'fake', seq },
    cards: [...state.tasks.values()].map((task) => cardOf(state, task)),
    sessions: [...state.sessions.values()].filter((row) => !row.deleted).map(viewOf),
    requests: [...state.requests.values()],
    agents: [...state.agents.values()],
    projects: [...state.projects.values()],
    problems: [...state.problems.values()],
    settings: state.settings,
    engine: {
      version: '0.1.0',
      home: '/home/you/.local/share/nox',
      started_at: state.startedAt,
      lost_runs: state.recovery?.lost_runs ?? 0,
      swept: state.recovery?.swept ?? 0,
      sandbox: 'none',
      default_agent: state.agents.has('runbook') ? 'runbook' : null,
    },
  };
}

/** As the engine has it. */
const FIRST_CARDS = 60;

/** What a window begins with: the first cards of each column, and how many there are. */
export function firstLookOf(snapshot: Snapshot): FirstLook {
  const counts = new Map<Column, ColumnCount>();
  const byRank = [...snapshot.cards].sort((a, b) => (a.task.rank < b.task.rank ? -1 : 1));
  const cards = byRank.filter(({ column, task }) => {
    const found = counts.get(column) ?? { column, count: 0, cancelled: 0 };
    counts.set(column, found);
    found.count += 1;
    if (task.status === 'cancelled') found.cancelled += 1;
    return found.count <= FIRST_CARDS;
  });
  return {
    snapshot: { ...snapshot, cards },
    columns: [...counts.values()],
    is_whole: cards.length === snapshot.cards.length,
  };
}

/** The rows that a window hears about when a task or something that it hangs on changed. */
export function rowsOfTask(state: FakeState, id: string): Changed[] {
  const task = state.tasks.get(id);
  if (!task) return [{ kind: 'gone', row: { kind: 'card', id } }];
  const rows: Changed[] = [{ kind: 'card', row: cardOf(state, task) }];
  for (const other of state.tasks.values()) {
    if (other.depends_on.includes(id)) rows.push({ kind: 'card', row: cardOf(state, other) });
  }
  return rows;
}
