// What an agent wants to do in this turn, step by step, each with how far it is as a sign and as a word.
import type { PlanStep } from '../../bindings/nox';
import { cx } from '../cx';
import { StatusSign } from '../status/StatusSign';
import s from './Transcript.module.css';
import { TRANSCRIPT } from './text';

const SIGNS = { pending: 'idle', in_progress: 'running', completed: 'done' } as const;

export function Plan({ steps }: { steps: readonly PlanStep[] }) {
  return (
    <section className={s.plan} aria-label={TRANSCRIPT.plan}>
      <h3 className={s.heading}>{TRANSCRIPT.plan}</h3>
      <ol className={s.steps}>
        {steps.map((step, number) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a step is known by its place.
          <li key={number} className={cx(s.step, step.status === 'completed' && s.through)}>
            <StatusSign sign={SIGNS[step.status]} size="sm" />
            <span data-selectable>{step.text}</span>
            <span className="visually-hidden">{TRANSCRIPT.steps[step.status]}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
