// What a person needs to know to answer: where, in what, why it is asked and how dangerous it looks. Of a call nothing is
// left out; a plan runs nothing by itself, so that it has only its place.
import type { RequestRow } from '../../bindings/nox';
import { riskText, whyText } from '../words';
import s from './Permission.module.css';
import { RiskWord } from './RiskWord';
import { PERMISSION } from './text';
import { visibleText } from './visible';

export interface PermissionFactsProps {
  row: RequestRow;
  /** More rows: the agent, the task. */
  children?: React.ReactNode;
}

export function PermissionFacts({ row, children }: PermissionFactsProps) {
  const { call, why, risk, risk_reason } = row.request;
  const folder = (
    <Fact name={PERMISSION.facts.folder}>
      <code className={s.path}>{visibleText(call.folder)}</code>
    </Fact>
  );
  if (call.prose) {
    return (
      <dl className={s.facts} data-selectable>
        {folder}
        {children}
      </dl>
    );
  }
  return (
    <dl className={s.facts} data-selectable>
      <Fact name={PERMISSION.facts.why}>{whyText(why)}</Fact>
      <Fact name={PERMISSION.facts.risk}>
        <RiskWord risk={risk} />
        <span className={s.quiet}>: {visibleText(riskText(risk, risk_reason))}</span>
      </Fact>
      {folder}
      {call.shell !== '' && (
        <Fact name={PERMISSION.facts.shell}>
          <code>{call.shell}</code>
        </Fact>
      )}
      <Fact name={PERMISSION.facts.environment}>
        {call.environment.length === 0 ? (
          <span className={s.quiet}>{PERMISSION.noEnvironment}</span>
        ) : (
          <code className={s.path}>{call.environment.map(visibleText).join(' ')}</code>
        )}
      </Fact>
      {call.timeout_seconds !== null && (
        <Fact name={PERMISSION.facts.limit}>{PERMISSION.seconds(call.timeout_seconds)}</Fact>
      )}
      {call.continue_on_failure && <Fact name={PERMISSION.facts.after}>{PERMISSION.goesOn}</Fact>}
      {children}
    </dl>
  );
}

export function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}
