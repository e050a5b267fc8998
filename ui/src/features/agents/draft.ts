// What somebody has written about an agent and not saved yet. It outlives leaving the place; it is gone when it is saved,
// discarded, or the window is closed.
import { useSyncExternalStore } from 'react';
import type { Agent, AgentPatch, CreateAgent, Life, Limits, Runtime } from '../../bindings/nox';
import {
  assigned,
  assignments,
  draftOfProgram,
  hasProgram,
  isSame,
  NO_PROGRAM,
  PROGRAM_FIELDS,
  type ProgramDraft,
  programField,
  programOf,
  servicesOf,
  words,
} from './program';
import { WRONG } from './text';

/** All fields as they are written in the form. */
export interface Draft extends ProgramDraft {
  name: string;
  /** Chosen when the agent is made. */
  runtime: Runtime;
  description: string;
  prompt: string;
  review: boolean;
  capabilities: string;
  /** Where it works. */
  folder: string;
  /** Names with commas between them. */
  skills: string;
  environment: string;
  concurrent: string;
  seconds: string;
  memory: string;
  cpu: string;
  processes: string;
  rate: string;
  depth: string;
  wall: string;
  output: string;
  disk: string;
  /** Empty is as the settings say, also for the four after it. */
  onDisconnect: string;
  onCrash: string;
  restart: string;
  stall: string;
  waitForLimit: string;
  /** What the agent has: an edit of some of it keeps the rest as it is, also what the form has no field for. */
  stored: Partial<Pick<Agent, 'environment' | 'program' | 'limits' | 'life'>>;
}

/** The limits by their field in the form. */
export const LIMIT_KEYS = {
  concurrent: 'max_concurrent_tasks',
  seconds: 'max_call_seconds',
  memory: 'max_memory_mb',
  cpu: 'max_cpu_percent',
  processes: 'max_processes',
  rate: 'max_spawn_rate',
  depth: 'max_depth',
  wall: 'max_wall_seconds',
  output: 'max_output_mb',
  disk: 'max_disk_mb',
} as const satisfies Partial<Record<keyof Draft, keyof Limits>>;

export type LimitField = keyof typeof LIMIT_KEYS;

const LIMIT_FIELDS = Object.keys(LIMIT_KEYS) as LimitField[];
export const LIFE_FIELDS = ['onDisconnect', 'onCrash', 'restart', 'waitForLimit', 'stall'] as const;

export type Wrong = Partial<Record<keyof Draft, string>>;

export const EMPTY: Draft = {
  ...NO_PROGRAM,
  name: '',
  runtime: 'runbook',
  description: '',
  prompt: '',
  review: false,
  capabilities: '',
  folder: '',
  skills: '',
  environment: '',
  concurrent: '',
  seconds: '',
  memory: '',
  cpu: '',
  processes: '',
  rate: '',
  depth: '',
  wall: '',
  output: '',
  disk: '',
  onDisconnect: '',
  onCrash: '',
  restart: '',
  stall: '',
  waitForLimit: '',
  stored: {},
};

export function draftOf(agent: Agent): Draft {
  const limits = LIMIT_FIELDS.map((field) => [field, agent.limits[LIMIT_KEYS[field]]?.toString() ?? '']);
  const { program, services, life = {} } = agent;
  return {
    ...EMPTY,
    ...(Object.fromEntries(limits) as Record<LimitField, string>),
    ...draftOfProgram(program, services),
    stored: { environment: agent.environment, program, limits: agent.limits, life },
    runtime: agent.runtime,
    name: agent.name,
    description: agent.description,
    prompt: agent.prompt,
    review: agent.review,
    capabilities: agent.capabilities.join(', '),
    folder: agent.folder ?? '',
    skills: (agent.skills ?? []).join(', '),
    environment: assigned(agent.environment),
    onDisconnect: life.on_disconnect ?? '',
    onCrash: life.on_crash ?? '',
    restart: life.restart ?? '',
    stall: life.stall_after_seconds?.toString() ?? '',
    waitForLimit: (life.wait_for_limit ?? '').toString(),
  };
}

/** What is wrong with it, by field; nothing is sent before this is empty. */
export function wrongIn(draft: Draft): Wrong {
  const wrong: Wrong = {};
  if (draft.name.trim() === '') wrong.name = WRONG.name;
  if (!WHOLE_PATH.test(draft.folder.trim())) wrong.folder = WRONG.folder;
  for (const field of [...LIMIT_FIELDS, 'stall', 'iterations', 'context'] as const) {
    const text = draft[field].trim();
    // 0 of these means something; 0 of the others would let it do nothing.
    const zero = (field === 'depth' || field === 'stall') && text === '0';
    if (text !== '' && !zero && !/^[1-9]\d{0,6}$/.test(text)) {
      wrong[field] = field === 'depth' || field === 'stall' ? WRONG.numberOrZero : WRONG.number;
    }
  }
  const line = noAssignment(draft.environment, draft.stored.environment);
  if (line > 0) wrong.environment = WRONG.environment(line);
  const names = draft.services.map((service) => service.name.trim());
  if (names.some((name, at) => name === '' || names.indexOf(name) !== at)) wrong.services = WRONG.services;
  for (const { kind, name, environment, stored } of draft.services) {
    const line = kind === 'command' ? noAssignment(environment, stored.environment) : 0;
    if (line > 0) wrong.services ??= WRONG.serviceEnvironment(name.trim(), line);
  }
  if (draft.commands.some(({ name, command }) => name.trim() === '' || command.trim() === '')) {
    wrong.commands = WRONG.commands;
  }
  return wrong;
}

