// The signs of the statuses. Each has its own shape, so that it can be told without colour and at 11 px. Which sign is
// shown is decided by the engine; nothing here infers it.
import { cx } from '../cx';
import s from './StatusSign.module.css';

/** The engine's signs, and the two that stand at the head of a column. */
export type SignName =
  | 'backlog'
  | 'todo'
  | 'idle'
  | 'queued'
  | 'running'
  | 'needs_you'
  | 'review'
  | 'done'
  | 'failed'
  | 'blocked'
  | 'paused'
  | 'unknown';

export const SIGN_NAMES: readonly SignName[] = [
  'backlog',
  'todo',
  'idle',
  'queued',
  'running',
  'needs_you',
  'review',
  'done',
  'failed',
  'blocked',
  'paused',
  'unknown',
];

const ring = <circle cx="8" cy="8" r="5.75" />;

const SHAPES: Record<SignName, React.ReactNode> = {
  backlog: <circle cx="8" cy="8" r="5.75" strokeDasharray="2.01 2.505" strokeDashoffset="1" />,
  todo: ring,
  idle: ring,
  queued: <circle cx="8" cy="8" r="5.75" strokeWidth="1.7" strokeLinecap="round" strokeDasharray=".01 3.01" />,
  running: (
    <>
      <circle cx="8" cy="8" r="5.75" strokeWidth="1.6" opacity=".28" />
      <path d="M8 2.25a5.75 5.75 0 0 1 5.75 5.75" strokeWidth="1.8" strokeLinecap="round" />
      <circle className={s.solid} cx="8" cy="8" r="2.3" />
    </>
  ),
  needs_you: (
    <>
      <path className={s.filled} d="M8 .9L15.1 8 8 15.1.9 8z" strokeWidth="1" strokeLinejoin="round" />
      <path className={s.cut} d="M8 4.6v4M8 11.2v.01" strokeWidth="1.7" strokeLinecap="round" />
    </>
  ),
  review: (
    <>
      {ring}
      <path className={s.solid} d="M8 4.1a3.9 3.9 0 0 1 0 7.8z" />
    </>
  ),
  done: (
    <>
      <circle className={s.solid} cx="8" cy="8" r="6.5" />
      <path className={s.cut} d="M5.1 8.2l2 2 3.9-4.2" strokeWidth="1.6" strokeLinecap="round" strokeLinejoin="round" />
    </>
  ),
  failed: (
    <>
      <path className={s.solid} d="M5.3 1.5h5.4l3.8 3.8v5.4l-3.8 3.8H5.3l-3.8-3.8V5.3z" />
      <path className={s.cut} d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" strokeWidth="1.6" strokeLinecap="round" />
    </>
  ),
  blocked: (
    <>
      {ring}
      <path d="M5.2 8h5.6" strokeWidth="1.8" strokeLinecap="round" />
    </>
  ),
  paused: (
    <>
      {ring}
      <path d="M6.5 6v4M9.5 6v4" strokeLinecap="round" />
    </>
  ),
  unknown: (
    <>
      <circle cx="8" cy="8" r="5.75" strokeDasharray="3 1.5" />
      <path d="M6.5 6.6a1.5 1.5 0 1 1 2 1.5c-.4.2-.5.5-.5.9M8 11v.01" strokeWidth="1.4" strokeLinecap="round" />
    </>
  ),
};

export interface StatusSignProps {
  sign: SignName;
  size?: 'sm' | 'md' | 'lg' | undefined;
  /** Only when no word stands beside it; then it is an image with this name. */
  label?: string | undefined;
  className?: string | undefined;
}

/** A status as a shape in its colour. Set `--cut` on a parent whose ground is not a panel. */
export function StatusSign({ sign, size = 'md', label, className }: StatusSignProps) {
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: its name is given as a label, or it is hidden beside its word.
    <svg
      className={cx(s.sign, s[sign], s[size], className)}
      viewBox="0 0 16 16"
      data-sign={sign}
      focusable="false"
      {...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': true })}
    >
      {SHAPES[sign]}
    </svg>
  );
}
