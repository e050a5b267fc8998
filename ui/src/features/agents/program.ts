// The program, the services and the tools of an agent, as they are written in the form.
import type { CliTool, Program, PromptPlacement, Runtime, Service } from '../../bindings/nox';

/** An MCP server as it is written. */
export interface ServiceDraft {
  name: string;
  /** Started by a command, or running at an address. */
  kind: 'command' | 'address';
  command: string;
  arguments: string;
  environment: string;
  address: string;
  key: string;
  /** As it is stored: an edit of some of it keeps the rest as it is. */
  stored: Service;
}

export interface ProgramDraft {
  preset: string;
  provider: string;
  command: string;
  /** One in each line. */
  arguments: string;
  model: string;
  mode: string;
  effort: string;
  promptPlacement: string;
  address: string;
  key: string;
  /** Names with commas between them. */
  passEnvironment: string;
  /** Names with commas between them; null stands for all, nothing for none. */
  tools: string | null;
  iterations: string;
  context: string;
  commands: Required<CliTool>[];
  services: ServiceDraft[];
}

export const NO_PROGRAM: ProgramDraft = {
  preset: '',
  provider: '',
  command: '',
  arguments: '',
  model: '',
  mode: '',
  effort: '',
  promptPlacement: '',
  address: '',
  key: '',
  passEnvironment: '',
  tools: null,
  iterations: '',
  context: '',
  commands: [],
  services: [],
};

export const NO_SERVICE: ServiceDraft = {
  name: '',
  kind: 'command',
  command: '',
  arguments: '',
  environment: '',
  address: '',
  key: '',
  stored: {},
};

export type ProgramField = Exclude<keyof ProgramDraft, 'services'>;
export const PROGRAM_FIELDS = (Object.keys(NO_PROGRAM) as (keyof ProgramDraft)[]).filter(
  (field): field is ProgramField => field !== 'services',
);

/** Runtimes that start a program or ask a model, and so have more to be said of. */
export const hasProgram = (runtime: Runtime): boolean => runtime !== 'runbook' && runtime !== 'recorded';

/**
 * What each runtime is asked for: what matters first, and what can wait. The engine refuses anything else, and says what
 * it would take.
 */
export const FIELDS_OF: Partial<Record<Runtime, { first: readonly ProgramField[]; more: readonly ProgramField[] }>> = {
  claude: {
    first: ['model', 'mode', 'key'],
    more: ['effort', 'promptPlacement', 'command', 'address', 'passEnvironment'],
  },
  codex: { first: ['model', 'effort', 'key'], more: ['promptPlacement', 'command', 'address', 'passEnvironment'] },
  acp: {
    first: ['preset', 'command', 'arguments', 'model', 'mode', 'key'],
    more: ['provider', 'promptPlacement', 'address', 'passEnvironment'],
  },
  llm: {
    first: ['provider', 'address', 'model', 'key'],
    more: ['effort', 'promptPlacement', 'tools', 'iterations', 'context', 'passEnvironment', 'commands'],
  },
};

/** A preset brings its own command line, so that it can wait. */
export function fieldsOf(
  runtime: Runtime,
  draft: ProgramDraft,
): { first: readonly ProgramField[]; more: readonly ProgramField[] } {
  const fields = FIELDS_OF[runtime] ?? { first: [], more: [] };
  if (runtime !== 'acp' || draft.preset === '') return fields;
  const line: readonly ProgramField[] = ['command', 'arguments'];
  return { first: fields.first.filter((field) => !line.includes(field)), more: [...line, ...fields.more] };
}

/** How hard it thinks, by the program's words. */
export const EFFORTS: Partial<Record<Runtime, readonly string[]>> = {
  claude: ['low', 'medium', 'high', 'xhigh', 'max'],
  codex: ['minimal', 'low', 'medium', 'high', 'xhigh'],
  llm: ['low', 'medium', 'high'],
};

/** Where the agent's prompt can go. */
export const PLACEMENTS: Partial<Record<Runtime, readonly PromptPlacement[]>> = {
  claude: ['append', 'replace', 'first_prompt'],
  codex: ['append', 'replace', 'first_prompt'],
  acp: ['append', 'first_prompt'],
  llm: ['append', 'replace'],
};

export const words = (text: string): string[] =>
  text
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean);

/** One in each line, as it stands: spaces and empty lines mean something to a program. The last line may be closed. */
export const lines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'));

/** An empty last line is closed, so that it is read as one. */
const lined = (texts: readonly string[] = []): string => texts.join('\n') + (texts.at(-1) === '' ? '\n' : '');

/** `NAME=value` in each line. */
export const assignments = (text: string): Record<string, string> =>
  Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => {
        const at = line.indexOf('=');
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }),
  );

