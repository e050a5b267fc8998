// The bar at the top of every pane: 46 high, so that all lower edges form one line across the window.
import { cx } from '../cx';
import s from './Bar.module.css';

export interface BarProps {
  /** The place's or pane's name. */
  title?: React.ReactNode;
  /** `h1` for the place, `h2` for a pane within it. */
  level?: 1 | 2 | undefined;
  /** Beside the title, grey: “3 waiting, oldest first”. */
  note?: React.ReactNode;
  children?: React.ReactNode;
  /** At the right end. */
  end?: React.ReactNode;
  className?: string | undefined;
}

export function Bar({ title, level = 1, note, children, end, className }: BarProps) {
  const Heading = level === 1 ? 'h1' : 'h2';
  return (
    <header className={cx(s.bar, className)}>
      {title !== undefined && <Heading className={s.title}>{title}</Heading>}
      {note !== undefined && <span className={s.note}>{note}</span>}
      {children}
      {end !== undefined && <div className={s.end}>{end}</div>}
    </header>
  );
}

/** A hairline between groups of a bar. */
export function BarSeparator() {
  return <span className={s.separator} />;
}
