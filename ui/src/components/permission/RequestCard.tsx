// The frame of everything that an agent asks of its person: whose it is and since when, what is asked, and at its foot the
// answers, or how it was answered. What is asked, and what an answer may be, belongs to who draws it.
import { TextInput } from '@mantine/core';
import type { RequestRow } from '../../bindings/nox';
import { cx } from '../cx';
import { keepClear } from '../layout/lowerBars';
import { Age } from '../status/Age';
import { formatAge } from '../status/age';
import { useClock } from '../status/clock';
import { StatusSign } from '../status/StatusSign';
import { StatusText, type StatusTextProps } from '../status/StatusText';
import { settled } from '../words';
import s from './Permission.module.css';
import { PERMISSION } from './text';

/** What every such card is given by the place that it stands in. */
export interface RequestProps {
  row: RequestRow;
  /** Inside a conversation it is a card; in the inbox it fills the pane. */
  variant: 'inline' | 'pane';
  /** Sent and not yet recorded. */
  pending: boolean;
  /** More facts: agent, task. */
  facts?: React.ReactNode;
  /** Lets the place put the focus here when somebody asks for it. */
  ref?: React.Ref<HTMLElement> | undefined;
}

export interface RequestCardProps extends Omit<RequestProps, 'facts'> {
  title: string;
  /** Beside the title. */
  marks?: React.ReactNode;
  /** What is asked. */
  children: React.ReactNode;
  /** The answers that let it go on. */
  allow: React.ReactNode;
  /** The one that does not, apart from them. */
  deny: React.ReactNode;
  /** How it was answered, when that has words of its own. */
  outcome?: Pick<StatusTextProps, 'sign' | 'word'> | undefined;
  /** With it the card is a form, which Enter in its fields sends. */
  onSend?: (() => void) | undefined;
  onKeyDown?: React.KeyboardEventHandler | undefined;
}

export function RequestCard(props: RequestCardProps) {
  const { row, variant, pending, title, marks, onSend, onKeyDown, ref } = props;
  const open = row.state.state === 'open';
  return (
    <section
      ref={ref}
      className={cx(s.card, s[variant], pending && s.unrecorded, open && s.open)}
      aria-label={title}
      aria-busy={pending}
      data-request={row.request.id}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys work only while it has the focus, which the place puts here.
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <header className={s.head}>
        <StatusSign sign={settled(row.state).sign} size={variant === 'pane' ? 'lg' : 'md'} />
        <h2 className={s.title}>{title}</h2>
        {marks}
        {open ? <Asked at={row.request.asked_at} /> : <Age at={row.request.asked_at} />}
      </header>
      {onSend ? (
        <form
          className={s.form}
          onSubmit={(event) => {
            event.preventDefault();
            onSend();
          }}
        >
          <Inside {...props} />
        </form>
      ) : (
        <Inside {...props} />
      )}
    </section>
  );
}

function Inside({ row, variant, children, allow, deny, outcome }: RequestCardProps) {
  return (
    <>
      <div className={s.body}>{children}</div>
      <footer ref={variant === 'pane' ? keepClear : undefined} className={s.acts}>
        {row.state.state === 'open' ? (
          <div className={s.answers} role="group" aria-label={PERMISSION.answer}>
            <div className={s.allow}>{allow}</div>
            <div className={s.deny}>{deny}</div>
          </div>
        ) : (
          <Settled row={row} outcome={outcome ?? settled(row.state)} />
        )}
      </footer>
    </>
  );
}

function Asked({ at }: { at: number }) {
  const text = useClock((now) => PERMISSION.ago(formatAge(at, now)));
  return <span className={s.asked}>{text}</span>;
}

function Settled({
  row: { state },
  outcome,
}: Pick<RequestCardProps, 'row'> & Required<Pick<RequestCardProps, 'outcome'>>) {
  const reason = state.state === 'answered' ? state.reason : null;
  return (
    <div className={s.settled}>
      {outcome && <StatusText sign={outcome.sign} word={outcome.word} />}
      {reason && <span className={s.quiet}>“{reason}”</span>}
      {state.state !== 'open' && <Age at={state.at} />}
    </div>
  );
}

export interface ReasonProps {
  label: string;
  value: string;
  onChange: (text: string) => void;
  /** The answer that the reason belongs to: Enter in it gives that one, and no other. */
  onEnter: () => void;
}

/** Why the answer is no. */
export function Reason({ label, value, onChange, onEnter }: ReasonProps) {
  return (
    <TextInput
      className={s.reason}
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
        event.preventDefault();
        onEnter();
      }}
    />
  );
}
