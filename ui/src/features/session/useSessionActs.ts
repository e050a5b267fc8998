// What can be done with a session: as buttons in its bar, in its banner, in its details and in the palette.
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { useAct } from '@/sync/act';
import { usePending } from '@/sync/hooks';
import type { AgentFault, Problem, SessionState, SessionView } from '../../bindings/nox';
import { ACTS } from './text';

export interface SessionActs {
  /** Something about this session was sent and is not recorded yet. */
  pending: boolean;
  canStop: boolean;
  /** Its turn is over: to stop it is to end the session, not its work. */
  standsBy: boolean;
  canPause: boolean;
  canContinue: boolean;
  canDelete: boolean;
  stop: () => void;
  pause: () => void;
  goOn: () => void;
  /** Its last turn failed for a reason that passes: the same can be asked again. */
  canAskAgain: boolean;
  /** Ends the turn that runs or waits; the session stands by. */
  interrupt: () => void;
  /** Goes on waiting for a silent one. */
  wait: () => void;
  /** Ends the run of a silent one and does its step again. */
  restart: () => void;
  remove: () => void;
  openTask: (() => void) | undefined;
}

/** Something of it is under way, or would begin by itself. */
const PAUSABLE: ReadonlySet<SessionState['state']> = new Set([
  'queued',
  'starting',
  'running',
  'needs_approval',
  'stalled',
  'restarting',
  'rate_limited',
]);

function standsBy(state: SessionState['state']): boolean {
  return state === 'idle' || state === 'hibernated';
}

/** What goes by itself: too much was asked, too much is to be done, nobody answers. */
function passes(problem: Problem | null): boolean {
  return problem?.code === 'agent' && PASSES.has(problem.fault);
}

const PASSES: ReadonlySet<AgentFault> = new Set(['rate_limit', 'overloaded', 'unreachable']);

export function useSessionActs({ row }: SessionView): SessionActs {
  const act = useAct();
  const pending = usePending(row.id);
  const [, navigate] = useLocation();
  const { state, task, id } = row;
  const about = { about: [id] };
  const over = state.state === 'closed';
  const stands = state.state === 'lost' || Boolean(row.paused);
  return {
    pending,
    canStop: !over && state.state !== 'stopping' && !row.imported,
    standsBy: standsBy(state.state),
    canPause: PAUSABLE.has(state.state) && !row.paused,
    canContinue: !row.imported && (stands || (over && state.how !== 'finished')),
    canAskAgain: !row.imported && 'problem' in state && standsBy(state.state) && passes(state.problem),
    interrupt: () => void act('interruptSession', { session: id }, about),
    canDelete: over,
    stop: () => void act('stopSession', { session: id }, about),
    pause: () => void act('pauseSession', { session: id }, about),
    goOn: () => void act('continueSession', { session: id }, about),
    wait: () => void act('waitSession', { session: id }, about),
    restart: () => void act('restartSession', { session: id }, about),
    remove: () => {
      void act('deleteSession', { session: id }, { ...about, done: ACTS.deleted(row.title) }).then((done) => {
        if (done) navigate(routes.sessions());
      });
    },
    openTask: task ? () => navigate(routes.board({ task })) : undefined,
  };
}
