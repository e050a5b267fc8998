/** The fields that the form of a new task and the pane of a task share. */
import { NativeSelect } from '@mantine/core';
import type { AgentId, ProjectId, RunbookCheck } from '@/bindings/nox';
import { Field } from '@/components/controls/Field';
import { StatusSign } from '@/components/status/StatusSign';
import { firstLine } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useAgents, useProjects } from '@/sync/hooks';
import s from './Task.module.css';
import { TASK } from './text';

interface ChoiceProps<T> {
  value: T | null;
  onChange: (value: T | null) => void;
  error?: string | undefined;
  disabled?: boolean;
}

export function AgentField({ value, onChange, error, disabled = false }: ChoiceProps<AgentId>) {
  const agents = useAgents();
  const known = agents.map(({ agent }) => ({ value: agent.id, label: agent.name }));
  const gone = value !== null && !known.some((option) => option.value === value) ? [{ value, label: value }] : [];
  return (
    <Field label={TASK.agent} error={error}>
      <NativeSelect
        data={[{ value: '', label: TASK.nobody }, ...known, ...gone]}
        value={value ?? ''}
        disabled={disabled}
        onChange={(event) => onChange(event.currentTarget.value || null)}
      />
    </Field>
  );
}

/** No project has this id: names of projects are made of letters, figures and strokes. */
const ADD = '+';

export function ProjectField({ value, onChange, error, disabled = false }: ChoiceProps<ProjectId>) {
  const { bridge } = useNox();
  const act = useAct();
  const projects = useProjects();
  const known = projects.map((project) => ({ value: project.id, label: project.id }));
  const gone = value !== null && !known.some((option) => option.value === value) ? [{ value, label: value }] : [];
  const add = async () => {
    const path = await bridge.pickFolder();
    const done = path === null ? null : await act('grantProject', { path });
    if (done?.project) onChange(done.project);
  };
  return (
    <Field label={TASK.project} error={error}>
      <NativeSelect
        data={[{ value: '', label: TASK.noProject }, ...known, ...gone, { value: ADD, label: TASK.addFolder }]}
        value={value ?? ''}
        disabled={disabled}
        onChange={(event) => {
          if (event.currentTarget.value === ADD) void add();
          else onChange(event.currentTarget.value || null);
        }}
      />
    </Field>
  );
}

/** What a text would run, or the line that keeps it from running. */
export function RunbookView({ check }: { check: RunbookCheck }) {
  const { blocks, problem } = check;
  if (problem) {
    return (
      <div className={s.problem} role="alert">
        <StatusSign sign="failed" size="sm" />
        <span>
          <b>{TASK.blockProblem(problem.line)}</b> {problem.message}
        </span>
      </div>
    );
  }
  if (blocks.length === 0) return <p className={s.quiet}>{TASK.noBlocks}</p>;
  return (
    <div className={s.blocks}>
      <h3 className={s.heading}>{TASK.blocks(blocks.length)}</h3>
      <ol>
        {blocks.map((block) => (
          <li key={block.index} className={s.block}>
            <span className={s.number}>{block.index}</span>
            <code title={block.text}>{block.title || firstLine(block.text)}</code>
            <span className={s.shell}>{block.shell}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
