/** Starts a task; when the engine says that it has no agent, one is asked for and it is started with that one. */
import { type ReactNode, useMemo, useState } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import type { AgentId, TaskId } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { PickDialog } from '@/components/dialog/PickDialog';
import { toast } from '@/components/feedback/toasts';
import { Monogram } from '@/components/identity/Monogram';
import { useAgents } from '@/sync/hooks';
import { useSend } from '@/sync/send';
import { TASK } from './text';

interface Wanted {
  task: TaskId;
  title: string;
}

export function useStart(): [start: (wanted: Wanted) => Promise<void>, dialog: ReactNode] {
  const send = useSend();
  const agents = useAgents();
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<Wanted | null>(null);
  const start = useMemo(
    () =>
      async function start({ task, title }: Wanted, agent: AgentId | null = null): Promise<void> {
        try {
          const { session } = await send('startTask', { task, agent }, { about: [task] });
          toast({
            text: TASK.started(title),
            sign: 'running',
            action: session ? { label: TASK.open, run: () => navigate(routes.session(session)) } : undefined,
          });
        } catch (thrown) {
          const error = asNoxError(thrown);
          if (error.code === 'needs_agent') setAsked({ task, title });
          else toast({ text: error.message, detail: error.hint ?? undefined, sign: 'failed' });
        }
      },
    [send, navigate],
  );
  const dialog = (
    <PickDialog
      opened={asked !== null}
      title={TASK.whichAgent}
      options={agents
        .filter(({ agent }) => agent.enabled)
        .map(({ agent }) => ({ id: agent.id, label: agent.name, sign: <Monogram name={agent.name} size="sm" /> }))}
      find={TASK.find}
      none={TASK.none}
      onClose={() => setAsked(null)}
      onPick={(agent) => {
        setAsked(null);
        if (asked) void start(asked, agent);
      }}
    />
  );
  return [start, dialog];
}
