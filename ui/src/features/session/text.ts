// Words of the place “Sessions”.
export const SESSIONS = {
  title: 'Sessions',
  list: 'Sessions',
  details: 'Details',
  conversation: 'Conversation',
  groups: { needsYou: 'Needs you', running: 'Running', paused: 'Paused', quiet: 'Quiet' },
  empty: 'No sessions yet',
  emptyHint:
    'A session begins when a task is started: drag its card to Working, or press Start. One that was exported can be imported and read.',
  toBoard: 'Open the board',
  choose: 'Choose a session',
  gone: 'This session is not here',
  goneHint: 'It was deleted, or it is older than the newest 200.',
  back: 'All sessions',
  blocks: (done: number, of: number) => `${done} of ${of} ${of === 1 ? 'block' : 'blocks'}`,
  next: 'Next session',
  before: 'Session before',
};

export const ACTS = {
  stop: 'Stop',
  end: 'End session',
  pause: 'Pause',
  goOn: 'Continue',
  delete: 'Delete',
  stopAndDelete: 'Stop and delete…',
  openTask: 'Open task',
  showDetails: 'Show details',
  stopSession: 'Stop this session',
  pauseSession: 'Pause this session',
  resumeSession: 'Continue this paused session',
  continueSession: 'Continue this session',
  deleteSession: 'Delete this session',
  openTaskOf: 'Open the task of this session',
  deleted: (title: string) => `Deleted the session “${title}”`,
};

export const EXPORT = {
  button: 'Export…',
  choose: 'Form of the export',
  forms: {
    jsonl: {
      label: 'Everything (JSON lines)',
      hint: 'Every event as it was. Can be imported. Nothing is masked in it.',
    },
    markdown: { label: 'To read (Markdown)', hint: 'The conversation. What looks like a secret is masked.' },
  },
  palette: { jsonl: 'Export this session as JSON lines…', markdown: 'Export this session as Markdown…' },
  runs: (title: string) => `Exporting “${title}”`,
  done: (title: string) => `Exported “${title}”`,
  figures: (file: string, size: string, pruned: number) =>
    pruned === 0
      ? `${file}, ${size}`
      : `${file}, ${size}. ${pruned.toLocaleString()} ${pruned === 1 ? 'event was' : 'events were'} dropped before and ${pruned === 1 ? 'is' : 'are'} not in it.`,
  show: 'Show in folder',
  failed: (title: string) => `“${title}” was not exported`,
};

export const IMPORT = {
  button: 'Import session…',
  also: 'import export file jsonl read load',
  runs: (file: string) => `Importing ${file}`,
  done: (file: string) => `Imported ${file}`,
  readOnly: 'It can be read, and not gone on with.',
  failed: (file: string) => (file ? `Nothing was imported from ${file}` : 'Nothing was imported'),
};

export const STOP_AND_DELETE = {
  question: (title: string) => `Stop and delete “${title}”?`,
  text: 'It is not over yet. It is stopped first; what it has done stays in its folder. The session itself comes back with Undo, stopped.',
  stay: 'Keep it',
  go: 'Stop and delete',
  stillRuns: (title: string) => `“${title}” is still being stopped, so it was not deleted.`,
  stillRunsHint: 'Delete it when it is over.',
};

export const STATE = {
  paused: 'Paused',
  pausedText: 'Nothing new begins until you continue.',
  pausing: (step: string) => `Pausing: still finishes “${step}”`,
  pausingText: 'The step that runs is not interrupted; nothing after it begins.',
  restartsIn: (seconds: number) => `Starts again in ${seconds} s`,
  restartsNow: 'Starts again now',
  restartText: (number: number) =>
    `Its run ended unexpectedly. This is restart ${number} of 3 within five minutes; after the third you are asked. It goes on after the last step that was done.`,
  lost: 'Its run was interrupted',
  lostText:
    'Nox does not go on by itself: its rules say so, or it broke down too often within five minutes. Continue goes on after the last step that was done.',
  silent: (age: string, time: string) => `Silent for ${age}, since ${time}`,
  worksOn: (step: string) => `It works on “${step}”.`,
  computes: 'Its processes still compute, so it may be in the middle of something long.',
  computesNot: 'Its processes do not compute: it waits for something, or it hangs.',
  wait: 'Wait',
  restart: 'Restart…',
  restartQuestion: 'Restart, and do this step again?',
  restartAgain: (step: string | null) =>
    `${step ? `“${step}”` : 'What it does now'} is ended wherever it is, and is done again from its beginning. What it has changed so far stays.`,
  restartStay: 'Leave it',
  restartGo: 'Restart and do it again',
  limitedUntil: (time: string, rest: string) =>
    `Waits for its model’s limit until ${time}${rest ? `, ${rest} from now` : ''}`,
  limitedText: 'It is asked again by itself then, also after Nox was closed. Messages wait behind it.',
  goOnNow: 'Go on now',
  stopWaiting: 'Stop waiting',
  askAgain: 'Ask again',
  queued: 'Waits to be started',
  startsItself: 'It starts by itself when there is room.',
  triedAgain: (rest: string) => (rest ? `It is tried again in ${rest}.` : 'It is tried again now.'),
  toAgent: (name: string) => `Open ${name}`,
  toLimits: 'Change this limit',
  imported: 'Imported session',
  importedText: 'It was read from an export. It can be read, and not gone on with.',
};

