// Sign, word, age: the one way in which a status is written.
import { cx } from '../cx';
import { Age } from './Age';
import { type SignName, StatusSign } from './StatusSign';
import s from './StatusText.module.css';
import { SIGN_WORDS } from './text';

export interface StatusTextProps {
  sign: SignName;
  /** What it says; without it the sign's own word. */
  word?: React.ReactNode;
  /** When the last event came, in milliseconds since 1970; without it no age is drawn. */
  at?: number | undefined;
  /** `line` fills its row with the age at the right end, `inline` keeps together, `pill` is framed and tinted. */
  variant?: 'inline' | 'line' | 'pill' | undefined;
  /** `xs` in cards and lists, `sm` elsewhere. */
  size?: 'xs' | 'sm' | undefined;
  className?: string | undefined;
}

export function StatusText({ sign, word, at, variant = 'inline', size = 'sm', className }: StatusTextProps) {
  const text = word ?? SIGN_WORDS[sign];
  return (
    <span className={cx(s.status, s[variant], s[size], s[sign], className)}>
      <StatusSign sign={sign} size={size === 'xs' ? 'sm' : 'md'} />
      <span className={s.word} title={typeof text === 'string' ? text : undefined}>
        {text}
      </span>
      {at !== undefined && <Age at={at} />}
    </span>
  );
}
