// Key hints, as small boxes. A coarse pointer sees none.
import { formatCombo } from '../actions/combo';
import { cx } from '../cx';
import s from './Key.module.css';

export interface KeyHintProps {
  /** A combination such as `C`, `Mod+K` or `Shift+Tab`; `Mod` is Ctrl, or ⌘ on a Mac. */
  combo: string;
  /** On the accent the box is drawn in the accent's ink. */
  onAccent?: boolean | undefined;
  /** Screen readers hear it; only where the key itself is what is told. */
  spoken?: boolean | undefined;
  className?: string | undefined;
}

/** Hidden from screen readers: the control itself says its shortcut through `aria-keyshortcuts`. */
export function KeyHint({ combo, onAccent, spoken, className }: KeyHintProps) {
  return (
    <span className={cx(s.key, onAccent && s.onAccent, className)} aria-hidden={!spoken}>
      {formatCombo(combo)}
    </span>
  );
}
