// Ends the turn that runs; the session stands by for the next message.
import { Button } from '@/components/controls/Button';
import { useAct } from '@/sync/act';
import { usePending } from '@/sync/hooks';
import type { SessionRow } from '../../bindings/nox';
import { INTERRUPT } from './text';

const WORKS = new Set<SessionRow['state']['state']>(['running', 'needs_approval', 'stalled']);

export function Interrupt({ row }: { row: SessionRow }) {
  const act = useAct();
  const about = `interrupt:${row.id}`;
  const pending = usePending(about);
  if (!row.takes_prompts || row.paused || !WORKS.has(row.state.state)) return null;
  return (
    <Button
      icon="stop"
      pending={pending}
      title={INTERRUPT.what}
      onClick={() => void act('interruptSession', { session: row.id }, { about: [about] })}
    >
      {INTERRUPT.interrupt}
    </Button>
  );
}
