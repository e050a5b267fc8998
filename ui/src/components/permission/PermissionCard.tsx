// A permission request, ready to be answered.
//
// A, S and D answer only while the card (not a field in it) has the focus; it never takes the focus by itself, and for
// half a second after it came into sight it takes no answer. Deny stands at the far right, away from the others.
import { useState } from 'react';
import type { Decision, RuleDraft, RulePreview } from '../../bindings/nox';
import { matches } from '../actions/combo';
import { isTyping } from '../actions/keyboard';
import { Button } from '../controls/Button';
import { Markdown } from '../text/Markdown';
import { Diff } from '../transcript/Diff';
import { ANSWERS, WANTS } from '../words';
import { ExactCommand } from './ExactCommand';
import { NotSandboxed } from './NotSandboxed';
import s from './Permission.module.css';
import { PermissionFacts } from './PermissionFacts';
import { Reason, RequestCard, type RequestProps } from './RequestCard';
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

export interface PermissionCardProps extends RequestProps {
  onAnswer: (answer: Answer) => void;
  /** Asks what a rule would match; null asks for the narrowest rule. */
  preview: (rule: RuleDraft | null) => Promise<RulePreview>;
  /** Opens a link of a plan, after the person was asked. */
  onOpenLink: (url: string) => void;
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
    <RequestCard
      ref={ref}
      row={row}
      variant={variant}
      pending={pending}
      title={title}
      onKeyDown={onKeyDown}
      marks={variant === 'pane' && <NotSandboxed />}
      allow={
        <>
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
        </>
      }
      deny={
        <>
          <Reason label={PERMISSION.reason} value={reason} onChange={setReason} onEnter={() => answer('deny')} />
          <Button variant="danger" combo="D" pending={pending} aria-disabled={!takes} onClick={() => answer('deny')}>
            {ANSWERS.deny}
          </Button>
        </>
      }
    >
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
    </RequestCard>
  );
}

const DECISION_KEYS: readonly (readonly [string, Decision])[] = [
  ['A', 'allow_once'],
  ['S', 'allow_session'],
  ['D', 'deny'],
];
