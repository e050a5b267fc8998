// Deleting a session that is not over: it is stopped first, and deleted when the engine says that it is over.
import { type ReactNode, useState } from 'react';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { toast } from '@/components/feedback/toasts';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import type { Mirror } from '@/sync/mirror';
import type { SessionId, SessionView } from '../../bindings/nox';
import { ACTS, STOP_AND_DELETE } from './text';

/** Milliseconds: what does not end by itself is ended by force long before. */
const PATIENCE_MS = 60_000;

/** `ask` opens the question; put `dialog` into the page. */
export function useStopAndDelete({ row }: SessionView): { ask: () => void; dialog: ReactNode } {
  const [asked, setAsked] = useState(false);
  const act = useAct();
  const { mirror } = useNox();
  // It goes on when the session's page is left meanwhile.
  const go = async () => {
    setAsked(false);
    const about = { about: [row.id] };
    if (!(await act('stopSession', { session: row.id }, about))) return;
    if (await isOver(mirror, row.id)) {
      await act('deleteSession', { session: row.id }, { ...about, done: ACTS.deleted(row.title) });
    } else {
      toast({ text: STOP_AND_DELETE.stillRuns(row.title), detail: STOP_AND_DELETE.stillRunsHint, sign: 'failed' });
    }
  };
  return {
    ask: () => setAsked(true),
    dialog: (
      <ConfirmDialog
        opened={asked}
        question={STOP_AND_DELETE.question(row.title)}
        stay={STOP_AND_DELETE.stay}
        go={STOP_AND_DELETE.go}
        onStay={() => setAsked(false)}
        onGo={() => void go()}
      >
        <p>{STOP_AND_DELETE.text}</p>
      </ConfirmDialog>
    ),
  };
}

/** Whether it is over, as soon as it is; false when that takes too long or it is gone. */
function isOver(mirror: Mirror, id: SessionId): Promise<boolean> {
  return new Promise((resolve) => {
    const settle = (over: boolean) => {
      stop();
      clearTimeout(timer);
      resolve(over);
    };
    const look = () => {
      const view = mirror.sessions.get(id);
      if (!view || view.row.state.state === 'closed') settle(view !== undefined);
    };
    const stop = mirror.sessions.subscribe(id, look);
    const timer = setTimeout(() => settle(false), PATIENCE_MS);
    look();
  });
}
