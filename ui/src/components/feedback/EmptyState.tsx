// What a place says when there is nothing in it: what it would show, and how to get there.
import { cx } from '../cx';
import s from './EmptyState.module.css';

export interface EmptyStateProps {
  title: string;
  children?: React.ReactNode;
  /** Buttons. */
  actions?: React.ReactNode;
  /** A few signs in dashed boxes above the title; only for whole places. */
  picture?: React.ReactNode;
  /** `place` stands in the middle, `list` at the top left of a list. */
  variant?: 'place' | 'list' | undefined;
}

export function EmptyState({ title, children, actions, picture, variant = 'place' }: EmptyStateProps) {
  return (
    <div className={cx(s.empty, s[variant])}>
      {picture && (
        <div className={s.picture} aria-hidden="true">
          {picture}
        </div>
      )}
      <p className={s.title}>{title}</p>
      {children && <div className={s.what}>{children}</div>}
      {actions && <div className={s.actions}>{actions}</div>}
    </div>
  );
}

/** One dashed box of an empty place's picture. */
export function EmptyBox({ children }: { children: React.ReactNode }) {
  return <span className={s.box}>{children}</span>;
}
