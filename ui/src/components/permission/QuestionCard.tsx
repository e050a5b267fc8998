// A question of an agent, ready to be answered.
//
// Nothing is chosen beforehand, and nothing is sent before each question has what it takes. For half a second after it
// came into sight it takes no answer, as a permission request does. An answer half given is kept by its request, also when
// another one is looked at meanwhile.
import { Checkbox, Radio, Textarea } from '@mantine/core';
import { useEffect, useId } from 'react';
import type { Question, RequestRow } from '../../bindings/nox';
import { Button } from '../controls/Button';
import { keeping } from '../kept';
import { settled } from '../words';
import s from './Permission.module.css';
import type { Answer } from './PermissionCard';
import q from './Question.module.css';
import { Reason, RequestCard, type RequestProps } from './RequestCard';
import { QUESTION } from './text';
import { useGuard } from './useGuard';

export interface QuestionCardProps extends RequestProps {
  onAnswer: (answer: Answer) => void;
}

/** What stands in one question: what was chosen, and words of one's own. */
interface Draft {
  chosen: readonly string[];
  own: string;
}

const EMPTY: Draft = { chosen: [], own: '' };

/** An answer half given: by question, and why the whole is skipped. */
interface HalfGiven {
  drafts: Readonly<Record<string, Draft>>;
  reason: string;
}

const NOTHING: HalfGiven = { drafts: {}, reason: '' };
const halfGiven = keeping(NOTHING);

export function QuestionCard({ row, variant, pending, onAnswer, facts, ref }: QuestionCardProps) {
  const ready = useGuard(row.request.id);
  const [{ drafts, reason }, write] = halfGiven.use(row.request.id);
  const open = row.state.state === 'open';
  // biome-ignore lint/correctness/useExhaustiveDependencies: `write` is new with each drawing and does the same.
  useEffect(() => {
    if (!open) write(NOTHING);
  }, [open, row.request.id]);
  const questions = row.request.call.questions ?? [];
  const answers = Object.fromEntries(
    questions.map((each) => [idOf(each), answersOf(each, drafts[idOf(each)] ?? EMPTY)]),
  );
  const missing = questions.filter((each) => !each.optional && answers[idOf(each)]?.length === 0).length;
  const wrong = questions.filter((each) => problemOf(each, drafts[idOf(each)] ?? EMPTY)).length;
  const keeps = missing > 0 ? QUESTION.missing(missing) : wrong > 0 ? QUESTION.wrong(wrong) : undefined;
  const takes = open && ready && !pending;
  const title = QUESTION.label(row.agent_name);
  const send = () => {
    if (takes && !keeps) onAnswer({ decision: 'allow_once', reason: null, rule: null, answers });
  };
  const skip = () => {
    if (takes) onAnswer({ decision: 'deny', reason: reason.trim() || null, rule: null });
  };
  return (
    <RequestCard
      ref={ref}
      row={row}
      variant={variant}
      pending={pending}
      title={title}
      outcome={outcome(row)}
      onSend={send}
      allow={
        <>
          <Button
            // What cannot be sent yet does not look as if it could.
            variant={keeps ? 'default' : 'primary'}
            type="submit"
            pending={pending}
            aria-disabled={!takes || !!keeps}
            title={keeps}
          >
            {QUESTION.send}
          </Button>
          {keeps && <span className={q.missing}>{keeps}</span>}
        </>
      }
      deny={
        <>
          <Reason
            label={QUESTION.reason}
            value={reason}
            onChange={(said) => write((now) => ({ ...now, reason: said }))}
            onEnter={skip}
          />
          <Button pending={pending} aria-disabled={!takes} title={QUESTION.skipWhat} onClick={skip}>
            {QUESTION.skip}
          </Button>
        </>
      }
    >
      {questions.map((each) =>
        open ? (
          <OneQuestion
            key={idOf(each)}
            question={each}
            draft={drafts[idOf(each)] ?? EMPTY}
            onChange={(draft) => write((now) => ({ ...now, drafts: { ...now.drafts, [idOf(each)]: draft } }))}
          />
        ) : (
          <Answered key={idOf(each)} question={each} row={row} />
        ),
      )}
      {facts && (
        <dl className={s.facts} data-selectable>
          {facts}
        </dl>
      )}
    </RequestCard>
  );
}

