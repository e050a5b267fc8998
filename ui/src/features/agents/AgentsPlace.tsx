// The place “Agents”: all agents, and one of them to be read and edited.
import { Link, useLocation, useParams, useSearch } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { Button, IconButton } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Icon } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { Bar } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { StatusSign } from '@/components/status/StatusSign';
import { useAgent, useAgents, useProblems } from '@/sync/hooks';
import type { AgentRow } from '../../bindings/nox';
import { AgentEditor } from './AgentEditor';
import { AgentProblem } from './AgentProblem';
import s from './Agents.module.css';
import { useKeptDraft } from './draft';
import { AGENTS, EDITOR } from './text';

const CREATE = `${routes.agents()}?create=agent`;

export function AgentsPlace() {
  const { id } = useParams<{ id?: string }>();
  const creating = new URLSearchParams(useSearch()).get('create') === 'agent';
  const [, navigate] = useLocation();
  const agents = useAgents();
  const problems = useProblems();
  const shown = creating ? undefined : (id ?? agents[0]?.agent.id);
  const row = useAgent(shown);
  const create = () => navigate(CREATE);

  const walk = (step: 1 | -1) => {
    const at = agents.findIndex(({ agent }) => agent.id === shown);
    const to = agents[at < 0 ? 0 : Math.max(0, Math.min(agents.length - 1, at + step))];
    if (to) navigate(routes.agent(to.agent.id));
  };
  const group = AGENTS.title;
  useActions([
    { id: 'agents.create', label: AGENTS.create, group, icon: 'plus', run: create },
    { id: 'agents.next', label: AGENTS.next, group, combo: 'J', keysOnly: true, run: () => walk(1) },
    { id: 'agents.before', label: AGENTS.before, group, combo: 'K', keysOnly: true, run: () => walk(-1) },
  ]);

  // A folder that was never understood has no agent to show its problem at.
  const orphans = problems.filter(
    ({ path }) => path.startsWith('agents/') && !agents.some(({ agent }) => path.startsWith(`agents/${agent.id}/`)),
  );
  return (
    <Panes>
      <Pane label={AGENTS.list} kind="list" shown={!id && !creating}>
        <Bar
          title={AGENTS.title}
          end={
            <Button icon="plus" onClick={create}>
              {AGENTS.create}
            </Button>
          }
        />
        <PaneBody>
          {orphans.map((problem) => (
            <div key={problem.path} className={s.orphan}>
              <AgentProblem problem={problem} />
            </div>
          ))}
          <nav aria-label={AGENTS.list}>
            <ul className={s.list}>
              {agents.map((agent) => (
                <li key={agent.agent.id}>
                  <Row
                    row={agent}
                    here={agent.agent.id === shown}
                    broken={problems.some(({ path }) => path.startsWith(`agents/${agent.agent.id}/`))}
                  />
                </li>
              ))}
            </ul>
          </nav>
        </PaneBody>
      </Pane>
      <Pane label={AGENTS.editor} kind="main" shown={Boolean(id) || creating}>
        {creating ? (
          <AgentEditor key="create" row={null} />
        ) : row ? (
          <AgentEditor key={row.agent.id} row={row} />
        ) : (
          <>
            {id && (
              <Bar className={s.onlyNarrow}>
                <IconButton icon="arrowLeft" label={AGENTS.back} onClick={() => navigate(routes.agents())} />
              </Bar>
            )}
            <EmptyState
              title={id ? AGENTS.gone : AGENTS.empty}
              actions={
                id ? (
                  <Link href={routes.agents()}>{AGENTS.back}</Link>
                ) : (
                  <Button variant="primary" icon="plus" onClick={create}>
                    {AGENTS.create}
                  </Button>
                )
              }
              picture={
                id ? undefined : (
                  <EmptyBox>
                    <Icon name="agents" />
                  </EmptyBox>
                )
              }
            >
              {id ? AGENTS.goneHint : AGENTS.emptyHint}
            </EmptyState>
          </>
        )}
      </Pane>
    </Panes>
  );
}

function Row({ row, here, broken }: { row: AgentRow; here: boolean; broken: boolean }) {
  const { agent } = row;
  const unsaved = useKeptDraft(agent.id) !== undefined;
  return (
    <Link
      href={routes.agent(agent.id)}
      className={cx(s.row, here && s.here, !agent.enabled && s.off)}
      aria-current={here ? 'true' : undefined}
    >
      <Monogram name={agent.name} />
      <span className={s.name}>
        <span className={s.cut}>{agent.name}</span>
        {unsaved && <Icon name="pencil" size="sm" />}
        {broken && <StatusSign sign="failed" size="sm" label={AGENTS.broken} />}
        {!agent.enabled && <span className={s.badge}>{AGENTS.off}</span>}
      </span>
      <span className={s.what}>{agent.description || EDITOR.runtimes[agent.runtime]}</span>
    </Link>
  );
}