/** Nothing, or from the root or the home on. */
const WHOLE_PATH = /^($|\/|~$|~\/|[A-Za-z]:[\\/]|\\\\)/;

const ASSIGNMENT = /^\s*[A-Za-z_][A-Za-z0-9_]*=/;

/** Which line, from 1, is no `NAME=value`; 0 when there is none. What nobody changed is not read: a value may have lines. */
function noAssignment(text: string, stored: Agent['environment'] | undefined): number {
  if (text === assigned(stored)) return 0;
  return text.split('\n').findIndex((each) => each.trim() !== '' && !ASSIGNMENT.test(each)) + 1;
}

/** The whole draft as the engine wants it. */
export function inputOf(
  draft: Draft,
): Required<Pick<CreateAgent, 'name' | 'description' | 'prompt' | 'folder' | 'skills'>> & AgentPatch {
  const { stored } = draft;
  const number = (text: string) => (text.trim() === '' ? null : Number(text.trim()));
  return {
    name: draft.name.trim(),
    description: draft.description.trim(),
    prompt: draft.prompt,
    review: draft.review,
    capabilities: words(draft.capabilities),
    folder: draft.folder.trim(),
    skills: hasProgram(draft.runtime) ? words(draft.skills) : [],
    environment: assignments(draft.environment),
    program: programOf(draft.runtime, draft, stored.program),
    services: servicesOf(draft.runtime, draft),
    limits: {
      ...stored.limits,
      ...(Object.fromEntries(LIMIT_FIELDS.map((field) => [LIMIT_KEYS[field], number(draft[field])])) as Limits),
    },
    life: {
      ...stored.life,
      on_disconnect: (draft.onDisconnect || null) as Life['on_disconnect'] & (string | null),
      on_crash: (draft.onCrash || null) as Life['on_crash'] & (string | null),
      restart: (draft.restart || null) as Life['restart'] & (string | null),
      wait_for_limit: draft.waitForLimit === '' ? null : draft.waitForLimit === 'true',
      stall_after_seconds: number(draft.stall),
    },
  };
}

/** Only what differs from the base: what somebody else changed meanwhile in other fields stays. */
export function patchOf(draft: Draft, base: Draft): AgentPatch {
  const all = inputOf(draft);
  const patch: AgentPatch = {};
  if (draft.name !== base.name) patch.name = all.name;
  if (draft.description !== base.description) patch.description = all.description;
  if (draft.prompt !== base.prompt) patch.prompt = all.prompt;
  if (draft.review !== base.review) patch.review = all.review ?? null;
  if (draft.capabilities !== base.capabilities) patch.capabilities = all.capabilities ?? null;
  if (draft.folder !== base.folder) patch.folder = all.folder ?? null;
  if (draft.skills !== base.skills) patch.skills = all.skills ?? null;
  if (draft.environment !== base.environment) patch.environment = all.environment ?? null;
  if (LIMIT_FIELDS.some((field) => draft[field] !== base[field])) patch.limits = all.limits ?? null;
  if (LIFE_FIELDS.some((field) => draft[field] !== base[field])) patch.life = all.life ?? null;
  if (PROGRAM_FIELDS.some((field) => !isSame(draft[field], base[field]))) patch.program = all.program ?? null;
  if (!isSame(draft.services, base.services)) patch.services = all.services ?? null;
  return patch;
}

export function isChanged(draft: Draft, base: Draft): boolean {
  return (Object.keys(draft) as (keyof Draft)[]).some((field) => !isSame(draft[field], base[field]));
}

/** The field of the form that an error of the engine is about. */
export function fieldOf(path: string): keyof Draft | undefined {
  const of = programField(path);
  if (of) return of;
  if (path.startsWith('environment')) return 'environment';
  const last = path.split('.').at(-1) ?? '';
  return OTHER_FIELDS[last] ?? LIMIT_FIELDS.find((field) => LIMIT_KEYS[field] === last);
}

const OTHER_FIELDS: Record<string, keyof Draft> = {
  name: 'name',
  description: 'description',
  prompt: 'prompt',
  capabilities: 'capabilities',
  folder: 'folder',
  skills: 'skills',
  stall_after_seconds: 'stall',
};

interface Kept {
  /** What the agent was when somebody began to write. */
  base: Draft;
  draft: Draft;
  version: string;
}

const kept = new Map<string, Kept>();
const listeners = new Set<() => void>();

export function keepDraft(key: string, value: Kept | null): void {
  if (value) kept.set(key, value);
  else kept.delete(key);
  for (const listener of [...listeners]) listener();
}

/** The unsaved draft under a key: an agent's id, or one for the agent that is not there yet. */
export function useKeptDraft(key: string): Kept | undefined {
  return useSyncExternalStore(subscribe, () => kept.get(key));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
