/** Words of the first page. */
export const WELCOME = {
  title: 'Welcome to Nox',
  board:
    'Describe work as a task and drop it on the board. Agents do it here, on this computer, and ask you before anything risky. Close the window whenever you like: they keep working, and the tray tells you when one is done.',
  programs: 'Agent programs on this computer',
  runbook: 'Runbook',
  runbookHint: 'Runs the commands of a Markdown file. Its agent comes with the first runbook.',
  builtIn: 'Built in',
  how: 'How the board works',
  steps: [
    { sign: 'running', word: 'Working', text: 'Drop a card here, and its agent starts.' },
    { sign: 'needs_you', word: 'Needs you', text: 'It asks before it runs something: allow it or not.' },
    { sign: 'done', word: 'Done', text: 'What it did stays there to be read.' },
  ],
  try: 'Try it now, with nothing installed',
  sampleFile: 'hello.md',
  sampleNote: '3 blocks, nothing is changed',
  sampleHint: 'Each block asks before it runs, so you see how an approval works.',
  run: 'Run the sample',
  addFolder: 'Add a project folder',
  added: (project: string) => `Project added: ${project}`,
  skip: 'Go to the empty board',
  promise: 'No account. Nothing is sent anywhere unless an agent you start does it.',
} as const;

/** What the sample looks like; the engine writes its own, with the commands that this computer has. */
export const SAMPLE_LINES: readonly { text: string; kind: 'heading' | 'fence' | 'command' | 'empty' }[] = [
  { text: '# How is this computer doing?', kind: 'heading' },
  { text: '', kind: 'empty' },
  { text: '```sh', kind: 'fence' },
  { text: 'df -h ~', kind: 'command' },
  { text: '```', kind: 'fence' },
  { text: '', kind: 'empty' },
  { text: '```sh', kind: 'fence' },
  { text: 'git --version', kind: 'command' },
  { text: '```', kind: 'fence' },
  { text: '', kind: 'empty' },
  { text: '```sh', kind: 'fence' },
  { text: 'uptime', kind: 'command' },
  { text: '```', kind: 'fence' },
];
