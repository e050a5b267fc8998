// Code as it is: no ligatures, no wrapping that could be mistaken for a line end, nothing left out.
import { cx } from '../cx';
import s from './Code.module.css';
import { CopyButton } from './CopyButton';

export interface CodeBlockProps {
  text: string;
  /** Long lines are wrapped instead of scrolled. */
  wrap?: boolean | undefined;
  copy?: boolean | undefined;
}

export function CodeBlock({ text, wrap = false, copy = true }: CodeBlockProps) {
  return (
    <div className={s.well}>
      {/* What scrolls must be reachable by keyboard. */}
      <pre className={cx(s.code, wrap && s.wrap)} tabIndex={wrap ? undefined : 0}>
        {text}
      </pre>
      {copy && (
        <div className={s.copy}>
          <CopyButton text={text} />
        </div>
      )}
    </div>
  );
}

export interface CommandProps {
  text: string;
  /** Drawn before the first line; not part of what is copied. */
  prompt?: string | undefined;
}

/** The exact command that would run: wrapped so that all of it is seen, line ends drawn as they are. */
export function Command({ text, prompt = '$' }: CommandProps) {
  return (
    <div className={s.well}>
      <pre className={cx(s.code, s.wrap, s.command)}>
        <span className={s.prompt} aria-hidden="true">
          {prompt}
        </span>
        <code data-command>{text}</code>
      </pre>
      <div className={s.copy}>
        <CopyButton text={text} />
      </div>
    </div>
  );
}
