// The list's groups. Which status a session has is the engine's word; here it is only sorted by its sign.
import type { SessionView } from '../../bindings/nox';

export type GroupName = 'needsYou' | 'running' | 'paused' | 'quiet';

export interface Group {
  name: GroupName;
  sessions: SessionView[];
}

/** What waits for a person, oldest first; what runs and what is paused, in the order it began, so that rows stay; the rest,
 * newest first. */
export function groupSessions(sessions: readonly SessionView[]): Group[] {
  const groups: Record<GroupName, SessionView[]> = { needsYou: [], running: [], paused: [], quiet: [] };
  for (const view of sessions) groups[groupOf(view)].push(view);
  groups.needsYou.sort((a, b) => a.status.at - b.status.at || byId(a, b));
  groups.running.sort((a, b) => a.row.opened_at - b.row.opened_at || byId(a, b));
  groups.paused.sort((a, b) => a.row.opened_at - b.row.opened_at || byId(a, b));
  groups.quiet.sort((a, b) => b.status.at - a.status.at || byId(a, b));
  return (['needsYou', 'running', 'paused', 'quiet'] as const)
    .map((name) => ({ name, sessions: groups[name] }))
    .filter((group) => group.sessions.length > 0);
}

/** They have quiet signs, and still something is under way. */
const UNDER_WAY = new Set(['stopping', 'restarting']);

function groupOf({ status }: SessionView): GroupName {
  if (status.sign === 'needs_you' || status.sign === 'unknown') return 'needsYou';
  if (status.sign === 'running' || UNDER_WAY.has(status.words.code)) return 'running';
  if (status.words.code === 'session_paused') return status.words.finishing ? 'running' : 'paused';
  return 'quiet';
}

function byId(a: SessionView, b: SessionView): number {
  return a.row.id < b.row.id ? -1 : 1;
}
