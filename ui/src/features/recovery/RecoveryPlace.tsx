// What became of each session that was under way when Nox ended unexpectedly. How each is now comes from the mirror, so
// the page stays right while they go on.
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Loading, SkeletonRows } from '@/components/feedback/Skeleton';
import { Icon } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { formatMoment } from '@/components/status/age';
import { StatusText } from '@/components/status/StatusText';
import { firstLine, statusWords } from '@/components/words';
import { useDesktop } from '@/sync/desktop';
import { useSessions } from '@/sync/hooks';
import type { RecoveredSession, RecoveryView, Status } from '../../bindings/nox';
import s from './Recovery.module.css';
import { titleOf } from './RecoveryBanner';
import { RECOVERY } from './text';
import { useRecovery } from './useRecovery';

export function RecoveryPlace() {
  const { data, error, refetch } = useRecovery();
  return (
    <Panes>
      <Pane label={RECOVERY.title} kind="main">
        <Bar title={RECOVERY.title} />
        <PaneBody>
          <div className={s.page}>
            {error ? (
              <Banner
                tone="error"
                title={RECOVERY.failed}
                actions={<Button onClick={() => void refetch()}>{RECOVERY.tryAgain}</Button>}
              >
                {error.message}
              </Banner>
            ) : !data ? (
              <Loading>
                <SkeletonRows count={4} double />
              </Loading>
            ) : data.clean ? (
              <Clean />
            ) : (
              <Story found={data} />
            )}
          </div>
        </PaneBody>
      </Pane>
    </Panes>
  );
}

function Clean() {
  return (
    <EmptyState
      title={RECOVERY.clean}
      actions={<Link href={routes.board()}>{RECOVERY.toBoard}</Link>}
      picture={
        <EmptyBox>
          <Icon name="check" />
        </EmptyBox>
      }
    >
      <p>{RECOVERY.cleanHint}</p>
      <ul className={s.teaches}>
        {RECOVERY.teaches.map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </EmptyState>
  );
}

function Story({ found }: { found: RecoveryView }) {
  const desktop = useDesktop();
  const groups = useGroups(found.sessions);
  const { database } = found;
  return (
    <>
      <p className={s.lead}>
        {titleOf(found)} {!database && RECOVERY.promise} {RECOVERY.promiseStep}
      </p>
      <dl className={s.facts} data-selectable>
        <dt>{RECOVERY.started}</dt>
        <dd>{formatMoment(found.at)}</dd>
        <dt>{RECOVERY.runs}</dt>
        <dd>{found.lost_runs || RECOVERY.none}</dd>
        <dt>{RECOVERY.swept}</dt>
        <dd>{found.swept || RECOVERY.none}</dd>
        {database && !database.under_way && !database.problem && (
          <>
            <dt>{RECOVERY.sessionsSaved}</dt>
            <dd>{database.sessions_saved || RECOVERY.none}</dd>
            <dt>{RECOVERY.sessionsDamaged}</dt>
            <dd>{database.sessions_damaged || RECOVERY.none}</dd>
          </>
        )}
      </dl>
      {database && (
        <Banner
          tone="warning"
          sign="unknown"
          title={RECOVERY.database}
          file={database.aside}
          actions={
            <Button icon="folder" onClick={() => desktop.revealPath(database.aside)}>
              {RECOVERY.showDatabase}
            </Button>
          }
        >
          <p>{RECOVERY.databaseText}</p>
          {database.problem && <p>{RECOVERY.unread(database.problem)}</p>}
          {!database.problem && database.under_way && (
            <p>
              {RECOVERY.saving(database.sessions_saved)} <progress aria-label={RECOVERY.savingLabel} />
            </p>
          )}
          {!database.problem && !database.under_way && database.sessions_damaged > 0 && <p>{RECOVERY.damagedText}</p>}
        </Banner>
      )}
      {groups.map(({ name, rows }) => (
        <section key={name} className={s.group} aria-label={RECOVERY.groups[name]}>
          <h2>
            {RECOVERY.groups[name]} <span>{rows.length}</span>
          </h2>
          <ul>
            {rows.map(({ session, status }) => (
              <li key={session.session}>
                <Row session={session} status={status} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}

function Row({ session, status }: { session: RecoveredSession; status: Status }) {
  const { words } = status;
  return (
    <Link href={routes.session(session.session)} className={s.row}>
      <Monogram name={session.agent_name} />
      <span className={s.names}>
        <span className={s.title}>{session.title}</span>
        <span className={s.what}>
          {words.code === 'unknown_outcome'
            ? RECOVERY.unknown(firstLine(words.title))
            : session.was_doing
              ? RECOVERY.wasDoing(firstLine(session.was_doing))
              : RECOVERY.between}
          {words.code === 'approval' && ` ${RECOVERY.requests(words.open)}`}
        </span>
      </span>
      <StatusText sign={status.sign} word={statusWords(words)} at={status.at} size="xs" />
    </Link>
  );
}

type GroupName = keyof typeof RECOVERY.groups;
interface Group {
  name: GroupName;
  rows: { session: RecoveredSession; status: Status }[];
}

/** What needs a person first. */
const ORDER: readonly GroupName[] = ['choice', 'approval', 'person', 'goesOn', 'paused', 'quiet'];

function useGroups(found: readonly RecoveredSession[]): Group[] {
  const now = new Map(useSessions().map(({ row, status }) => [row.id, status]));
  const rows = found.map((session) => ({ session, status: now.get(session.session) ?? session.status }));
  return ORDER.map((name) => ({ name, rows: rows.filter(({ status }) => groupOf(status) === name) })).filter(
    (group) => group.rows.length > 0,
  );
}

function groupOf({ words }: Status): GroupName {
  switch (words.code) {
    case 'unknown_outcome':
      return 'choice';
    case 'approval':
      return 'approval';
    case 'lost':
    case 'stalled':
      return 'person';
    case 'queued':
    case 'starting':
    case 'running':
    case 'restarting':
    case 'stopping':
      return 'goesOn';
    case 'session_paused':
      return 'paused';
    default:
      return 'quiet';
  }
}
