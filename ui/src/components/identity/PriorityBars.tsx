// How urgent a task is: one to three bars, or a filled square. Grey, since colour belongs to statuses.
import { cx } from '../cx';
import s from './PriorityBars.module.css';
import { PRIORITY_LABEL, PRIORITY_WORDS } from './text';

export type PriorityName = keyof typeof PRIORITY_WORDS;

const FULL: Record<Exclude<PriorityName, 'critical'>, number> = { low: 1, medium: 2, high: 3 };

export interface PriorityBarsProps {
  priority: PriorityName;
  className?: string | undefined;
}

export function PriorityBars({ priority, className }: PriorityBarsProps) {
  const label = PRIORITY_LABEL(PRIORITY_WORDS[priority]);
  return (
    <svg className={cx(s.bars, className)} viewBox="0 0 16 16" role="img" aria-label={label}>
      <title>{label}</title>
      {priority === 'critical' ? <Square /> : <Bars full={FULL[priority]} />}
    </svg>
  );
}

function Square() {
  return (
    <>
      <rect x="1.5" y="1.5" width="13" height="13" rx="3" />
      <path className={s.cut} d="M8 4.8v3.8M8 11.2v.01" />
    </>
  );
}

function Bars({ full }: { full: number }) {
  return (
    <>
      <rect x="1.5" y="9" width="3" height="5" rx="1" />
      <rect className={cx(full < 2 && s.empty)} x="6.5" y="6" width="3" height="8" rx="1" />
      <rect className={cx(full < 3 && s.empty)} x="11.5" y="3" width="3" height="11" rx="1" />
    </>
  );
}
