// The frame of the window: the places at the left, the place in what is left. Below 1240 px the places fold to signs,
// below 720 px they stand in a bar at the bottom.
import { useMemo } from 'react';
import { Link, useRoute } from 'wouter';
import { KeyHint } from '@/components/controls/Key';
import { cx } from '@/components/cx';
import { Icon, Mark } from '@/components/icons/icons';
import { useClock } from '@/components/status/clock';
import { useCards, useEngine, useOpenRequestCount, useProjects, useSessions } from '@/sync/hooks';
import { engineAge } from './engineAge';
import s from './Frame.module.css';
import { useHashLocation } from './location';
import { PLACES, type PlaceEntry } from './places';
import { routes } from './routes';
import { APP } from './text';

export interface FrameProps {
  onKeys: () => void;
  children: React.ReactNode;
}

export function Frame({ onKeys, children }: FrameProps) {
  return (
    <div className={s.frame}>
      <nav className={s.rail} aria-label={APP.places} data-pane="places">
        <div className={s.brand}>
          <Mark className={s.mark} />
          <span>{APP.name}</span>
        </div>
        <ul className={s.nav}>
          {PLACES.map((place) => (
            <li key={place.id}>
              <PlaceLink place={place} />
            </li>
          ))}
        </ul>
        <Projects />
        <div className={s.foot}>
          <Uptime />
          <button type="button" className={s.keys} aria-keyshortcuts="?" onClick={onKeys}>
            <span>{APP.keys}</span>
            <KeyHint combo="?" />
          </button>
        </div>
      </nav>
      <main className={s.main} id="place" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function PlaceLink({ place }: { place: PlaceEntry }) {
  const [here] = useRoute(place.route);
  return (
    <Link
      href={place.path}
      className={cx(s.link, here && s.here)}
      aria-current={here ? 'page' : undefined}
      title={place.word}
    >
      <Icon name={place.icon} />
      <span className={s.word}>{place.word}</span>
      {place.id === 'sessions' && <LiveCount />}
      {place.id === 'approvals' && <WaitingBadge />}
    </Link>
  );
}

/** Nothing of them is under way or waits for a person. */
const QUIET = new Set(['closed', 'idle', 'hibernated']);

// Counts are told as a description, so that the link is still found by its word alone.
function LiveCount() {
  const sessions = useSessions();
  const live = useMemo(() => sessions.filter(({ row }) => !QUIET.has(row.state.state)).length, [sessions]);
  if (live === 0) return null;
  return (
    <span className={s.count} title={APP.live(live)} aria-hidden="true">
      {live}
    </span>
  );
}

function WaitingBadge() {
  const count = useOpenRequestCount();
  if (count === 0) return null;
  return (
    <span className={s.badge} title={APP.waiting(count)} aria-hidden="true" data-count={count}>
      {count > 99 ? '99' : count}
    </span>
  );
}

function Projects() {
  const projects = useProjects();
  const cards = useCards();
  const location = useHashLocation();
  const counts = useMemo(() => {
    const open = new Map<string, number>();
    for (const card of cards) {
      const { project } = card.task;
      if (project && card.column !== 'done') open.set(project, (open.get(project) ?? 0) + 1);
    }
    return open;
  }, [cards]);
  if (projects.length === 0) return null;
  return (
    <div className={s.projects}>
      <h2 className={s.heading}>{APP.projects}</h2>
      <ul className={s.nav}>
        {projects.map((project) => {
          const to = routes.board({ project: project.id });
          const here = location === to;
          return (
            <li key={project.id}>
              <Link
                href={here ? routes.board() : to}
                className={cx(s.link, s.project, here && s.here)}
                aria-current={here ? 'true' : undefined}
                title={project.path}
              >
                <Icon name="folder" size="sm" />
                <span className={s.word}>{project.id}</span>
                <span className={s.count} aria-hidden="true">
                  {counts.get(project.id) ?? 0}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function Uptime() {
  const engine = useEngine();
  const startedAt = engine?.started_at;
  const age = useClock((now) => (startedAt === undefined ? '' : engineAge(startedAt, now)));
  return <span className={s.uptime}>{age && APP.engineUp(age)}</span>;
}