export const assigned = (values: { [name: string]: string } | undefined): string =>
  Object.entries(values ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join('\n');

const orNull = (text: string): string | null => text.trim() || null;
const number = (text: string): number | null => (text.trim() === '' ? null : Number(text.trim()));

export function draftOfProgram(program: Program = {}, services: { [name: string]: Service } = {}): ProgramDraft {
  return {
    preset: program.preset ?? '',
    provider: program.provider ?? '',
    command: program.command ?? '',
    arguments: lined(program.arguments),
    model: program.model ?? '',
    mode: program.mode ?? '',
    effort: program.effort ?? '',
    promptPlacement: program.prompt_placement ?? '',
    address: program.address ?? '',
    key: program.key ?? '',
    passEnvironment: (program.pass_environment ?? []).join(', '),
    tools: program.tools?.join(', ') ?? null,
    iterations: program.max_iterations?.toString() ?? '',
    context: program.context_tokens?.toString() ?? '',
    commands: (program.commands ?? []).map(({ name = '', command = '', readme = '' }) => ({ name, command, readme })),
    services: Object.entries(services).map(([name, service]) => draftOfService(name, service)),
  };
}

const draftOfService = (name: string, service: Service): ServiceDraft => ({
  name,
  kind: service.address ? 'address' : 'command',
  command: service.command ?? '',
  arguments: lined(service.arguments),
  environment: assigned(service.environment),
  address: service.address ?? '',
  key: service.key ?? '',
  stored: service,
});

/** Whether two parts of the form say the same: texts, and short lists of texts. */
export const isSame = (one: unknown, other: unknown): boolean =>
  one === other || JSON.stringify(one) === JSON.stringify(other);

/**
 * Only what the runtime has: what was written for another one is kept in the form and not sent. What nobody changed is sent
 * as it is stored: a text of the form cannot say everything, such as an argument of two lines.
 */
export function programOf(runtime: Runtime, draft: ProgramDraft, stored: Program = {}): Required<Program> {
  return { ...written(runtime, draft), ...untouched(KEY_OF, draft, draftOfProgram(stored), stored) };
}

/** What is stored of the fields that say what they said before. */
function untouched<Field extends string, Stored extends object>(
  keys: Record<Field, keyof Stored>,
  draft: Record<NoInfer<Field>, unknown>,
  before: Record<NoInfer<Field>, unknown>,
  stored: Stored,
): Partial<Stored> {
  const same = (Object.keys(keys) as Field[]).filter((field) => isSame(draft[field], before[field]));
  const kept = same.map((field) => keys[field]).filter((key) => key in stored);
  return Object.fromEntries(kept.map((key) => [key, stored[key]])) as Partial<Stored>;
}

/** As it is written. */
function written(runtime: Runtime, draft: ProgramDraft): Required<Program> {
  const fields = fieldsOf(runtime, draft);
  const has = (field: ProgramField) => fields.first.includes(field) || fields.more.includes(field);
  const text = (field: ProgramField) => (has(field) ? orNull(draft[field] as string) : null);
  return {
    preset: text('preset'),
    provider: text('provider'),
    command: text('command'),
    arguments: has('arguments') ? lines(draft.arguments) : [],
    model: text('model'),
    mode: text('mode'),
    effort: text('effort'),
    prompt_placement: text('promptPlacement') as PromptPlacement | null,
    address: text('address'),
    key: text('key'),
    pass_environment: has('passEnvironment') ? words(draft.passEnvironment) : [],
    tools: has('tools') && draft.tools !== null ? words(draft.tools) : null,
    commands: has('commands') ? draft.commands.map((tool) => ({ ...tool, name: tool.name.trim() })) : [],
    max_iterations: has('iterations') ? number(draft.iterations) : null,
    context_tokens: has('context') ? number(draft.context) : null,
  };
}

type Services = { [name: string]: Service };

/** As with the program: what nobody changed of a service is sent as it is stored, also under another name. */
export function servicesOf(runtime: Runtime, draft: ProgramDraft): Services {
  if (!hasProgram(runtime)) return {};
  return Object.fromEntries(
    draft.services.map((service) => {
      const { name, kind, stored } = service;
      const before = draftOfService(name, stored);
      // What is reached in another way now has nothing left of the way before.
      const kept = kind === before.kind ? untouched(SERVICE_KEY_OF, service, before, stored) : {};
      return [name.trim(), { ...writtenService(service), ...kept }];
    }),
  );
}

function writtenService(service: ServiceDraft): Required<Service> {
  const started = service.kind === 'command';
  return {
    command: started ? orNull(service.command) : null,
    arguments: started ? lines(service.arguments) : [],
    environment: started ? assignments(service.environment) : {},
    address: started ? null : orNull(service.address),
    key: started ? null : orNull(service.key),
  };
}

/** The fields by their key in the file. */
const KEY_OF = {
  preset: 'preset',
  provider: 'provider',
  command: 'command',
  arguments: 'arguments',
  model: 'model',
  mode: 'mode',
  effort: 'effort',
  promptPlacement: 'prompt_placement',
  address: 'address',
  key: 'key',
  passEnvironment: 'pass_environment',
  tools: 'tools',
  iterations: 'max_iterations',
  context: 'context_tokens',
  commands: 'commands',
} as const satisfies Record<ProgramField, keyof Program>;

const SERVICE_KEY_OF = {
  command: 'command',
  arguments: 'arguments',
  environment: 'environment',
  address: 'address',
  key: 'key',
} as const satisfies Record<Exclude<keyof ServiceDraft, 'name' | 'kind' | 'stored'>, keyof Service>;

/** The field of the form that an error of the engine is about. */
export function programField(path: string): keyof ProgramDraft | undefined {
  if (path.startsWith('services')) return 'services';
  if (path.startsWith('program.commands')) return 'commands';
  const found = Object.entries(KEY_OF).find(([, key]) => path === `program.${key}`);
  return found?.[0] as ProgramField | undefined;
}
