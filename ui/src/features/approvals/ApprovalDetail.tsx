// One request in full, with its answers.
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { type Answer, PermissionCard } from '@/components/permission/PermissionCard';
import { Fact } from '@/components/permission/PermissionFacts';
import { QuestionCard } from '@/components/permission/QuestionCard';
import { visibleText } from '@/components/permission/visible';
import { firstLine } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useDesktop } from '@/sync/desktop';
import { useAgent, usePending } from '@/sync/hooks';
import type { RequestRow } from '../../bindings/nox';
import { APPROVALS } from './text';

export interface ApprovalDetailProps {
  row: RequestRow;
  onAnswered: (request: string) => void;
  ref: React.Ref<HTMLElement>;
}

export function ApprovalDetail({ row, onAnswered, ref }: ApprovalDetailProps) {
  const { bridge } = useNox();
  const act = useAct();
  const agent = useAgent(row.agent);
  const { openExternal } = useDesktop();
  const { id, call } = row.request;
  const pending = usePending(id);
  const answer = async ({ decision, reason, rule, answers }: Answer) => {
    if (await act('answerRequest', { request: id, decision, reason, rule, answers }, { about: [id] })) onAnswered(id);
  };
  const facts = (
    <>
      <Fact name={APPROVALS.agent}>
        {agent ? <Link href={routes.agent(row.agent)}>{row.agent_name}</Link> : row.agent_name}
      </Fact>
      {row.task && (
        <Fact name={APPROVALS.task}>
          <Link href={routes.board({ task: row.task })}>{row.title}</Link>
        </Fact>
      )}
      <Fact name={APPROVALS.session}>
        <Link href={routes.session(row.session)}>{APPROVALS.openSession}</Link>
        {call.title !== firstLine(call.text) && <> ({visibleText(call.title)})</>}
      </Fact>
    </>
  );
  const common = {
    ref,
    row,
    variant: 'pane' as const,
    pending,
    onAnswer: (given: Answer) => void answer(given),
    facts,
  };
  if (call.questions?.length) return <QuestionCard {...common} />;
  return (
    <PermissionCard
      {...common}
      onOpenLink={openExternal}
      preview={(rule) => bridge.previewRule({ request: id, rule })}
    />
  );
}
