// Words of the place “Agents”.
import type { Runtime } from '../../bindings/nox';
import type { ProgramField } from './program';

export const AGENTS = {
  title: 'Agents',
  list: 'Agents',
  editor: 'Agent',
  create: 'New agent',
  createIt: 'Create agent',
  created: (name: string) => `Made the agent “${name}”`,
  back: 'All agents',
  empty: 'No agents yet',
  emptyHint: 'An agent is a name, a prompt and limits. It carries the tasks that are given to it.',
  gone: 'This agent is not here',
  goneHint: 'It was deleted, or its folder was renamed.',
  off: 'Off',
  broken: 'Its file has an error',
  next: 'Next agent',
  before: 'Agent before',
};

export const EDITOR = {
  enabled: 'Enabled',
  enabledHint: 'A disabled agent starts nothing.',
  save: 'Save',
  discard: 'Discard',
  unsaved: 'Not saved',
  saved: (name: string) => `Saved ${name}`,
  delete: 'Delete',
  deleteAgent: 'Delete this agent',
  deleted: (name: string) => `Deleted the agent “${name}”`,
  saveAgent: 'Save this agent',
  notSaved: 'Not saved. What you wrote is kept here.',
  changed: 'The files of this agent were changed while you were writing here.',
  changedHint: 'Saving writes only the fields that you changed; Discard shows what is in the files now.',
  general: 'General',
  name: 'Name',
  namePlaceholder: 'Backend',
  description: 'Description',
  works: 'Works in',
  worksHint: 'Where it works when its task names no project. Nothing: in a folder of the task’s own.',
  worksPlaceholder: '~/notes',
  chooseFolder: 'Choose a folder…',
  skills: 'Skills',
  skillsHint:
    'Names of folders in skills/ of the registry, with commas between them. Its model is told what each is for, and reads its SKILL.md when it needs it. You are asked for that, as the file lies outside of the folder it works in.',
  skillsPlaceholder: 'release-notes, code-review',
  folder: 'Folder',
  version: 'Version',
  carrier: 'What carries it',
  runtime: 'Carried by',
  runtimes: {
    runbook: 'Runbook',
    recorded: 'Recorded',
    claude: 'Claude Code',
    codex: 'Codex',
    acp: 'Another agent program (ACP)',
    llm: 'A model',
  },
  runtimeHints: {
    runbook: 'Runs the sh and bash blocks of a task, one by one. Needs nothing installed.',
    recorded:
      'Plays a conversation that is written in the task, turn by turn. It thinks nothing up: it is for demonstrations and tests.',
    claude: 'Claude Code works in your project. It has to be installed, and signed in or given a key.',
    codex: 'Codex works in your project. It has to be installed, and signed in or given a key.',
    acp: 'A program that speaks the Agent Client Protocol works in your project.',
    llm: 'Nox itself asks a model, on this computer or elsewhere, and gives it tools. Needs nothing installed.',
  },
  review: 'Review',
  reviewHint: 'Finished work goes to Review before Done.',
  capabilities: 'Capabilities',
  capabilitiesHint: 'Words for what it can do, with commas between them.',
  environment: 'Environment',
  environmentHint:
    'One NAME=value in each line. Not for secrets: this is a plain file. Secrets belong into Settings, API keys.',
  prompt: 'Prompt',
  promptFile: 'prompt.md',
  promptPlaceholder: 'What this agent is for, how it works, and what it never does.',
  font: 'Font of the prompt',
  mono: 'Mono',
  prose: 'Prose',
  openFolder: 'Open folder',
};

