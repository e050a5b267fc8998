// What can be done with a session: as buttons in its bar, in its details and in the palette.
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { useAct } from '@/sync/act';
import { usePending } from '@/sync/hooks';
import type { SessionView } from '../../bindings/nox';
import { ACTS } from './text';

export interface SessionActs {
  /** Something about this session was sent and is not recorded yet. */
  pending: boolean;
  canStop: boolean;
  canContinue: boolean;
  canDelete: boolean;
  stop: () => void;
  goOn: () => void;
  remove: () => void;
  openTask: (() => void) | undefined;
}

export function useSessionActs({ row }: SessionView): SessionActs {
  const act = useAct();
  const pending = usePending(row.id);
  const [, navigate] = useLocation();
  const { state, task, id } = row;
  const about = { about: [id] };
  return {
    pending,
    canStop: state.state !== 'closed' && state.state !== 'stopping',
    canContinue: state.state === 'lost' || (state.state === 'closed' && state.how !== 'finished'),
    canDelete: state.state === 'closed',
    stop: () => void act('stopSession', { session: id }, about),
    goOn: () => void act('continueSession', { session: id }, about),
    remove: () => {
      void act('deleteSession', { session: id }, { ...about, done: ACTS.deleted(row.title) }).then((done) => {
        if (done) navigate(routes.sessions());
      });
    },
    openTask: task ? () => navigate(routes.board({ task })) : undefined,
  };
}