export const COMPOSER = {
  label: (agent: string) => `Message to ${agent}`,
  placeholder: (agent: string) => `Write to ${agent}`,
  send: 'Send',
  standsBy: 'Waits for your next message.',
  asleep: 'Asleep, wakes with your next message.',
  over: 'It is over; a message takes it up again.',
  paused: 'It is paused; a message waits until you continue.',
  works: 'It works; a message waits for its turn.',
  limited: 'It waits for its model’s limit; a message waits behind it.',
  steers: 'It works. Queue a message, or say it now.',
  queue: 'Queue',
  sayNow: 'Say now',
  sayNowWhat: 'The agent hears it while it works, and may change what it does.',
  orCommand: (agent: string) => `Write to ${agent}, or / for its commands`,
  waiting: (count: number) =>
    count === 1 ? '1 message waits for its turn.' : `${count} messages wait for their turn.`,
  refused: 'Not sent. What you wrote is kept here.',
  late: 'Its turn came before you saved your change. What you wrote is kept here.',
  none: 'This session carries out the text of its task and takes no messages. To have something else done, change the task and start it again.',
};

export const PICTURES = {
  add: 'Add images',
  list: (count: number) => (count === 1 ? 'An image goes with this message' : `${count} images go with this message`),
  adding: 'Adding…',
  added: (name: string) => `Added ${name}`,
  remove: (name: string) => `Remove ${name}`,
  removed: (name: string) => `Removed ${name}`,
  drop: 'Drop images here to show them with your message',
  pasted: 'pasted image',
  copiedGone: 'What was copied is not there any more. Copy it once more.',
  takesNone: 'Its program takes no images. Write where the file lies, or choose a model that takes them.',
  tooLarge: (name: string) => `${name} is larger than 3.5 MB, so it was not added. Make it smaller first.`,
  tooMany: 'A message carries at most 10 images, and 11 MB of them. Send these first, then the others.',
  unreadable: (name: string) => `${name} cannot be read`,
  notNow: 'Images go with a message that has a turn of its own.',
};

export const COMMANDS = {
  label: 'Commands of the agent',
  found: (count: number) => (count === 1 ? '1 command. Tab takes it.' : `${count} commands. Arrows choose, Tab takes.`),
};

export const DIALS = {
  label: 'How the agent works',
  mode: 'Mode',
  model: 'Model',
  unknown: 'not told',
  now: (what: string, name: string) => `${what}: ${name}`,
  search: (what: string) => `Search in ${what.toLowerCase()}s`,
  found: (shown: number, all: number) => (shown === all ? `${all} to choose from` : `${shown} of ${all}`),
};

export const WAITING = {
  label: 'Messages that wait',
  count: (count: number) => (count === 1 ? '1 message waits for its turn' : `${count} messages wait for their turn`),
  edit: (text: string) => `Change “${text}”`,
  withdraw: (text: string) => `Take back “${text}”`,
  withdrawn: 'Took a message back',
  images: (count: number) => (count === 1 ? 'image goes with it' : 'images go with it'),
  editing: 'The message that waits',
  stay: 'Cancel',
  save: 'Save',
};

export const FORK = {
  button: 'Fork…',
  action: 'Go on from a copy of this session…',
  title: (title: string) => `Fork “${title}”?`,
  what: (agent: string) =>
    `${agent} goes on from a copy of this conversation, in a task and a session of their own and in the same folder. This session stays as it is.`,
  message: 'What should be done there?',
  stay: 'Cancel',
  go: 'Fork',
  of: 'Goes on from a copy of',
};

export const LIVE = {
  steered: 'Said while it worked',
  switched: (dial: 'mode' | 'model', name: string, via: string) =>
    `${dial === 'mode' ? 'Mode' : 'Model'} changed to ${name} (${via}).`,
  limited: (time: string) => `Asked again by itself at ${time}.`,
};

export const INTERRUPT = {
  interrupt: 'Interrupt',
  what: 'Ends what it does now. It stands by for your next message.',
};

export const CONVERSATION = {
  task: 'Task',
  beginning: 'Beginning of the session',
  earlier: 'Reading what was before',
  earlierFailed: 'What was before could not be read',
  failed: 'The conversation could not be read',
  tryAgain: 'Try again',
  empty: 'Nothing was said yet',
  fresh: (count: number) => `${count} new`,
  toEnd: 'Go to the end',
  showAll: (lines: number) => `Show all ${lines} lines`,
  showLess: 'Show less',
  note: 'Note',
  restart: (number: number) => `Its run ended unexpectedly and was started again (${number} of 3).`,
};

export const CALL = {
  open: 'Show the command and all output',
  step: 'Step',
  command: 'Command',
  folder: 'Folder',
  output: (title: string) => `Output of ${title}`,
  noOutput: 'No output',
  outputFailed: 'The output could not be read.',
  exit: (code: number) => `Exit code ${code}`,
  cutOff: 'Output cut off',
  kept: (kept: string, size: string) => `${kept} of ${size} kept`,
  reason: (text: string) => `Reason: ${text}`,
  unknown: 'Nox was not there when this ended, so its result is not known. It is not repeated until you say so.',
  again: 'Run it again',
  skip: 'Skip it',
  stop: 'Stop',
  choices: 'What should happen',
};

export const DETAILS = {
  agent: 'Agent',
  at: 'at',
  runtime: 'Runtime',
  project: 'Project',
  folder: 'Folder',
  progress: 'Progress',
  attempt: 'Attempt',
  opened: 'Opened',
  closed: 'Closed',
  cost: 'Cost',
  tokens: 'Tokens',
  items: 'Entries',
  openFolder: 'Open folder',
  close: 'Close',
  about: 'About',
  runtimes: {
    runbook: 'Runbook',
    recorded: 'Recorded conversation',
    claude: 'Claude Code',
    acp: 'Agent Client Protocol',
    codex: 'Codex',
    llm: 'Model',
  },
};
