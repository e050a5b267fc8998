// Words of the place “Sessions”.
export const SESSIONS = {
  title: 'Sessions',
  list: 'Sessions',
  details: 'Details',
  conversation: 'Conversation',
  groups: { needsYou: 'Needs you', running: 'Running', quiet: 'Quiet' },
  empty: 'No sessions yet',
  emptyHint: 'A session begins when a task is started: drag its card to Working, or press Start.',
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
  goOn: 'Continue',
  delete: 'Delete',
  openTask: 'Open task',
  showDetails: 'Show details',
  stopSession: 'Stop this session',
  continueSession: 'Continue this session',
  deleteSession: 'Delete this session',
  openTaskOf: 'Open the task of this session',
  deleted: (title: string) => `Deleted the session “${title}”`,
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
  items: 'Entries',
  openFolder: 'Open folder',
  close: 'Close',
  about: 'About',
  runtimes: { runbook: 'Runbook', recorded: 'Recorded conversation' },
};

const UNITS = ['bytes', 'KB', 'MB', 'GB'];

/** 1 KB is 1024 bytes. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${UNITS[unit]}`;
}
