// Words of the frame.
export const APP = {
  name: 'Nox',
  places: 'Places',
  projects: 'Projects',
  keys: 'Keys',
  engineUp: (age: string) => `Engine up for ${age}`,
  waiting: (count: number) => `${count} waiting`,
  live: (count: number) => `${count} live`,
  board: 'Board',
  sessions: 'Sessions',
  approvals: 'Approvals',
  agents: 'Agents',
  processes: 'Processes',
  recovery: 'What the start found',
  settings: 'Settings',
  everywhere: 'Everywhere',
  loading: 'Nox is starting',
  noEngine: 'The window has no connection to the engine',
  noEngineHint: 'Agents keep working. Try again; if it stays like this, quit Nox and start it anew.',
  tryAgain: 'Try again',
  placeBroke: (place: string) => `${place} could not be drawn`,
  placeBrokeHint: 'Nothing is lost: this is only the window. The message below is also in the log.',
  drawAgain: 'Draw it again',
};

export const ACTIONS = {
  goTo: (place: string) => `Go to ${place}`,
  newTask: 'New task',
  search: 'Search in this place',
  next: 'Go to the next thing that needs me',
  nothingNeedsYou: 'Nothing needs you',
  keys: 'Show the keys',
  palette: 'Find anything',
  undo: 'Undo',
  nothingToUndo: 'Nothing to undo',
  pauseAll: 'Pause all sessions',
  pausedAll: 'All sessions pause after the step that runs',
  continueAll: 'Continue all that Pause all paused',
  recovery: 'See what the last start found',
  recoveryAlso: 'recovery crash interrupted lost damaged database',
  panes: 'Go to the next pane',
  panesBack: 'Go to the pane before',
};

export const KEYS_HELP = {
  title: 'Keys',
  also: 'or',
};

export const HINTS = { task: 'Task', session: 'Session', agent: 'Agent', project: 'Project' };

export const TOLD = {
  open: 'Open',
  review: 'Review',
  asks: (agent: string, text: string) => `${agent} asks: ${text}`,
  question: (agent: string, title: string, text: string) => `${agent}: ${title}. Asks you: ${text}`,
  asked: (agent: string, title: string, text: string) => `${agent}: ${title}. Needs approval: ${text}`,
  failed: (agent: string, title: string, why: string | null) => `${agent}: ${title}. Failed${why ? `: ${why}` : ''}`,
  notStarted: (title: string) => `Not started: ${title}`,
  waits: (agent: string, title: string, why: string) => `${agent}: ${title}. ${why}`,
  finished: (agent: string, title: string) => `${agent}: ${title}. Finished`,
  stopped: (agent: string, title: string) => `${agent}: ${title}. Stopped`,
};

const RUNS = (n: number) => (n === 1 ? '1 session' : `${n} sessions`);

export const SHELL = {
  quit: (n: number) => (n === 0 ? 'Quit Nox?' : `Quit Nox while ${RUNS(n)} ${n === 1 ? 'is' : 'are'} running?`),
  quitText: 'What runs is stopped; what it has done stays. To keep it working, close the window instead.',
  stay: 'Stay',
  quitNow: (n: number) => (n === 0 ? 'Quit' : `Stop ${RUNS(n)} and quit`),
  stopAll: (n: number) => (n === 1 ? 'Stop the running session?' : `Stop all ${n} running sessions?`),
  stopText: 'What they have done stays. Each can be started again, from the beginning.',
  keep: 'Keep them running',
  stopNow: (n: number) => `Stop ${RUNS(n)}`,
};
