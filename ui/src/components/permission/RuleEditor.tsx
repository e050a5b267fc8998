// Before “always”: what the rule would say, for whom it holds, and what it would have matched, with what was denied first.
import { TextInput } from '@mantine/core';
import { useEffect, useId, useRef, useState } from 'react';
import type { RequestRow, RuleDraft, RulePreview } from '../../bindings/nox';
import { Button, IconButton } from '../controls/Button';
import { Segmented } from '../controls/Segmented';
import { Icon } from '../icons/icons';
import { Age } from '../status/Age';
import { StatusText } from '../status/StatusText';
import { firstLine, settled } from '../words';
import s from './Permission.module.css';
import { prefixOf, prefixText, readPrefix } from './rule';
import { RULE } from './text';
import { visibleText } from './visible';

export interface RuleEditorProps {
  row: RequestRow;
  /** Asks what a rule would match; null asks for the narrowest rule. */
  preview: (rule: RuleDraft | null) => Promise<RulePreview>;
  pending: boolean;
  onUse: (rule: RuleDraft) => void;
  onClose: () => void;
}

/** While somebody types, the engine is asked this much after the last letter. */
const PAUSE_MS = 150;

export function RuleEditor({ row, preview, pending, onUse, onClose }: RuleEditorProps) {
  const id = useId();
  const { full, text, setText, words, scope, setScope, answer, failed, retry } = useRule(row, preview);
  const field = useRef<HTMLInputElement>(null);
  const ready = full !== null;
  useEffect(() => {
    if (ready) field.current?.focus();
  }, [ready]);

  const prefix = full && prefixOf(full.matcher);
  const wrong = prefix && !words ? RULE.notPrefix : answer && !answer.matches_request ? RULE.mismatch : undefined;
  return (
    <section className={s.rule} aria-label={RULE.title}>
      <header className={s.ruleHead}>
        <Icon name="shield" size="sm" />
        <b>{RULE.title}</b>
        <span className={s.quiet}>{RULE.what}</span>
        <IconButton className={s.end} icon="close" size="sm" label={RULE.fold} onClick={onClose} />
      </header>
      <div className={s.ruleBody}>
        <label className={s.ruleLabel} htmlFor={`${id}-rule`}>
          {RULE.rule}
        </label>
        <div className={s.ruleField}>
          <TextInput
            ref={field}
            id={`${id}-rule`}
            classNames={{ input: s.mono }}
            value={prefix ? text : full ? (full.matcher === 'any' ? RULE.any : RULE.exact) : ''}
            onChange={(event) => setText(event.currentTarget.value)}
            readOnly={!prefix}
            error={Boolean(wrong)}
            aria-describedby={`${id}-hint`}
            spellCheck={false}
            autoComplete="off"
          />
          <p id={`${id}-hint`} className={wrong ? s.wrong : s.hint}>
            {wrong ?? (prefix || !full ? RULE.prefixHint : full.matcher === 'any' ? RULE.anyHint : RULE.exactHint)}
          </p>
        </div>
        <span className={s.ruleLabel}>{RULE.scope}</span>
        <div className={s.scope}>
          <Segmented
            label={RULE.scope}
            value={scope}
            options={[
              { value: 'agent', label: row.agent_name },
              { value: 'everyone', label: RULE.everyone },
            ]}
            onChange={setScope}
          />
        </div>
      </div>
      {failed ? (
        <div className={s.ruleFailed} role="alert">
          <span>{RULE.failed}</span>
          <Button size="sm" onClick={retry}>
            {RULE.retry}
          </Button>
        </div>
      ) : (
        <Matched answer={answer} />
      )}
      <footer className={s.ruleFoot}>
        <Button
          variant="primary"
          pending={pending}
          disabled={!answer || wrong !== undefined}
          onClick={() => answer && onUse(answer.rule)}
        >
          {RULE.go}
        </Button>
      </footer>
    </section>
  );
}

/** The rule while it is edited, and what the engine says about it. Answers that come late for an older text are dropped. */
function useRule(row: RequestRow, preview: RuleEditorProps['preview']) {
  const [full, setFull] = useState<RuleDraft | null>(null);
  const [text, setText] = useState('');
  const [scope, setScope] = useState<'agent' | 'everyone'>('agent');
  const [answer, setAnswer] = useState<RulePreview | null>(null);
  const [failed, setFailed] = useState(false);
  const [tries, setTries] = useState(0);
  const ask = useRef(preview);
  useEffect(() => {
    ask.current = preview;
  });

  const all = full && prefixOf(full.matcher);
  const words = all ? readPrefix(text, all) : null;
  const wanted: RuleDraft | null =
    full && (!all || words)
      ? {
          matcher: words ? { prefix: words } : full.matcher,
          scope: scope === 'agent' ? { scope: 'agent', agent: row.agent } : { scope: 'everyone' },
        }
      : null;
  const key = full ? JSON.stringify(wanted) : 'narrowest';

  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the rule; `tries` asks again.
  useEffect(() => {
    if (key === 'null') {
      setAnswer(null);
      return;
    }
    let here = true;
    const timer = setTimeout(
      () =>
        ask.current(wanted).then(
          (found) => {
            if (!here) return;
            setFailed(false);
            setAnswer(found);
            if (full) return;
            setFull(found.rule);
            setText(prefixText(prefixOf(found.rule.matcher) ?? []));
            setScope(found.rule.scope.scope);
          },
          () => here && setFailed(true),
        ),
      full ? PAUSE_MS : 0,
    );
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [key, tries]);

  return { full, text, setText, words, scope, setScope, answer, failed, retry: () => setTries(tries + 1) };
}

/** At most this many lines are drawn; the counts are exact. */
const MOST = 12;

function Matched({ answer }: { answer: RulePreview | null }) {
  const matched = answer?.matched ?? [];
  const count = answer?.matched_count ?? 0;
  const denied = matched.filter(isDenied).length;
  const allowed = matched.filter(isAllowed).length;
  // With more matches than rows the shares are not known.
  const known = count === matched.length && denied + allowed > 0;
  return (
    <div className={s.matched}>
      <p className={s.sum}>
        {RULE.would} <b>{answer ? (count === 0 ? RULE.none : RULE.past(count)) : '…'}</b>
        {known && <span className={s.quiet}>{RULE.split(allowed, denied)}</span>}
      </p>
      <ul>
        {matched.slice(0, MOST).map((row) => {
          const { sign, word } = settled(row.state);
          return (
            <li key={row.request.id} className={s.match}>
              <StatusText sign={sign} word={word} size="xs" className={s.matchWord} />
              <code title={visibleText(row.request.call.text)}>{visibleText(firstLine(row.request.call.text))}</code>
              {row.state.state === 'answered' && row.state.reason && (
                <span className={s.matchReason}>“{row.state.reason}”</span>
              )}
              <Age at={row.state.state === 'open' ? row.request.asked_at : row.state.at} />
            </li>
          );
        })}
      </ul>
      {count > MOST && <p className={s.hint}>{RULE.shown(MOST, count)}</p>}
    </div>
  );
}

function isDenied({ state }: RequestRow): boolean {
  return state.state === 'answered' && state.decision === 'deny';
}

function isAllowed({ state }: RequestRow): boolean {
  return state.state === 'answered' && state.decision !== 'deny';
}