function outcome(row: RequestRow) {
  const { sign, word } = settled(row.state);
  if (row.state.state !== 'answered') return { sign, word };
  return { sign, word: row.state.decision === 'deny' ? QUESTION.skipped : QUESTION.answered };
}

interface OneQuestionProps {
  question: Question;
  draft: Draft;
  onChange: (draft: Draft) => void;
}

function OneQuestion({ question, draft, onChange }: OneQuestionProps) {
  const id = useId();
  const { header = '', text = '', options = [], many = false, free = false, optional = false, number } = question;
  const Choice = many ? Checkbox : Radio;
  const pick = (label: string, on: boolean) => {
    const others = many ? draft.chosen.filter((each) => each !== label) : [];
    onChange({ chosen: on ? [...others, label] : others, own: many ? draft.own : '' });
  };
  return (
    // biome-ignore lint/a11y/useAriaPropsSupportedByRole: both roles take a label; the lint sees none.
    <div
      className={q.question}
      role={many || options.length === 0 ? 'group' : 'radiogroup'}
      aria-labelledby={`${id}-text`}
    >
      <p className={q.legend} id={`${id}-text`}>
        {header && <span className={q.header}>{header}</span>}
        <span data-selectable>{text}</span>
      </p>
      {(options.length > 0 || optional) && (
        <p className={q.hint}>
          {[options.length > 0 && (many ? QUESTION.many : QUESTION.one), optional && QUESTION.optional]
            .filter(Boolean)
            .join(' · ')}
        </p>
      )}
      {options.map((option, index) => (
        <Choice
          key={option.label}
          name={id}
          id={`${id}-${index}`}
          classNames={{ description: q.means }}
          value={option.label}
          label={option.label}
          description={option.description || undefined}
          checked={draft.chosen.includes(option.label ?? '')}
          onChange={(event) => pick(option.label ?? '', event.currentTarget.checked)}
        />
      ))}
      {(free || options.length === 0) && (
        <Textarea
          className={q.own}
          aria-label={options.length > 0 ? QUESTION.own : text}
          placeholder={options.length > 0 ? QUESTION.own : QUESTION.words}
          inputMode={number ? (number.whole ? 'numeric' : 'decimal') : undefined}
          error={problemOf(question, draft)}
          autosize
          minRows={1}
          maxRows={6}
          value={draft.own}
          onChange={(event) => {
            const own = event.currentTarget.value;
            // Words of one's own stand in the place of a choice where only one answer is taken.
            onChange({ own, chosen: many || own === '' ? draft.chosen : [] });
          }}
        />
      )}
    </div>
  );
}

function Answered({ question, row }: { question: Question; row: RequestRow }) {
  const given = row.state.state === 'answered' ? row.state.answers?.[question.id ?? ''] : undefined;
  return <GivenAnswer question={question} given={given} />;
}

/** A question with what was answered to it. */
export function GivenAnswer({ question, given }: { question: Question; given: readonly string[] | undefined }) {
  return (
    <dl className={q.given} data-selectable>
      <dt>{question.text}</dt>
      <dd>{given?.length ? given.join(', ') : QUESTION.none}</dd>
    </dl>
  );
}

function idOf(question: Question): string {
  return question.id ?? '';
}

function answersOf({ options = [], many = false }: Question, { chosen, own }: Draft): string[] {
  const words = own.trim() === '' ? [] : [own.trim()];
  // In the order in which they were offered.
  const picked = options.map((option) => option.label ?? '').filter((label) => chosen.includes(label));
  return many ? [...picked, ...words] : words.length > 0 ? words : picked;
}

/** What is wrong with words of one's own, as long as they are not what the question takes. */
function problemOf({ number }: Question, { own }: Draft): string | undefined {
  const words = own.trim();
  if (!number || words === '') return undefined;
  const { whole = false, least = '', most = '' } = number;
  const value = Number(words);
  const isNumber = (whole ? /^[-+]?\d+$/ : /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i).test(words);
  const isWithin = (least === '' || value >= Number(least)) && (most === '' || value <= Number(most));
  return isNumber && isWithin ? undefined : QUESTION.number(whole, least, most);
}
