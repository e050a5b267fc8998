// At the top of the place it concerns: what is wrong, where, what to do, and buttons that do it.
import { IconButton } from '../controls/Button';
import { cx } from '../cx';
import { type SignName, StatusSign } from '../status/StatusSign';
import s from './Banner.module.css';
import { FEEDBACK } from './text';

export interface Excerpt {
  lines: ReadonlyArray<{ number: number; text: string }>;
  /** The line that is wrong. */
  line: number;
  /** From where in it, counted from 1; without it the whole line is marked. */
  column?: number | null | undefined;
}

export interface BannerProps {
  tone: 'error' | 'warning' | 'info';
  title: React.ReactNode;
  /** The file, in mono, under the title. */
  file?: string | undefined;
  excerpt?: Excerpt | undefined;
  /** What to do. */
  children?: React.ReactNode;
  /** Buttons. With neither file, excerpt nor children they stand in the one line. */
  actions?: React.ReactNode;
  onClose?: (() => void) | undefined;
  /** Another sign than the tone's own. */
  sign?: SignName | undefined;
}

const SIGNS: Record<BannerProps['tone'], SignName> = { error: 'failed', warning: 'needs_you', info: 'unknown' };

export function Banner({ tone, title, file, excerpt, children, actions, onClose, sign }: BannerProps) {
  const short = !file && !excerpt && !children;
  return (
    <section className={cx(s.banner, s[tone], short && s.short)} role={tone === 'error' ? 'alert' : 'status'}>
      <StatusSign sign={sign ?? SIGNS[tone]} className={s.sign} />
      <div className={s.body} data-selectable>
        <div className={s.title}>{title}</div>
        {file && <code className={s.file}>{file}</code>}
        {excerpt && <Lines {...excerpt} />}
        {children && <div className={s.what}>{children}</div>}
        {!short && actions && <div className={s.actions}>{actions}</div>}
      </div>
      {short && actions && <div className={s.actions}>{actions}</div>}
      {onClose && <IconButton icon="close" size="sm" label={FEEDBACK.close} onClick={onClose} />}
    </section>
  );
}

function Lines({ lines, line, column }: Excerpt) {
  return (
    <pre className={s.excerpt}>
      {lines.map(({ number, text }) => (
        <div key={number} className={s.line}>
          <span className={s.number}>{number}</span>
          <code>{number === line ? <Wrong text={text} from={(column ?? 1) - 1} /> : text}</code>
        </div>
      ))}
    </pre>
  );
}

function Wrong({ text, from }: { text: string; from: number }) {
  const start = from > 0 && from < text.length ? from : text.length - text.trimStart().length;
  return (
    <>
      {text.slice(0, start)}
      <span className={s.wrong}>{text.slice(start) || ' '}</span>
    </>
  );
}
