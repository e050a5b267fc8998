// The command as it would run, all of it: every line, and what cannot be seen drawn as its code.
import { cx } from '../cx';
import { CopyButton } from '../text/CopyButton';
import s from './Permission.module.css';
import { PERMISSION } from './text';
import { piecesOf } from './visible';

export function ExactCommand({ text, prompt }: { text: string; prompt?: string | undefined }) {
  const pieces = piecesOf(text);
  let at = 0;
  return (
    <div>
      <div className={s.well}>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a long command scrolls, and that must work by keyboard. */}
        <pre className={s.command} tabIndex={0} role="group" aria-label={PERMISSION.command}>
          {prompt && (
            <span className={s.prompt} aria-hidden="true">
              {prompt}
            </span>
          )}
          <code data-command>
            {pieces.map((piece) => {
              at += piece.text.length;
              return (
                <span key={at} className={cx(piece.odd && s.odd)}>
                  {piece.text}
                </span>
              );
            })}
          </code>
        </pre>
        <div className={s.copy}>
          <CopyButton text={text} />
        </div>
      </div>
      {pieces.some((piece) => piece.odd) && <p className={s.oddNote}>{PERMISSION.odd}</p>}
    </div>
  );
}
