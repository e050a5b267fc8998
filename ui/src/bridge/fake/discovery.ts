/**
 * What the fake engine finds on a computer, and what its trials show.
 */
import type { AgentOffer, AgentTried, Discovered, FoundProgram, FoundServer, Program } from '../../bindings/nox';
import type { QueryMethods } from '../bridge';
import type { FakeState } from './state';

const NO_PROGRAM: Required<Program> = {
  preset: null,
  provider: null,
  command: null,
  arguments: [],
  model: null,
  mode: null,
  effort: null,
  prompt_placement: null,
  address: null,
  key: null,
  pass_environment: [],
  tools: null,
  commands: [],
  max_iterations: null,
  context_tokens: null,
};

type Told = Pick<FoundProgram, 'id' | 'title' | 'tested'> & Partial<FoundProgram> & { offer?: Partial<AgentOffer> };

/** A program with everything that is not given as it is when the program is not here. */
function program({ offer, ...told }: Told): FoundProgram {
  return {
    path: null,
    version: null,
    is_tested: null,
    sign_in: { is: 'not_found' },
    warning: null,
    install: `npm install -g ${told.id}`,
    next: told.path ? null : `Install it with “npm install -g ${told.id}”, then look again.`,
    agent: {
      name: told.title,
      description: `Works in your project with ${told.title}.`,
      runtime: 'acp',
      program: { ...NO_PROGRAM, preset: told.id },
      ...offer,
    },
    ...told,
  };
}

function server(told: Omit<FoundServer, 'agent' | 'next'>, provider: string): FoundServer {
  return {
    next: null,
    agent: {
      name: told.title,
      description: 'A model on this computer. Nothing it is told leaves it.',
      runtime: 'llm',
      program: { ...NO_PROGRAM, provider, address: told.address },
    },
    ...told,
  };
}

const CLAUDE = { id: 'claude', title: 'Claude Code', tested: '2.1' };
const CODEX = { id: 'codex', title: 'Codex', tested: '0.169' };
const OWN = (runtime: 'claude' | 'codex') => ({ runtime, program: NO_PROGRAM });
const OTHERS = [
  program({ id: 'opencode', title: 'OpenCode', tested: '1.18' }),
  program({ id: 'goose', title: 'goose', tested: '1.34' }),
  program({ id: 'gemini', title: 'Gemini CLI', tested: '0.61' }),
  program({ id: 'qwen', title: 'Qwen Code', tested: '0.24' }),
];

/** A computer on which nothing of it is. */
export function nothingFound(at: number): Discovered {
  return {
    at,
    programs: [program({ ...CLAUDE, offer: OWN('claude') }), program({ ...CODEX, offer: OWN('codex') }), ...OTHERS],
    servers: [],
  };
}

/** One with some of it: signed in, not signed in, too new, and a model server. */
export function someFound(at: number): Discovered {
  return {
    at,
    programs: [
      program({
        ...CLAUDE,
        path: '/home/you/.local/bin/claude',
        version: '2.1.329',
        is_tested: true,
        sign_in: { is: 'signed_in' },
        offer: OWN('claude'),
      }),
      program({
        ...CODEX,
        path: '/usr/local/bin/codex',
        version: '0.180.2',
        is_tested: false,
        sign_in: { is: 'not_found' },
        warning:
          'Nox was tested with version 0.169, and this is 0.180.2. It may work: test its agent before you rely on it.',
        next: 'Run “codex login” in a terminal and sign in, or store a key in Settings → API keys and choose it in the agent.',
        offer: OWN('codex'),
      }),
      ...OTHERS,
    ],
    servers: [
      server(
        { id: 'ollama', title: 'Ollama', address: 'http://127.0.0.1:11434', models: ['qwen3:8b', 'gemma3:12b'] },
        'ollama',
      ),
    ],
  };
}

const TRIED: AgentTried = {
  is_good: true,
  problem: null,
  tried: {
    ready_ms: 640,
    version: '2.1.329',
    memory_bytes: 118 * 1024 * 1024,
    processes: 1,
    offers: {
      modes: [
        { id: 'default', name: 'Ask', description: 'Asks before each call.' },
        { id: 'plan', name: 'Plan', description: 'Only looks.' },
      ],
      mode: 'default',
      models: [
        { id: 'sonnet', name: 'Sonnet', description: '' },
        { id: 'opus', name: 'Opus', description: '' },
      ],
      model: 'sonnet',
      commands: [{ id: 'compact', name: 'compact', description: 'Makes the conversation shorter.' }],
      steers: true,
      forks: true,
    },
    answer: null,
    usage: null,
    notes: [],
    problem: null,
  },
};

/** Looking and trying: an agent called “broken” does not stand, and one called “slow” has to be stopped. */
export function discoveryOf(
  state: FakeState,
  stepMs: number,
): Pick<QueryMethods, 'discover' | 'tryAgent' | 'stopTrial'> {
  const trials = new Map<string, () => void>();
  return {
    async discover() {
      if (state.found instanceof Error) throw state.found;
      return structuredClone(state.found);
    },
    async tryAgent({ trial = '', agent, runtime, patch, ask }) {
      const name = patch?.name ?? (agent ? state.agents.get(agent)?.agent.name : '') ?? '';
      let stopped = false;
      await new Promise<void>((resolve) => {
        trials.set(trial, () => {
          stopped = true;
          resolve();
        });
        if (!/slow/i.test(name)) setTimeout(resolve, stepMs);
      });
      trials.delete(trial);
      const without = { ready_ms: null, memory_bytes: null, processes: 0, offers: null };
      if (stopped) {
        return {
          is_good: false,
          problem: 'stopped',
          tried: { ...TRIED.tried, ...without, problem: { code: 'stopped' } },
        };
      }
      if (/broken/i.test(name)) {
        const problem =
          'Claude Code is not signed in. Run claude in a terminal and sign in, or store a key in Settings → API keys and choose it in the agent.';
        return {
          is_good: false,
          problem,
          tried: {
            ...TRIED.tried,
            ...without,
            problem: { code: 'agent', fault: 'not_signed_in', message: problem, until: null },
          },
        };
      }
      const kind = runtime ?? (agent ? state.agents.get(agent)?.agent.runtime : undefined);
      const model_unasked = kind !== 'runbook' && kind !== 'recorded' && !ask;
      const answered = ask
        ? {
            answer: 'Ready.',
            usage: { model: 'sonnet', input_tokens: 4_200, cached_tokens: 0, output_tokens: 4, cost_micro_usd: 12_660 },
          }
        : {};
      return structuredClone({ ...TRIED, tried: { ...TRIED.tried, model_unasked, ...answered } });
    },
    async stopTrial({ trial }) {
      const stop = trials.get(trial);
      stop?.();
      return { ran: stop !== undefined };
    },
  };
}
