// The age of the last event. It ticks with the one shared clock and never wraps.
import { cx } from '../cx';
import s from './Age.module.css';
import { formatAge, formatMoment } from './age';
import { useClock } from './clock';

export interface AgeProps {
  /** Milliseconds since 1970, UTC. */
  at: number;
  className?: string | undefined;
}

export function Age({ at, className }: AgeProps) {
  const text = useClock((now) => formatAge(at, now));
  return (
    <time
      className={cx(s.age, className)}
      dateTime={new Date(at).toISOString()}
      // Written when somebody points at it: a board has hundreds of ages.
      onPointerEnter={(event) => {
        event.currentTarget.title = formatMoment(at);
      }}
    >
      {text}
    </time>
  );
}
