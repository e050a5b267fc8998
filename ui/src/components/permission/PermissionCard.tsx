// A permission request, ready to be answered. Inside a conversation it is a card; in the inbox it fills the pane.
//
// A, S and D answer only while the card (not a field in it) has the focus; it never takes the focus by itself, and for
// half a second after it came into sight it takes no answer. Deny stands at the far right, away from the others.
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import type { Decision, RequestRow, RuleDraft, RulePreview } from '../../bindings/nox';
import { matches } from '../actions/combo';
import { isTyping } from '../actions/keyboard';
import { Button } from '../controls/Button';
import { cx } from '../cx';
import { keepClear } from '../layout/lowerBars';
import { Age } from '../status/Age';
import { formatAge } from '../status/age';
import { useClock } from '../status/clock';
import { StatusSign } from '../status/StatusSign';
import { StatusText } from '../status/StatusText';
import { Markdown } from '../text/Markdown';
import { Diff } from '../transcript/Diff';
import { ANSWERS, settled, WANTS } from '../words';
import { ExactCommand } from './ExactCommand';
import { NotSandboxed } from './NotSandboxed';
import s from './Permission.module.css';
import { PermissionFacts } from './PermissionFacts';
import { RuleEditor } from './RuleEditor';
import { PERMISSION } from './text';
import { useGuard } from './useGuard';

export interface Answer {
  decision: Decision;
  reason: string | null;
  rule: RuleDraft | null;
  /** To its questions, by their ids. */
  answers?: Record<string, string[]>;
}

export interface PermissionCardProps {
  row: RequestRow;
  variant: 'inline' | 'pane';
  /** Sent and not yet recorded. */
  pending: boolean;
  onAnswer: (answer: Answer) => void;
  /** Asks what a rule would match; null asks for the narrowest rule. */
  preview: (rule: RuleDraft | null) => Promise<RulePreview>;
  /** Opens a link of a plan, after the person was asked. */
  onOpenLink: (url: string) => void;
  /** More facts: agent, task. */
  facts?: React.ReactNode;
  /** Lets the place put the focus here when somebody asks for it. */
  ref?: React.Ref<HTMLElement> | undefined;
}

/** Give it the request's id as `key`: an answer half written for one request must not go to the next. */
export function PermissionCard({
  row,
  variant,
  pending,
  onAnswer,
  preview,
  onOpenLink,
  facts,
  ref,
}: PermissionCardProps) {
  const ready = useGuard(row.request.id);
  const [reason, setReason] = useState('');
  const [ruling, setRuling] = useState(false);
  const open = row.state.state === 'open';
  const { call } = row.request;
  const takes = open && ready && !pending;

  const answer = (decision: Decision, rule: RuleDraft | null = null) => {
    if (!takes) return;
    onAnswer({ decision, rule, reason: decision === 'deny' && reason.trim() !== '' ? reason.trim() : null });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (!open || isTyping(event.target)) return;
    const decision = DECISION_KEYS.find(([combo]) => matches(combo, event.nativeEvent))?.[1];
    if (!decision || (decision === 'allow_session' && call.prose)) return;
    // Also while no answer is taken: the key means this card and nothing behind it.
    event.preventDefault();
    event.stopPropagation();
    if (!event.repeat) answer(decision);
  };

  const title = PERMISSION.label(row.agent_name, call.prose ? PERMISSION.plan : WANTS[call.kind]);
  return (
    <section
      ref={ref}
      className={cx(s.card, s[variant], pending && s.unrecorded, open && s.open)}
      aria-label={title}
      aria-busy={pending}
      data-request={row.request.id}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its keys work only while it has the focus.
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <header className={s.head}>
        <StatusSign sign={settled(row.state).sign} size={variant === 'pane' ? 'lg' : 'md'} />
        <h2 className={s.title}>{title}</h2>
        {variant === 'pane' && <NotSandboxed />}
        {open ? <Asked at={row.request.asked_at} /> : <Age at={row.request.asked_at} />}
      </header>
      <div className={s.body}>
        {call.prose ? (
          <div className={s.prose} role="group" aria-label={PERMISSION.prose}>
            <Markdown text={call.text} onOpenLink={onOpenLink} />
          </div>
        ) : (
          <ExactCommand text={call.text} prompt={call.kind === 'execute' ? '$' : undefined} />
        )}
        {call.diff && <Diff diff={call.diff} folder={call.folder} />}
        <PermissionFacts row={row}>{facts}</PermissionFacts>
        {ruling && open && (
          <RuleEditor
            row={row}
            preview={preview}
            pending={pending}
            onUse={(rule) => answer('allow_always', rule)}
            onClose={() => setRuling(false)}
          />
        )}
      </div>
      <footer ref={variant === 'pane' ? keepClear : undefined} className={s.acts}>
        {open ? (
          <div className={s.answers} role="group" aria-label={PERMISSION.answer}>
            <div className={s.allow}>
              <Button
                variant="primary"
                combo="A"
                pending={pending}
                aria-disabled={!takes}
                onClick={() => answer('allow_once')}
              >
                {ANSWERS.once}
              </Button>
              {/* Each plan is read by itself: none is allowed with those to come. */}
              {!call.prose && (
                <>
                  <Button combo="S" pending={pending} aria-disabled={!takes} onClick={() => answer('allow_session')}>
                    {ANSWERS.session}
                  </Button>
                  <Button aria-expanded={ruling} onClick={() => setRuling(!ruling)}>
                    {ANSWERS.always}
                  </Button>
                </>
              )}
            </div>
            <div className={s.deny}>
              <TextInput
                className={s.reason}
                aria-label={PERMISSION.reason}
                placeholder={PERMISSION.reason}
                value={reason}
                onChange={(event) => setReason(event.currentTarget.value)}
                onKeyDown={(event) => {
                  if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
                  event.preventDefault();
                  answer('deny');
                }}
              />
              <Button
                variant="danger"
                combo="D"
                pending={pending}
                aria-disabled={!takes}
                onClick={() => answer('deny')}
              >
                {ANSWERS.deny}
              </Button>
            </div>
          </div>
        ) : (
          <Settled row={row} />
        )}
      </footer>
    </section>
  );
}

const DECISION_KEYS: readonly (readonly [string, Decision])[] = [
  ['A', 'allow_once'],
  ['S', 'allow_session'],
  ['D', 'deny'],
];

function Asked({ at }: { at: number }) {
  const text = useClock((now) => PERMISSION.ago(formatAge(at, now)));
  return <span className={s.asked}>{text}</span>;
}

function Settled({ row }: { row: RequestRow }) {
  const { sign, word } = settled(row.state);
  const reason = row.state.state === 'answered' ? row.state.reason : null;
  return (
    <div className={s.settled}>
      <StatusText sign={sign} word={word} />
      {reason && <span className={s.quiet}>“{reason}”</span>}
      {row.state.state !== 'open' && <Age at={row.state.at} />}
    </div>
  );
}
