// The rules that answer for a person: what they say, for whom, where they stand; each can be deleted, and that undone.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Button, IconButton } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { EmptyState } from '@/components/feedback/EmptyState';
import { Loading, SkeletonRows } from '@/components/feedback/Skeleton';
import { Bar } from '@/components/layout/Bar';
import { PaneBody } from '@/components/layout/Panes';
import { prefixText } from '@/components/permission/rule';
import { visibleText } from '@/components/permission/visible';
import type { SignName } from '@/components/status/StatusSign';
import { StatusText } from '@/components/status/StatusText';
import { EFFECT_WORDS, KIND_WORDS } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useDesktop } from '@/sync/desktop';
import { useAgent } from '@/sync/hooks';
import type { Effect, PolicyView, Rule, ToolKind } from '../../bindings/nox';
import s from './Rules.module.css';
import { RULES } from './text';

const POLICY_KEY = ['policy'];

const SIGNS: Record<Effect, SignName> = { allow: 'done', ask: 'needs_you', deny: 'failed' };

export function RulesPane() {
  const { bridge } = useNox();
  const policy = useQuery({ queryKey: POLICY_KEY, queryFn: () => bridge.readPolicy({}), staleTime: 0, gcTime: 0 });
  const rules = policy.data?.policy.rules;
  return (
    <>
      <Bar title={RULES.title} level={2} note={rules && RULES.count(rules.length)} />
      <PaneBody>
        {policy.isError ? (
          <div className={s.banner}>
            <Banner
              tone="error"
              title={RULES.failed}
              actions={<Button onClick={() => void policy.refetch()}>{RULES.tryAgain}</Button>}
            >
              {policy.error.message}
            </Banner>
          </div>
        ) : policy.data ? (
          <Rules view={policy.data} />
        ) : (
          <Loading>
            <SkeletonRows count={4} />
          </Loading>
        )}
      </PaneBody>
    </>
  );
}

function Rules({ view }: { view: PolicyView }) {
  const { policy, file, problem } = view;
  const desktop = useDesktop();
  const defaults = Object.entries(policy.defaults) as [ToolKind, Effect][];
  return (
    <div className={s.rules}>
      {problem && (
        <Banner
          tone="error"
          title={problem.message}
          file={`${problem.path}, ${RULES.line(problem.line).toLowerCase()}`}
          excerpt={{ lines: problem.excerpt, line: problem.line, column: problem.column }}
          actions={<Button onClick={() => desktop.openPath(file)}>{RULES.open}</Button>}
        >
          {problem.hint} {RULES.problem}
        </Banner>
      )}
      <p className={s.intro}>{RULES.intro}</p>
      {policy.rules.length === 0 ? (
        <EmptyState variant="list" title={RULES.none}>
          {RULES.noneHint}
        </EmptyState>
      ) : (
        <table className={s.table}>
          <thead>
            <tr>
              <th>{RULES.columns.effect}</th>
              <th>{RULES.columns.what}</th>
              <th>{RULES.columns.agent}</th>
              <th>
                <span className="visually-hidden">{RULES.columns.delete}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {policy.rules.map((rule) => (
              <RuleRow key={rule.id} rule={rule} />
            ))}
          </tbody>
        </table>
      )}
      <section className={s.defaults} aria-label={RULES.defaults}>
        <h2 className={s.heading}>{RULES.defaults}</h2>
        <ul>
          {defaults.map(([kind, effect]) => (
            <li key={kind} className={s.default}>
              <span>{KIND_WORDS[kind]}</span>
              <StatusText sign={SIGNS[effect]} word={EFFECT_WORDS[effect]} size="xs" />
            </li>
          ))}
        </ul>
      </section>
      <section className={s.file}>
        <p>{RULES.file}</p>
        <code data-selectable>{file}</code>
        <Button icon="open" onClick={() => desktop.openPath(file)}>
          {RULES.open}
        </Button>
      </section>
    </div>
  );
}

function RuleRow({ rule }: { rule: Rule }) {
  const act = useAct();
  const queries = useQueryClient();
  const agent = useAgent(rule.agent);
  const changed = () => void queries.invalidateQueries({ queryKey: POLICY_KEY });
  const { matcher } = rule;
  return (
    <tr>
      <td>
        <StatusText sign={SIGNS[rule.effect]} word={EFFECT_WORDS[rule.effect]} size="xs" />
      </td>
      <td className={s.what}>
        {typeof matcher === 'object' && matcher.prefix !== undefined ? (
          <code>{visibleText(prefixText(matcher.prefix))}</code>
        ) : matcher === 'any' ? (
          <span>{RULES.any}</span>
        ) : (
          <span>
            {RULES.exact} <code title={matcher.exact}>{matcher.exact.slice(0, 12)}</code>
          </span>
        )}
        <span className={s.kind}>
          {KIND_WORDS[rule.kind]}
          {rule.note && `: ${rule.note}`}
        </span>
      </td>
      <td>{rule.agent ? (agent?.agent.name ?? rule.agent) : RULES.everyone}</td>
      <td className={s.delete}>
        <IconButton
          icon="trash"
          label={RULES.delete(rule.id)}
          onClick={() => void act('deleteRule', { rule: rule.id }, { done: RULES.deleted(rule.id), changed })}
        />
      </td>
    </tr>
  );
}
