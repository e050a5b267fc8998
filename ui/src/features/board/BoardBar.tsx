/** The board's bar: which project, filter, search, how much runs, New task. */
import { Menu } from '@mantine/core';
import type { ReactNode } from 'react';
import { Button, IconButton } from '@/components/controls/Button';
import { KeyHint } from '@/components/controls/Key';
import { cx } from '@/components/cx';
import { Icon } from '@/components/icons/icons';
import { Bar } from '@/components/layout/Bar';
import { useAgents, useProjects, useSessions, useSettings } from '@/sync/hooks';
import s from './BoardBar.module.css';
import type { BoardFilter } from './filter';
import { BOARD } from './text';

export interface BoardBarProps {
  filter: BoardFilter;
  /** No room for words beside signs. */
  narrow: boolean;
  onFilter: (change: Partial<BoardFilter>) => void;
  onCreate: () => void;
}

export function BoardBar({ filter, narrow, onFilter, onCreate }: BoardBarProps) {
  return (
    <Bar
      title={BOARD.title}
      end={
        <>
          <Running />
          {narrow ? (
            <IconButton variant="primary" icon="plus" label={BOARD.newTask} onClick={onCreate} />
          ) : (
            <Button variant="primary" icon="plus" combo="C" onClick={onCreate}>
              {BOARD.newTask}
            </Button>
          )}
        </>
      }
    >
      <ProjectMenu filter={filter} onFilter={onFilter} />
      <FilterMenu filter={filter} onFilter={onFilter} />
      <label className={s.search}>
        <Icon name="search" size="sm" />
        <input
          type="search"
          value={filter.text}
          placeholder={BOARD.search}
          aria-label={BOARD.search}
          data-place-search
          onChange={(event) => onFilter({ text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key !== 'Escape') return;
            event.preventDefault();
            if (filter.text) onFilter({ text: '' });
            else event.currentTarget.blur();
          }}
        />
        {!filter.text && !narrow && <KeyHint combo="/" />}
      </label>
    </Bar>
  );
}

type MenuProps = Pick<BoardBarProps, 'filter' | 'onFilter'>;

function ProjectMenu({ filter, onFilter }: MenuProps) {
  const projects = useProjects();
  if (projects.length === 0) return null;
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button icon="folder" iconRight="arrowDown" className={s.project}>
          {filter.project ?? BOARD.allProjects}
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={BOARD.project}>
        <Choice on={filter.project === null} onClick={() => onFilter({ project: null })}>
          {BOARD.allProjects}
        </Choice>
        {projects.map((project) => (
          <Choice key={project.id} on={filter.project === project.id} onClick={() => onFilter({ project: project.id })}>
            {project.id}
          </Choice>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}

function FilterMenu({ filter, onFilter }: MenuProps) {
  const agents = useAgents();
  const on = filter.agent !== null || filter.cancelled;
  return (
    <Menu position="bottom-start" closeOnItemClick={false}>
      <Menu.Target>
        <IconButton icon="filter" label={BOARD.filter} className={cx(on && s.on)} aria-pressed={on} />
      </Menu.Target>
      <Menu.Dropdown aria-label={BOARD.filter}>
        <Menu.Label>{BOARD.agent}</Menu.Label>
        <Choice on={filter.agent === null} onClick={() => onFilter({ agent: null })}>
          {BOARD.anyAgent}
        </Choice>
        {agents.map(({ agent }) => (
          <Choice key={agent.id} on={filter.agent === agent.id} onClick={() => onFilter({ agent: agent.id })}>
            {agent.name}
          </Choice>
        ))}
        <Menu.Divider />
        <Choice on={filter.cancelled} onClick={() => onFilter({ cancelled: !filter.cancelled })}>
          {BOARD.showCancelled}
        </Choice>
      </Menu.Dropdown>
    </Menu>
  );
}

function Choice({ on, onClick, children }: { on: boolean; onClick: () => void; children: ReactNode }) {
  return (
    <Menu.Item
      onClick={onClick}
      role="menuitemcheckbox"
      aria-checked={on}
      rightSection={on ? <Icon name="check" size="sm" /> : undefined}
    >
      {children}
    </Menu.Item>
  );
}

function Running() {
  const settings = useSettings();
  const sessions = useSessions();
  const running = sessions.filter((view) => view.status.sign === 'running').length;
  const most = settings?.max_live_runs ?? 0;
  if (most === 0) return null;
  return (
    <span className={s.running}>
      <span>{BOARD.running(running, most)}</span>
      <progress value={Math.min(running, most)} max={most} aria-label={BOARD.running(running, most)} />
    </span>
  );
}