export const LIMITS = {
  title: 'Limits',
  perAgent: 'Limits of the agent',
  perRun: 'Limits of each run',
  none: 'No limit',
  fields: {
    concurrent: { label: 'At once', unit: '', hint: 'Sessions at the same time. The limit in Settings holds besides.' },
    rate: { label: 'Sessions an hour', unit: '', hint: 'How many may be started within an hour.' },
    depth: { label: 'Depth', unit: '', hint: 'How deep sessions that start sessions may stand. 0: it starts none.' },
    memory: { label: 'Memory', unit: 'MB', hint: 'All its processes together. What asks for more is ended.' },
    cpu: { label: 'Processor', unit: '%', hint: 'Of one core; 200 are two cores. What wants more is slowed down.' },
    processes: { label: 'Processes', unit: '', hint: 'At the same time. Further ones are not started.' },
    wall: { label: 'Time', unit: 's', hint: 'For the whole run, without the time it waits for you.' },
    seconds: { label: 'One command', unit: 's', hint: 'How long one command may take when its block does not say.' },
    output: { label: 'Output', unit: 'MB', hint: 'What it may print in all. Then it is ended.' },
    disk: { label: 'Disk', unit: 'MB', hint: 'What it may add to its folder. Then it is ended.' },
  },
  life: 'Life of its sessions',
  lifeHint: 'What happens when something goes wrong, or nobody looks.',
  toSettings: 'Defaults in Settings',
  asSettings: 'As in Settings',
  asSettingsShort: 'As in Settings',
};

export const FOLDS = {
  more: 'More about the program',
  services: 'MCP servers',
  rest: 'Capabilities and environment',
  set: (count: number) => `${count} set`,
  trial: 'trial',
};

type Texts = Partial<Record<Runtime, Partial<Record<ProgramField, string>>>>;

export const PROGRAM = {
  itself: 'As the program chooses',
  none: 'Not set',
  model: 'As the model server names it',
  noKey: 'None: it is signed in, or needs none',
  notStored: (name: string) => `${name} (not in the keychain)`,
  storeKey: 'Store a key…',
  fields: {
    preset: { label: 'Program', hint: 'Nox knows the command line of these.' },
    provider: { label: 'Model server', hint: '' },
    command: { label: 'Command', hint: 'A path, or a name on the PATH, when it is not the usual one.' },
    arguments: { label: 'Arguments', hint: 'One in each line. Nothing: what the preset says.' },
    model: { label: 'Model', hint: '' },
    mode: { label: 'Mode', hint: 'How freely it works. Nox asks before each call in all of them.' },
    effort: { label: 'Effort', hint: 'How hard it thinks.' },
    promptPlacement: { label: 'Prompt', hint: 'Where the prompt of this agent goes.' },
    address: { label: 'Address', hint: 'Of its model server, when that is not the usual one.' },
    key: { label: 'Key', hint: 'By its name in the keychain.' },
    passEnvironment: {
      label: 'Variables',
      hint: 'Names with commas between them, which it gets from the environment of Nox. Others it does not see.',
    },
    tools: { label: 'Tools', hint: 'Names with commas between them. No name: it gets none.' },
    iterations: { label: 'Requests', hint: 'To the model, in one turn at most.' },
    context: {
      label: 'Context',
      hint: 'Tokens of conversation that are kept. What is older is dropped, and that is said.',
    },
  } satisfies Record<Exclude<ProgramField, 'commands'>, { label: string; hint: string }>,
  hints: {
    acp: { command: 'What is started: a path, or a name on the PATH.', arguments: 'One in each line.' },
    llm: { address: 'Needed for compatible servers; others have a usual one.' },
  } as Texts,
  placeholders: {
    claude: { command: 'claude' },
    codex: { command: 'codex' },
    acp: { command: 'my-agent' },
    llm: { address: 'http://127.0.0.1:1234/v1', tools: 'read, edit, shell' },
  } as Texts,
  placements: {
    '': 'As the program takes it',
    append: 'Behind the program’s own words',
    replace: 'In place of the program’s own words',
    first_prompt: 'In front of the first message',
  },
  toolSets: { all: 'All of them', named: 'Only those named here' },
  toolNames: 'Names of the tools',
  preset: {
    opencode: 'OpenCode',
    goose: 'goose',
    gemini: 'Gemini CLI',
    qwen: 'Qwen Code',
    claude: 'Claude over ACP',
    '': 'Another one, by its command',
  },
  provider: {
    '': 'Choose one',
    ollama: 'Ollama, on this computer',
    compatible: 'Compatible: LM Studio, llama.cpp, vLLM …',
    anthropic: 'Anthropic',
    openai: 'OpenAI',
    openai_responses: 'OpenAI (Responses)',
    openrouter: 'OpenRouter',
  },
  modes: {
    '': 'As the program chooses',
    default: 'Ask before each change',
    acceptEdits: 'Take edits for granted',
    plan: 'Plan only',
  },
};

