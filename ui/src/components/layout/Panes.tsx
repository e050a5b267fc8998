// A place of one to three panes: a list, the middle, details. Below 1080 px the details become a sheet over the middle,
// below 720 px one pane is seen at a time. F6 walks over the panes, and so a pane is a labelled region.
import { cx } from '../cx';
import s from './Panes.module.css';

export function Panes({ children, className }: { children: React.ReactNode; className?: string | undefined }) {
  return <div className={cx(s.panes, className)}>{children}</div>;
}

export interface PaneProps {
  /** Its name for screen readers and F6. */
  label: string;
  /** `list` 248 px, `details` 288 px, `main` what is left. */
  kind: 'list' | 'main' | 'details';
  /** With one pane at a time: whether this is the one. With a sheet: whether it is open. */
  shown?: boolean | undefined;
  /** Closes the sheet of the details; without it they have none and are only left out. */
  onClose?: (() => void) | undefined;
  /** The ground of the rail and the board instead of a panel's. */
  ground?: 'panel' | 'app' | undefined;
  children: React.ReactNode;
  className?: string | undefined;
}

export function Pane({ label, kind, shown = true, onClose, ground = 'panel', children, className }: PaneProps) {
  return (
    <>
      {kind === 'details' && shown && onClose && (
        // The scrim is for pointers; the keyboard has Esc.
        <div className={s.scrim} onPointerDown={onClose} />
      )}
      <section
        className={cx(s.pane, s[kind], !shown && s.away, ground === 'app' && s.app, className)}
        aria-label={label}
        data-pane={kind}
        tabIndex={-1}
        onKeyDown={(event) => {
          if (event.key !== 'Escape' || event.defaultPrevented || !onClose) return;
          event.preventDefault();
          onClose();
        }}
      >
        {children}
      </section>
    </>
  );
}

/** What scrolls inside a pane, below its bar. */
export function PaneBody({ children, className }: { children: React.ReactNode; className?: string | undefined }) {
  return <div className={cx(s.body, className)}>{children}</div>;
}
