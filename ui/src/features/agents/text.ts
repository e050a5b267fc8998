// Words of the place “Agents”.
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
  folder: 'Folder',
  version: 'Version',
  runtime: 'Runtime',
  runtimes: {
    runbook: 'Runbook',
    recorded: 'Recorded',
    claude: 'Claude Code',
    acp: 'Agent Client Protocol',
    codex: 'Codex',
    llm: 'Model',
  },
  runtimeHints: {
    runbook: 'Runs the sh and bash blocks of a task, one by one.',
    recorded:
      'Plays a conversation that is written in the task, turn by turn. It thinks nothing up: it is for demonstrations and tests.',
    claude:
      'Claude Code carries it. It has to be installed and signed in, or have a key; the rest stands in [program] of agent.toml.',
    acp: 'A program that speaks the Agent Client Protocol carries it. [program] of agent.toml says which.',
    codex:
      'Codex carries it. It has to be installed and signed in, or have a key; the rest stands in [program] of agent.toml.',
    llm: 'Nox itself asks a model, on this computer or elsewhere. [program] of agent.toml says which.',
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

export const WRONG = {
  name: 'Write a name; the folder is called after it.',
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
