/**
 * Cards and statuses as the fake engine derives them. The real ones are derived in the engine's domain; nothing outside
 * of the fake may use this.
 */
import type { Card, Column, SessionRow, Status, TaskRow } from '../../bindings/nox';

export function sessionStatus(row: SessionRow): Status {
  const at = row.last_event_at;
  switch (row.state.state) {
    case 'queued':
      return { sign: 'queued', words: { code: 'queued', held_back: row.state.held_back }, at };
    case 'starting':
      return { sign: 'running', words: { code: 'starting' }, at };
    case 'running':
      return { sign: 'running', words: { code: 'running', doing: row.state.doing }, at };
    case 'needs_approval': {
      const { request, text, open, question = false } = row.state;
      return { sign: 'needs_you', words: { code: 'approval', request, text, open, question }, at };
    }
    case 'needs_choice':
      return { sign: 'unknown', words: { code: 'unknown_outcome', item: row.state.item, title: row.state.title }, at };
    case 'lost':
      return { sign: 'unknown', words: { code: 'lost', problem: row.state.problem }, at };
    case 'stalled': {
      const { since, doing, computes } = row.state;
      return { sign: 'needs_you', words: { code: 'stalled', since, doing, computes }, at };
    }
    case 'rate_limited':
      return { sign: 'queued', words: { code: 'rate_limited', until: row.state.until }, at };
    case 'restarting': {
      const { at: when, number } = row.state;
      return { sign: 'queued', words: { code: 'restarting', at: when, number }, at };
    }
    case 'paused': {
      const { why, finishing } = row.state;
      return { sign: 'paused', words: { code: 'session_paused', why, finishing }, at };
    }
    case 'idle':
    case 'hibernated':
      return row.state.problem
        ? { sign: 'failed', words: { code: 'failed', problem: row.state.problem }, at }
        : { sign: 'idle', words: { code: row.state.state }, at };
    case 'stopping':
      return { sign: 'paused', words: { code: 'stopping' }, at };
    case 'closed':
      if (row.state.how === 'finished') return { sign: 'done', words: { code: 'done' }, at };
      if (row.state.how === 'failed')
        return { sign: 'failed', words: { code: 'failed', problem: row.state.problem }, at };
      return { sign: 'paused', words: { code: 'stopped', problem: row.state.problem }, at };
  }
}

export function makeCard(task: TaskRow, session: SessionRow | undefined, open: number): Card {
  const live = session !== undefined && !QUIET.includes(session.state.state);
  const [column, status] = live ? [liveColumn(session), sessionStatus(session)] : settled(task, session, open);
  return {
    task,
    column,
    status,
    session: session?.id ?? null,
    live,
    progress: live || column === 'needs_you' ? (session?.progress ?? null) : null,
    open_dependencies: open,
    cost_micro_usd: session?.cost_micro_usd ?? null,
    ...(session?.lines ? { lines: session.lines } : {}),
  };
}

/** Nothing of it is under way. */
const QUIET = ['closed', 'idle', 'hibernated'];

function liveColumn(session: SessionRow): Column {
  const waits = ['needs_approval', 'needs_choice', 'lost', 'stalled'].includes(session.state.state);
  return waits ? 'needs_you' : 'working';
}

function settled(task: TaskRow, session: SessionRow | undefined, open: number): [Column, Status] {
  const at = Math.max(session?.last_event_at ?? 0, task.changed_at);
  const problem = session?.state.state === 'closed' ? session.state.problem : null;
  const stopped = session?.state.state === 'closed' && session.state.how === 'stopped';
  switch (task.status) {
    case 'failed':
      return ['needs_you', { sign: 'failed', words: { code: 'failed', problem }, at }];
    case 'review':
      return ['review', { sign: 'review', words: { code: 'review' }, at }];
    case 'done':
      return ['done', { sign: 'done', words: { code: 'done' }, at }];
    case 'cancelled':
      return ['done', { sign: 'paused', words: { code: 'cancelled' }, at }];
    case 'in_progress':
      // Its session waits for a further prompt: the work that was asked for is done.
      if (session && QUIET.includes(session.state.state)) {
        return session.review
          ? ['review', { sign: 'review', words: { code: 'review' }, at }]
          : ['done', { sign: 'done', words: { code: 'done' }, at }];
      }
      return ['working', { sign: 'idle', words: { code: 'by_hand' }, at }];
    case 'backlog':
    case 'todo':
      if (open > 0) return [task.status, { sign: 'blocked', words: { code: 'blocked', open }, at }];
      if (stopped && task.status === 'todo')
        return ['todo', { sign: 'paused', words: { code: 'stopped', problem }, at }];
      return [task.status, { sign: 'idle', words: { code: task.status }, at }];
  }
}
