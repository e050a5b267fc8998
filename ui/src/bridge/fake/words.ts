/**
 * Cards and statuses as the fake engine derives them. The real ones are derived in the engine's domain; nothing outside
 * of the fake may use this.
 */
import type { Card, Column, SessionRow, Status, TaskRow } from '../../bindings/nox';

export function sessionStatus(row: SessionRow): Status {
  const at = row.last_event_at;
  switch (row.state.state) {
    case 'queued':
      return { sign: 'queued', words: { code: 'queued' }, at };
    case 'starting':
      return { sign: 'running', words: { code: 'starting' }, at };
    case 'running':
      return { sign: 'running', words: { code: 'running', doing: row.state.doing }, at };
    case 'needs_approval': {
      const { request, text, open } = row.state;
      return { sign: 'needs_you', words: { code: 'approval', request, text, open }, at };
    }
    case 'needs_choice':
      return { sign: 'unknown', words: { code: 'unknown_outcome', item: row.state.item, title: row.state.title }, at };
    case 'lost':
      return { sign: 'unknown', words: { code: 'lost' }, at };
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
  const live = session !== undefined && session.state.state !== 'closed';
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
  };
}

function liveColumn(session: SessionRow): Column {
  const waits = ['needs_approval', 'needs_choice', 'lost'].includes(session.state.state);
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
      return ['working', { sign: 'idle', words: { code: 'by_hand' }, at }];
    case 'backlog':
    case 'todo':
      if (open > 0) return [task.status, { sign: 'blocked', words: { code: 'blocked', open }, at }];
      if (stopped && task.status === 'todo')
        return ['todo', { sign: 'paused', words: { code: 'stopped', problem }, at }];
      return [task.status, { sign: 'idle', words: { code: task.status }, at }];
  }
}
