// Trying an agent as it is written, saved or not: whether it stands, what it can do, what that costs, and what to do when
// it does not. Nothing is asked of a model unless the person says so.
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { asNoxError, type NoxError } from '@/bridge/bridge';
import { newId } from '@/bridge/ids';
import { Button } from '@/components/controls/Button';
import { announce } from '@/components/feedback/announce';
import { StatusText } from '@/components/status/StatusText';
import { useHeldFocus } from '@/components/useHeldFocus';
import { costText } from '@/components/words';
import { useNox } from '@/sync/context';
import type { AgentTried, Offer, Offers, TryAgent, Usage } from '../../bindings/nox';
import s from './Agents.module.css';
import { hasProgram } from './program';
import { TRIAL } from './text';

const MOST_SHOWN = 6;

export interface TrialProps {
  /** What is tried, or null when the form says what is wrong. */
  input: () => Omit<TryAgent, 'trial' | 'ask'> | null;
  runtime: TryAgent['runtime'] & string;
  onOffers: (offers: Offers | null) => void;
  onError: (error: NoxError) => void;
}

export function Trial({ input, runtime, onOffers, onError }: TrialProps) {
  const { bridge } = useNox();
  const [running, setRunning] = useState<string | null>(null);
  const [result, setResult] = useState<AgentTried | null>(null);
  const left = useRef<() => void>(undefined);
  useEffect(() => () => left.current?.(), []);

  const run = async (ask: string | null) => {
    const tried = input();
    if (!tried) return;
    const trial = newId('trial');
    const stop = () => void bridge.stopTrial({ trial }).catch(() => undefined);
    // Whoever goes elsewhere does not leave a program behind.
    left.current = stop;
    setRunning(trial);
    setResult(null);
    try {
      const answer = await bridge.tryAgent({ ...tried, trial, ask });
      setResult(answer);
      if (answer.tried?.offers) onOffers(answer.tried.offers);
      announce(answer.is_good ? goodWord(answer.tried) : `${TRIAL.bad}: ${answer.problem ?? ''}`);
    } catch (thrown) {
      onError(asNoxError(thrown));
    } finally {
      left.current = undefined;
      setRunning(null);
    }
  };
  const stop = () => left.current?.();
  // Stop goes when the trial ends, and the question when it is asked.
  const test = useRef<HTMLButtonElement>(null);
  const focus = useHeldFocus();
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when a button may have gone.
  useEffect(() => focus.catchBy(test.current), [running, result]);
  return (
    <section className={s.trial} aria-label={TRIAL.title} {...focus.watch}>
      <div className={s.trialHead}>
        <Button ref={test} icon="play" pending={running !== null} onClick={() => void run(null)}>
          {TRIAL.test}
        </Button>
        {running !== null && (
          <Button variant="danger" icon="stop" onClick={stop}>
            {TRIAL.stop}
          </Button>
        )}
        {running !== null && <StatusText sign="running" word={TRIAL.running} size="xs" />}
      </div>
      {running === null && !result && <p className={s.lead}>{TRIAL.hint}</p>}
      {result && <Result result={result} />}
      {result?.is_good && hasProgram(runtime) && !result.tried?.answer && (
        <div className={s.trialHead}>
          <Button size="sm" pending={running !== null} onClick={() => void run(TRIAL.question)}>
            {TRIAL.ask}
          </Button>
          <p className={s.lead}>{TRIAL.askHint}</p>
        </div>
      )}
    </section>
  );
}

/** What stands without its model has not shown that it works. */
const goodWord = (tried: AgentTried['tried']) => (tried?.model_unasked ? TRIAL.unasked : TRIAL.good);

function Result({ result: { is_good, problem, tried = {} } }: { result: AgentTried }) {
  const { ready_ms, version, memory_bytes, processes, offers, answer, usage, notes } = tried;
  const facts: [string, ReactNode][] = [];
  if (version) facts.push([TRIAL.version, version]);
  if (ready_ms != null) facts.push([TRIAL.ready, TRIAL.after(ready_ms)]);
  if (memory_bytes != null) facts.push([TRIAL.memory, TRIAL.holds(memory_bytes, processes ?? 0)]);
  if (offers) {
    if (offers.modes?.length) facts.push([TRIAL.modes, named(offers.modes, offers.mode)]);
    if (offers.models?.length) facts.push([TRIAL.models, named(offers.models, offers.model)]);
    if (offers.commands?.length) facts.push([TRIAL.commands, named(offers.commands, null)]);
  }
  if (answer) facts.push([TRIAL.answer, answer]);
  if (usage) facts.push([TRIAL.used, used(usage)]);
  for (const note of notes ?? []) facts.push([TRIAL.note, note]);
  return (
    <div className={s.result}>
      <StatusText sign={is_good ? 'done' : 'failed'} word={is_good ? goodWord(tried) : TRIAL.bad} />
      {problem && (
        <p className={s.trialProblem} data-selectable>
          {problem}
        </p>
      )}
      {facts.length > 0 && (
        <dl className={s.facts} data-selectable>
          {facts.map(([what, value], index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the list is drawn anew with each trial.
            <div key={index} className={s.fact}>
              <dt>{what}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
    </div>
  );
}

const used = ({ input_tokens = 0, output_tokens = 0, cost_micro_usd = null }: Usage) =>
  TRIAL.tokens(input_tokens, output_tokens, cost_micro_usd === null ? TRIAL.noCost : costText(cost_micro_usd));

function named(offers: readonly Offer[], now: string | null | undefined): string {
  const shown = offers.slice(0, MOST_SHOWN).map(({ id, name }) => (id === now ? TRIAL.now(name || id) : name || id));
  const more = offers.length - shown.length;
  return [...shown, ...(more > 0 ? [TRIAL.more(more)] : [])].join(', ');
}
