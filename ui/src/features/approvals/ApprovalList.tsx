// What waits, oldest first, and what was answered, newest first. Rows are links; Enter on one goes into its card.
import { memo } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { cx } from '@/components/cx';
import { EmptyState } from '@/components/feedback/EmptyState';
import { Monogram } from '@/components/identity/Monogram';
import { RiskWord } from '@/components/permission/RiskWord';
import { visibleText } from '@/components/permission/visible';
import { Age } from '@/components/status/Age';
import { StatusSign } from '@/components/status/StatusSign';
import { DOES, firstLine, settled } from '@/components/words';
import { usePending } from '@/sync/hooks';
import type { RequestRow } from '../../bindings/nox';
import s from './Approvals.module.css';
import { APPROVALS } from './text';

export interface ApprovalListProps {
  open: readonly RequestRow[];
  answered: readonly RequestRow[];
  shown: string | undefined;
  /** A row was opened by the keyboard: reading goes on in the card. */
  onKeyboardOpen: (request: string) => void;
  ref: React.Ref<HTMLElement>;
}

export function ApprovalList({ open, answered, shown, onKeyboardOpen, ref }: ApprovalListProps) {
  return (
    <nav ref={ref} className={s.list} aria-label={APPROVALS.title}>
      {open.length === 0 ? (
        <div className={s.empty}>
          <EmptyState variant="list" title={APPROVALS.empty}>
            {APPROVALS.emptyHint}
          </EmptyState>
        </div>
      ) : (
        <ul>
          {open.map((row) => (
            <li key={row.request.id}>
              <Waiting row={row} here={row.request.id === shown} onKeyboardOpen={onKeyboardOpen} />
            </li>
          ))}
        </ul>
      )}
      {answered.length > 0 && (
        <section aria-label={APPROVALS.answered}>
          <h2 className={s.group}>
            {APPROVALS.answered} <span>{answered.length}</span>
          </h2>
          <ul>
            {answered.map((row) => (
              <li key={row.request.id}>
                <Answered row={row} here={row.request.id === shown} />
              </li>
            ))}
          </ul>
        </section>
      )}
    </nav>
  );
}

interface RowProps {
  row: RequestRow;
  here: boolean;
}

const Waiting = memo(function Waiting({
  row,
  here,
  onKeyboardOpen,
}: RowProps & { onKeyboardOpen: (request: string) => void }) {
  const { id, call, risk, asked_at } = row.request;
  const pending = usePending(id);
  const asks = call.questions?.[0]?.text;
  return (
    <Link
      href={routes.approval(id)}
      className={cx(s.waiting, here && s.here, pending && s.pending)}
      aria-current={here ? 'true' : undefined}
      data-row={id}
      onClick={(event) => {
        // A click that no pointer made.
        if (event.detail === 0) onKeyboardOpen(id);
      }}
    >
      <span className={s.who}>
        <Monogram name={row.agent_name} />
        <b>{row.agent_name}</b>
        <span className={s.does}>{asks ? APPROVALS.asks : DOES[call.kind]}</span>
        <Age at={asked_at} className={s.age} />
      </span>
      {asks ? (
        <span className={s.command}>{visibleText(firstLine(asks))}</span>
      ) : (
        <code className={s.command}>{visibleText(firstLine(call.text))}</code>
      )}
      <span className={s.about}>
        {!asks && <RiskWord risk={risk} suffix={APPROVALS.risk} />}
        <span className={s.cut}>{row.title}</span>
      </span>
    </Link>
  );
});

const Answered = memo(function Answered({ row, here }: RowProps) {
  const { sign, word } = settled(row.state);
  return (
    <Link
      href={routes.approval(row.request.id)}
      className={cx(s.past, here && s.here)}
      aria-current={here ? 'true' : undefined}
      data-row={row.request.id}
      title={word}
    >
      <StatusSign sign={sign} />
      <code className={s.command}>{visibleText(firstLine(row.request.call.text))}</code>
      <span className={s.outcome}>{word.split(':')[0]}</span>
      {row.state.state !== 'open' && <Age at={row.state.at} className={s.age} />}
    </Link>
  );
});
