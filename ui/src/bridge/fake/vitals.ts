/**
 * What the fake engine's runs use, and what its start found: figures that move a little from one look to the next.
 */
import type { ProcessesView, RecoveryView, RunView } from '../../bindings/nox';
import type { FakeState } from './state';
import { sessionStatus } from './words';

const MB = 1024 * 1024;
const PROGRAMS = ['sh', 'cargo', 'rustc', 'ld'];

/** Every running session has as many processes as the sample says, each with the same figures in every look but CPU. */
export function processesOf(state: FakeState, now: number = Date.now()): ProcessesView {
  const runs: RunView[] = [...state.sessions.values()]
    .filter((row) => !row.deleted && (row.state.state === 'running' || row.state.state === 'stalled'))
    .map((row, index) => {
      const began = row.opened_at + 1_000;
      const processes = PROGRAMS.slice(0, 1 + (index % PROGRAMS.length)).map((name, place) => ({
        pid: 4200 + index * 10 + place,
        name,
        memory_bytes: (place === 0 ? 1.4 : 90 * place + 14 * index) * MB,
        cpu_ms: place === 0 ? 12 : Math.round(((now - began) * 0.28) / place),
        started_at: began + place * 900,
      }));
      return {
        session: row.id,
        task: row.task,
        title: row.title,
        agent: row.agent,
        agent_name: row.agent_name,
        status: sessionStatus(row),
        attempt: row.attempt,
        last_event_at: row.last_event_at,
        memory_bytes: processes.reduce((sum, each) => sum + each.memory_bytes, 0),
        memory_is: 'proportional' as const,
        cpu_ms: processes.reduce((sum, each) => sum + each.cpu_ms, 0),
        limits: state.agents.get(row.agent)?.agent.limits ?? {},
        processes,
      };
    });
  return {
    at: now,
    engine: {
      pid: 4100,
      memory_bytes: 38.2 * MB,
      cpu_ms: Math.round((now - state.startedAt) * 0.004),
      threads: 14,
      descriptors: 61,
      started_at: state.startedAt,
    },
    holding: { memory: 'cgroup_v2', cpu: 'cgroup_v2', processes: 'cgroup_v2' },
    runs,
  };
}

export function recoveryOf(state: FakeState): RecoveryView {
  return state.recovery ?? { at: state.startedAt, clean: true, lost_runs: 0, swept: 0, database: null, sessions: [] };
}
