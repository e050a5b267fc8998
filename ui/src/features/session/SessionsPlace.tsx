// The place “Sessions”: the list, one session's conversation, and what is known about it.
import { useEffect, useMemo, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { IconButton } from '@/components/controls/Button';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Icon } from '@/components/icons/icons';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { useSession, useSessions } from '@/sync/hooks';
import { groupSessions } from './groups';
import s from './Session.module.css';
import { SessionDetails } from './SessionDetails';
import { SessionList } from './SessionList';
import { SessionPane } from './SessionPane';
import { IMPORT, SESSIONS } from './text';
import { useImport } from './transfer';

export function SessionsPlace() {
  const { id } = useParams<{ id?: string }>();
  const sessions = useSessions();
  const groups = useMemo(() => groupSessions(sessions), [sessions]);
  const [, navigate] = useLocation();
  const [details, setDetails] = useState(false);

  // With room for more than the list something is shown at once. It stays the same while the list moves on.
  const [first, setFirst] = useState(groups[0]?.sessions[0]?.row.id);
  useEffect(() => {
    const isHere = (known: string | undefined) => sessions.some(({ row }) => row.id === known);
    setFirst((known) => (isHere(known) ? known : groups[0]?.sessions[0]?.row.id));
  }, [groups, sessions]);
  const shown = id ?? first;
  const session = useSession(shown);
  const startImport = useImport();

  const walk = (step: 1 | -1) => {
    const ids = groups.flatMap((group) => group.sessions.map((view) => view.row.id));
    const at = shown ? ids.indexOf(shown) : -1;
    const to = ids[at < 0 ? 0 : Math.max(0, Math.min(ids.length - 1, at + step))];
    if (to) navigate(routes.session(to));
  };
  useActions([
    {
      id: 'sessions.next',
      label: SESSIONS.next,
      group: SESSIONS.title,
      combo: 'J',
      keysOnly: true,
      run: () => walk(1),
    },
    {
      id: 'sessions.before',
      label: SESSIONS.before,
      group: SESSIONS.title,
      combo: 'K',
      keysOnly: true,
      run: () => walk(-1),
    },
  ]);

  return (
    <Panes>
      <Pane label={SESSIONS.list} kind="list" shown={!id}>
        <Bar title={SESSIONS.title} end={<IconButton icon="download" label={IMPORT.button} onClick={startImport} />} />
        <PaneBody>
          <SessionList groups={groups} shown={shown} />
        </PaneBody>
      </Pane>
      {session ? (
        <>
          <Pane label={SESSIONS.conversation} kind="main" shown={Boolean(id)}>
            <SessionPane key={session.row.id} view={session} onDetails={() => setDetails(true)} />
          </Pane>
          <Pane label={SESSIONS.details} kind="details" shown={details} onClose={() => setDetails(false)}>
            <SessionDetails view={session} onClose={() => setDetails(false)} />
          </Pane>
        </>
      ) : (
        <Pane label={SESSIONS.conversation} kind="main" shown={Boolean(id)}>
          <Bar className={s.onlyNarrow}>
            <Link href={routes.sessions()}>{SESSIONS.back}</Link>
          </Bar>
          <EmptyState
            title={id ? SESSIONS.gone : SESSIONS.empty}
            actions={
              <Link href={id ? routes.sessions() : routes.board()}>{id ? SESSIONS.back : SESSIONS.toBoard}</Link>
            }
            picture={
              id ? undefined : (
                <EmptyBox>
                  <Icon name="sessions" />
                </EmptyBox>
              )
            }
          >
            {id ? SESSIONS.goneHint : SESSIONS.emptyHint}
          </EmptyState>
        </Pane>
      )}
    </Panes>
  );
}
