// The place “Processes”: what every session has started, what that uses, and what it may use; Nox itself below.
import { useState } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { Button } from '@/components/controls/Button';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Banner } from '@/components/feedback/Banner';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Loading, SkeletonRows } from '@/components/feedback/Skeleton';
import { Icon } from '@/components/icons/icons';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { useAct } from '@/sync/act';
import { useSessions } from '@/sync/hooks';
import s from './Processes.module.css';
import { ProcessTable } from './ProcessTable';
import { holdsMeans, holdsText, PROCESSES } from './text';
import { useProcesses } from './useProcesses';

export function ProcessesPlace() {
  const { view, before, error, again } = useProcesses();
  const everyone = useEveryone();
  return (
    <Panes>
      <Pane label={PROCESSES.title} kind="main">
        <Bar title={PROCESSES.title} end={everyone.buttons}>
          <span className={s.intro}>{PROCESSES.intro}</span>
        </Bar>
        <PaneBody>
          <div className={s.page}>
            {error && (
              <Banner
                tone="error"
                title={PROCESSES.failed}
                actions={<Button onClick={again}>{PROCESSES.tryAgain}</Button>}
              >
                {error.message} {error.hint}
              </Banner>
            )}
            {!view && !error && (
              <Loading>
                <SkeletonRows count={6} />
              </Loading>
            )}
            {view && view.runs.length === 0 && (
              <EmptyState
                title={PROCESSES.empty}
                actions={<Link href={routes.board()}>{PROCESSES.toBoard}</Link>}
                picture={
                  <EmptyBox>
                    <Icon name="cpu" />
                  </EmptyBox>
                }
              >
                {PROCESSES.emptyHint}
              </EmptyState>
            )}
            {view && (
              <>
                <ProcessTable view={view} before={before} />
                <dl className={s.notes} data-selectable>
                  <dt>{PROCESSES.holds}</dt>
                  <dd>
                    {holdsText(view.holding)}
                    <p>{holdsMeans(view.holding)}</p>
                  </dd>
                  <dt>{PROCESSES.memoryIs}</dt>
                  <dd>
                    {view.runs.some((run) => run.memory_is === 'private') ? PROCESSES.private : PROCESSES.proportional}
                  </dd>
                </dl>
              </>
            )}
          </div>
        </PaneBody>
        {everyone.dialog}
      </Pane>
    </Panes>
  );
}

/** Nothing of them is under way. */
const QUIET = new Set(['closed', 'idle', 'hibernated', 'stopping']);

/** Stop and pause for all sessions at once. */
function useEveryone() {
  const act = useAct();
  const sessions = useSessions();
  const [asked, setAsked] = useState(false);
  const live = sessions.filter(({ row }) => !QUIET.has(row.state.state)).length;
  const works = sessions.some(({ row }) => !QUIET.has(row.state.state) && row.state.state !== 'paused');
  const paused = sessions.some(({ row }) => row.state.state === 'paused' && row.state.why === 'everything');
  const pauseAll = () => void act('pauseAll', {});
  const continueAll = () => void act('continueAll', {});
  const group = PROCESSES.title;
  useActions([
    { id: 'everyone.pause', label: PROCESSES.pauseAll, group, icon: 'pause', enabled: () => works, run: pauseAll },
    {
      id: 'everyone.continue',
      label: PROCESSES.continueAll,
      group,
      icon: 'play',
      enabled: () => paused,
      run: continueAll,
    },
    {
      id: 'processes.stopAll',
      label: PROCESSES.stopAll,
      group,
      icon: 'stop',
      enabled: () => live > 0,
      run: () => setAsked(true),
    },
  ]);
  return {
    buttons: (
      <>
        {paused && (
          <Button icon="play" onClick={continueAll}>
            {PROCESSES.continueAll}
          </Button>
        )}
        <Button icon="pause" disabled={!works} onClick={pauseAll}>
          {PROCESSES.pauseAll}
        </Button>
        <Button icon="stop" variant="danger" disabled={live === 0} onClick={() => setAsked(true)}>
          {PROCESSES.stopAll}
        </Button>
      </>
    ),
    dialog: (
      <ConfirmDialog
        opened={asked}
        question={PROCESSES.stopAllQuestion(live)}
        stay={PROCESSES.stayAll}
        go={PROCESSES.stopAllGo(live)}
        onStay={() => setAsked(false)}
        onGo={() => {
          setAsked(false);
          void act('stopAll', {});
        }}
      >
        <p>{PROCESSES.stopAllText}</p>
      </ConfirmDialog>
    ),
  };
}
