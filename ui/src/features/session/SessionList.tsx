// The sessions in their groups, two lines each. Rows are links: they can be opened, copied and walked like any other.
import { memo } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { cx } from '@/components/cx';
import { EmptyState } from '@/components/feedback/EmptyState';
import { Monogram } from '@/components/identity/Monogram';
import { StatusText } from '@/components/status/StatusText';
import { statusWords } from '@/components/words';
import type { SessionView } from '../../bindings/nox';
import type { Group } from './groups';
import s from './SessionList.module.css';
import { SESSIONS } from './text';

export function SessionList({ groups, shown }: { groups: readonly Group[]; shown: string | undefined }) {
  if (groups.length === 0) {
    return (
      <div className={s.empty}>
        <EmptyState variant="list" title={SESSIONS.empty}>
          {SESSIONS.emptyHint}
        </EmptyState>
      </div>
    );
  }
  return (
    <nav className={s.list} aria-label={SESSIONS.list}>
      {groups.map(({ name, sessions }) => (
        <section key={name} aria-label={SESSIONS.groups[name]}>
          <h2 className={s.group}>
            {SESSIONS.groups[name]} <span>{sessions.length}</span>
          </h2>
          <ul>
            {sessions.map((view) => (
              <li key={view.row.id}>
                <Row view={view} here={view.row.id === shown} />
              </li>
            ))}
          </ul>
        </section>
      ))}
    </nav>
  );
}

const Row = memo(function Row({ view, here }: { view: SessionView; here: boolean }) {
  const { row, status } = view;
  return (
    <Link
      href={routes.session(row.id)}
      className={cx(s.row, here && s.here)}
      aria-current={here ? 'true' : undefined}
      title={`${row.agent_name}: ${row.title}`}
    >
      <Monogram name={row.agent_name} />
      <span className={s.title}>{row.title}</span>
      <StatusText
        className={s.status}
        sign={status.sign}
        word={statusWords(status.words)}
        at={status.at}
        variant="line"
        size="xs"
      />
    </Link>
  );
});
