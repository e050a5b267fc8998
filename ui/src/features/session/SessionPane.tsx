// The middle pane: which session this is, what can be done with it, and its conversation.
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { Button, IconButton } from '@/components/controls/Button';
import { Monogram } from '@/components/identity/Monogram';
import { Bar } from '@/components/layout/Bar';
import { NotSandboxed } from '@/components/permission/NotSandboxed';
import { useConversation } from '@/sync/hooks';
import type { SessionView } from '../../bindings/nox';
import { Composer } from './Composer';
import { Conversation, ConversationWaits } from './Conversation';
import { Fork, ForkButton } from './ForkDialog';
import s from './Session.module.css';
import { StateBanner } from './StateBanner';
import { useStopAndDelete } from './StopAndDelete';
import { ACTS, EXPORT, FORK, SESSIONS } from './text';
import { useExport } from './transfer';
import { useSessionActs } from './useSessionActs';

const FORMATS = ['jsonl', 'markdown'] as const;

export function SessionPane({ view, onDetails }: { view: SessionView; onDetails: () => void }) {
  const { row } = view;
  const [, navigate] = useLocation();
  const conversation = useConversation(row.id);
  const acts = useSessionActs(view);
  const stopAndDelete = useStopAndDelete(view);
  const exporting = useExport(row);
  const paused = Boolean(row.paused);
  const [forking, setForking] = useState(false);
  useActions([
    {
      id: 'session.stop',
      label: ACTS.stopSession,
      group: SESSIONS.title,
      icon: 'stop',
      enabled: () => acts.canStop,
      run: acts.stop,
    },
    {
      id: 'session.pause',
      label: paused ? ACTS.resumeSession : ACTS.pauseSession,
      group: SESSIONS.title,
      icon: paused ? 'play' : 'pause',
      combo: 'P',
      enabled: () => !acts.pending && (paused || acts.canPause),
      run: paused ? acts.goOn : acts.pause,
    },
    {
      id: 'session.continue',
      label: ACTS.continueSession,
      group: SESSIONS.title,
      icon: 'play',
      enabled: () => acts.canContinue && !paused,
      run: acts.goOn,
    },
    {
      id: 'session.task',
      label: ACTS.openTaskOf,
      group: SESSIONS.title,
      icon: 'board',
      combo: 'T',
      enabled: () => acts.openTask !== undefined,
      run: () => acts.openTask?.(),
    },
    {
      id: 'session.fork',
      label: FORK.action,
      group: SESSIONS.title,
      icon: 'branch',
      enabled: () => Boolean(conversation?.controls?.offers.forks) && !row.imported,
      run: () => setForking(true),
    },
    ...FORMATS.map((format) => ({
      id: `session.export.${format}`,
      label: EXPORT.palette[format],
      group: SESSIONS.title,
      icon: 'upload' as const,
      enabled: () => !exporting.pending,
      run: () => exporting.run(format),
    })),
    {
      id: 'session.delete',
      label: ACTS.deleteSession,
      group: SESSIONS.title,
      icon: 'trash',
      enabled: () => acts.canDelete || acts.canStop,
      run: acts.canDelete ? acts.remove : stopAndDelete.ask,
    },
  ]);
  return (
    <>
      <Bar
        end={
          <>
            {acts.canPause && (
              <Button icon="pause" combo="P" pending={acts.pending} onClick={acts.pause}>
                {ACTS.pause}
              </Button>
            )}
            {acts.canStop && (
              <Button icon="stop" pending={acts.pending} onClick={acts.stop}>
                {acts.standsBy ? ACTS.end : ACTS.stop}
              </Button>
            )}
            {acts.canContinue && row.state.state === 'closed' && (
              <Button icon="play" pending={acts.pending} onClick={acts.goOn}>
                {ACTS.goOn}
              </Button>
            )}
            {conversation && <ForkButton conversation={conversation} onFork={() => setForking(true)} />}
            <IconButton className={s.onlyFolded} icon="list" label={ACTS.showDetails} onClick={onDetails} />
          </>
        }
      >
        <IconButton
          className={s.onlyNarrow}
          icon="arrowLeft"
          label={SESSIONS.back}
          onClick={() => navigate(routes.sessions())}
        />
        <Monogram name={row.agent_name} />
        <h1 className={s.title} title={row.title}>
          {row.title}
        </h1>
        {row.progress && <span className={s.progress}>{SESSIONS.blocks(row.progress.done, row.progress.of)}</span>}
        <NotSandboxed />
      </Bar>
      {row.fork_of && (
        <p className={s.forked}>
          {FORK.of} <Link href={routes.session(row.fork_of)}>{row.fork_of_title ?? SESSIONS.title}</Link>
        </p>
      )}
      <StateBanner view={view} />
      {conversation ? <Conversation conversation={conversation} view={view} /> : <ConversationWaits />}
      <Composer view={view} conversation={conversation} />
      {stopAndDelete.dialog}
      {conversation && (
        <Fork conversation={conversation} row={row} opened={forking} onClose={() => setForking(false)} />
      )}
    </>
  );
}
