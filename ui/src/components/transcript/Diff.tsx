// What a tool call would change in files, or has changed: each line with its sign, so that colour is not needed.
import { useState } from 'react';
import type { FileDiff } from '../../bindings/nox';
import { Button } from '../controls/Button';
import { cx } from '../cx';
import { visibleText } from '../permission/visible';
import s from './Transcript.module.css';
import { TRANSCRIPT } from './text';

/** Lines that are shown before somebody wants all. */
const FOLDED_LINES = 16;

export function Diff({ diff, folder }: { diff: readonly FileDiff[]; folder: string }) {
  return (
    <>
      {diff.map((file) => (
        <OneFile key={file.path} file={file} folder={folder} />
      ))}
    </>
  );
}

function OneFile({ file, folder }: { file: FileDiff; folder: string }) {
  const [all, setAll] = useState(false);
  const lines = file.text.replace(/\n$/, '').split('\n');
  const shown = all ? lines : lines.slice(0, FOLDED_LINES);
  const path = visibleText(shortened(file.path, folder));
  return (
    <figure className={s.diff} aria-label={TRANSCRIPT.diff(path)}>
      <figcaption className={s.file}>
        <code title={visibleText(file.path)}>{path}</code>
        <span className={s.counts} title={TRANSCRIPT.changed(file.added, file.removed)}>
          <b className={s.added}>+{file.added}</b> <b className={s.removed}>−{file.removed}</b>
        </span>
      </figcaption>
      {file.text !== '' && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: long lines scroll, and that must work by keyboard.
        <pre className={s.lines} tabIndex={0} data-selectable>
          {shown.map((line, number) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines of one diff never move.
            <span key={number} className={cx(s.diffLine, kindOf(line))}>
              {`${visibleText(line)}\n`}
            </span>
          ))}
        </pre>
      )}
      {lines.length > FOLDED_LINES && (
        <Button size="sm" variant="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? TRANSCRIPT.less : TRANSCRIPT.all(lines.length)}
        </Button>
      )}
      {file.cut && <p className={s.quiet}>{TRANSCRIPT.cut}</p>}
    </figure>
  );
}

function kindOf(line: string): string | undefined {
  if (line.startsWith('+')) return s.comes;
  if (line.startsWith('-')) return s.goes;
  return line.startsWith('@@') ? s.hunk : undefined;
}

function shortened(path: string, folder: string): string {
  return path.startsWith(`${folder}/`) ? path.slice(folder.length + 1) : path;
}
