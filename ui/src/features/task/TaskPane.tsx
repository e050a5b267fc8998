/**
 * The task that is open beside the board: everything its file says, what it would run, and its sessions. Each field is
 * saved when it is left; what fails stays in the field and says why.
 */
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { routes } from '@/app/routes';
import type { Card, TaskDetail, TaskId } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { Button, IconButton } from '@/components/controls/Button';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Banner } from '@/components/feedback/Banner';
import { EmptyState } from '@/components/feedback/EmptyState';
import { Loading, SkeletonRows } from '@/components/feedback/Skeleton';
import { toast } from '@/components/feedback/toasts';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody } from '@/components/layout/Panes';
import { useViewParams } from '@/components/layout/viewParams';
import { formatTime } from '@/components/status/age';
import { StatusText } from '@/components/status/StatusText';
import { limitText, statusWords } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useCard } from '@/sync/hooks';
import s from './Task.module.css';
import { TaskBody } from './TaskBody';
import { TaskFacts, TitleField } from './TaskFacts';
import { TASK } from './text';
import { useStart } from './useStart';

export function TaskPane() {
  const [params, setParams] = useViewParams();
  const id = params.get('task');
  if (!id) return null;
  return <Opened key={id} id={id} onClose={() => setParams({ task: null })} />;
}

function Opened({ id, onClose }: { id: TaskId; onClose: () => void }) {
  const { bridge } = useNox();
  const card = useCard(id);
  const detail = useQuery({
    // The hash changes with the file, the session and whether it is live with its sessions: nothing else makes it stale.
    queryKey: ['task', id, card?.task.hash, card?.session, card?.live],
    queryFn: () => bridge.readTask({ task: id }),
    placeholderData: (before: TaskDetail | undefined) => before,
    enabled: card !== undefined,
    gcTime: 0,
  });
  let inside: ReactNode;
  if (!card) {
    inside = <EmptyState title={TASK.gone}>{TASK.goneHint}</EmptyState>;
  } else if (detail.data) {
    inside = <Detail card={card} detail={detail.data} onClose={onClose} />;
  } else if (detail.error) {
    inside = (
      <Banner
        tone="error"
        title={TASK.failed}
        actions={<Button onClick={() => void detail.refetch()}>{TASK.again}</Button>}
      >
        {asNoxError(detail.error).message}
      </Banner>
    );
  } else {
    inside = (
      <Loading>
        <SkeletonRows count={6} />
      </Loading>
    );
  }
  return (
    <Pane label={TASK.title} kind="details" className={s.pane} onClose={onClose}>
      <Bar title={TASK.title} level={2} end={<IconButton icon="close" label={TASK.close} onClick={onClose} />} />
      <PaneBody className={s.body}>{inside}</PaneBody>
    </Pane>
  );
}

function Detail({ card, detail, onClose }: { card: Card; detail: TaskDetail; onClose: () => void }) {
  const { bridge } = useNox();
  const { task } = card;
  const { words } = card.status;
  const open = (act: Promise<void>) => {
    act.catch((thrown) => {
      const { message, hint } = asNoxError(thrown);
      toast({ text: message, detail: hint ?? undefined, sign: 'failed' });
    });
  };
  return (
    <>
      {task.read_only && <Banner tone="info" title={TASK.readOnly} />}
      {words.code === 'not_started' && (
        <Banner
          tone="warning"
          sign="blocked"
          title={TASK.notStarted}
          actions={<Link href={routes.agent(words.agent)}>{TASK.openAgent(words.agent_name)}</Link>}
        >
          {limitText(words.hit)} {words.again_at !== null && TASK.startsFrom(formatTime(words.again_at))}
        </Banner>
      )}
      <TitleField key={task.title} card={card} />
      <StatusText sign={card.status.sign} word={statusWords(card.status.words)} at={card.status.at} />
      <Buttons card={card} onDeleted={onClose} />
      <TaskFacts card={card} />
      <TaskBody card={card} detail={detail} />
      <Sessions detail={detail} />
      <section className={s.section}>
        <h3 className={s.heading}>{TASK.file}</h3>
        <code className={s.path} title={detail.file}>
          {detail.file}
        </code>
        <Button size="sm" icon="open" onClick={() => open(bridge.openPath(detail.file))}>
          {TASK.openFile}
        </Button>
      </section>
    </>
  );
}

function Buttons({ card, onDeleted }: { card: Card; onDeleted: () => void }) {
  const act = useAct();
  const [, navigate] = useLocation();
  const [start, startDialog] = useStart();
  const [asking, setAsking] = useState(false);
  const { id, title, read_only: readOnly } = card.task;
  const { session } = card;
  return (
    <div className={s.actions}>
      {card.live && session ? (
        <Button variant="danger" icon="stop" onClick={() => setAsking(true)}>
          {TASK.stop}
        </Button>
      ) : (
        !readOnly && (
          <Button variant="primary" icon="play" onClick={() => void start({ task: id, title })}>
            {TASK.start}
          </Button>
        )
      )}
      {session && <Button onClick={() => navigate(routes.session(session))}>{TASK.openSession}</Button>}
      {!readOnly && (
        <Button
          variant="quiet"
          icon="trash"
          onClick={async () => {
            const done = await act('deleteTask', { task: id }, { about: [id], done: TASK.deleted(title) });
            if (done) onDeleted();
          }}
        >
          {TASK.remove}
        </Button>
      )}
      {startDialog}
      <ConfirmDialog
        opened={asking}
        question={TASK.stopQuestion(title)}
        stay={TASK.keep}
        go={TASK.stopIt}
        onStay={() => setAsking(false)}
        onGo={async () => {
          if (session) await act('stopSession', { session }, { about: [id] });
          setAsking(false);
        }}
      >
        <p>{TASK.stopText}</p>
      </ConfirmDialog>
    </div>
  );
}

function Sessions({ detail }: { detail: TaskDetail }) {
  const [, navigate] = useLocation();
  return (
    <section className={s.section}>
      <h3 className={s.heading}>{TASK.sessions}</h3>
      {detail.sessions.length === 0 && <p className={s.quiet}>{TASK.noSessions}</p>}
      <ul>
        {detail.sessions.map(({ row, status }) => (
          <li key={row.id}>
            <button type="button" className={s.session} onClick={() => navigate(routes.session(row.id))}>
              <span className={s.cut}>{row.agent_name}</span>
              <StatusText sign={status.sign} word={statusWords(status.words)} at={status.at} size="xs" />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