export const SERVICES = {
  hint: 'Servers that speak the Model Context Protocol. Each call of one is asked, as any other.',
  unnamed: 'New server',
  name: 'Name of the server',
  namePlaceholder: 'files',
  kind: 'How it is reached',
  kinds: { command: 'Command', address: 'Address' },
  command: 'Command',
  arguments: 'Arguments',
  argumentsHint: 'One in each line.',
  environment: 'Variables',
  environmentHint: 'One NAME=value in each line. Not for secrets: this is a plain file.',
  address: 'Address',
  key: 'Key',
  keyHint: 'Sent to it as a bearer token.',
  add: 'Add a server',
  remove: (name: string) => (name ? `Remove the server ${name}` : 'Remove this server'),
};

export const TOOLS = {
  title: 'Commands as tools',
  hint: 'Programs on this computer that the model may call. Each call is asked, as any other.',
  unnamed: 'New command',
  name: 'Name of the tool',
  namePlaceholder: 'weather',
  command: 'Command',
  readme: 'What it is told',
  readmeHint: 'What the program does and what it takes, for the model.',
  add: 'Add a command',
  remove: (name: string) => (name ? `Remove the command ${name}` : 'Remove this command'),
};

export const TRIAL = {
  title: 'Test',
  test: 'Test this agent',
  stop: 'Stop',
  running: 'Starting it',
  hint: 'Starts it, says what it can do, and ends it. Asks no model, costs nothing.',
  good: 'It works',
  unasked: 'Ready. Its model was not asked.',
  bad: 'It does not work yet',
  ask: 'Ask it one question',
  askHint: 'Costs what its model costs.',
  question: 'Answer with one word: ready.',
  version: 'Version',
  ready: 'Ready',
  after: (ms: number) => (ms < 1000 ? `after ${ms} ms` : `after ${(ms / 1000).toFixed(1)} s`),
  memory: 'Memory',
  holds: (bytes: number, processes: number) =>
    `${Math.round(bytes / 1024 / 1024)} MB in ${processes === 1 ? '1 process' : `${processes} processes`}`,
  modes: 'Modes',
  models: 'Models',
  commands: 'Commands',
  answer: 'Answer',
  used: 'Used',
  note: 'Note',
  now: (name: string) => `${name} (now)`,
  more: (count: number) => `${count} more`,
  noCost: 'cost not told',
  tokens: (input: number, output: number, cost: string) =>
    `${input.toLocaleString()} tokens in, ${output.toLocaleString()} out, ${cost}`,
};

export const WRONG = {
  services: 'Each server needs a name of its own.',
  serviceEnvironment: (name: string, line: number) =>
    `Line ${line} of the variables of “${name}” is no NAME=value. A name has letters, figures and underscores and does not begin with a figure.`,
  commands: 'Each command needs a name and what is run.',
  name: 'Write a name; the folder is called after it.',
  folder: 'Write the whole path, as in /home/you/notes, or from your home on, as in ~/notes.',
  number: 'Write a whole number from 1, or nothing.',
  numberOrZero: 'Write a whole number from 0, or nothing.',
  environment: (line: number) =>
    `Line ${line} is no NAME=value. A name has letters, figures and underscores and does not begin with a figure.`,
};

export const PROBLEM = {
  line: (path: string, line: number) => `${path}, line ${line}`,
  kept: 'Until then the last good version holds.',
  open: 'Open the file',
};
