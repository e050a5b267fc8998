// Words of the place “Settings”.
const DAYS = (days: number) => (days === 1 ? '1 day' : `${days} days`);

export const SETTINGS = {
  title: 'Settings',
  sections: 'Sections',
  go: (section: string) => `Settings: ${section}`,
  general: 'General',
  sessionsTitle: 'Sessions',
  programs: 'Programs and models',
  appearance: 'Appearance',
  keys: 'API keys',
  projects: 'Projects',
  data: 'Data',
  doctor: 'Doctor',
  about: 'About',
  tryAgain: 'Try again',
};

export const GENERAL = {
  notifications: 'Notifications',
  notificationsHint: 'When an agent finishes, fails or needs an approval.',
  notificationsMissing: 'They are not shown',
  notificationsMissingHint:
    'What they would say stands in the window. They need a notification service, which most desktops start by themselves.',
  tray: 'Tray icon',
  trayShown: 'Shown',
  trayShownHint: 'Closing the window keeps agents working; the icon brings it back.',
  trayMissing: 'Not shown',
  trayMissingHint:
    'This desktop has no place for tray icons, so closing the window quits Nox. On GNOME the extension “AppIndicator Support” adds one.',
  desktopFailed: 'The desktop could not be asked',
  log: 'Log',
  logHint: 'How much is written to the log files from now on. Secrets never are.',
  levels: { error: 'Errors', warn: 'Warnings', info: 'Normal', debug: 'Everything' },
};

export const SESSIONS = {
  runs: {
    label: 'Sessions at once',
    hint: 'More wait in the queue until one has ended.',
    wrong: 'Write a whole number from 1 to 200.',
  },
  rate: {
    label: 'Starts in a minute',
    hint: 'More wait in the queue. Nothing written: no limit.',
    wrong: 'Write a whole number, or nothing.',
    none: 'No limit',
  },
  budget: {
    label: 'Memory of all',
    hint: 'What all sessions together may use. While they use more, none is started.',
    wrong: 'Write whole megabytes, or nothing.',
    unit: 'MB',
    none: 'No limit',
  },
  hibernate: {
    label: 'Asleep after',
    hint: 'A session that waits for your next message is put to sleep after so long and then uses nothing. It wakes with the message.',
    wrong: 'Write whole seconds, or nothing.',
    unit: 's',
    none: 'Never',
  },
  life: 'When something goes wrong, or nobody looks',
  lifeHint: 'For agents that do not say otherwise. A session keeps the rules that it was opened with.',
};

export const LOG_POLICY = {
  label: 'Old sessions',
  words: { keep: 'Keep', archive: 'Archive', prune: 'Drop' },
  means: {
    keep: () => 'Their events stay as they are. The database grows with every session.',
    archive: (days: number) =>
      `${DAYS(days)} after a session is over, its events are packed. Nothing is lost: they can still be read and exported.`,
    prune: (days: number) =>
      `${DAYS(days)} after a session is over, its events are deleted for good. The conversation as you see it and the audit trail stay; the single events behind them are lost and cannot be exported any more.`,
  },
  days: {
    label: 'After',
    hint: 'Counted from the end of the session.',
    wrong: 'Write whole days, from 1 to 3650.',
    unit: 'days',
  },
  question: (days: number) => `Delete the events of sessions that ended more than ${DAYS(days)} ago?`,
  stay: 'Keep them',
  go: (days: number) => `Delete after ${DAYS(days)}`,
};

const DONE_WITH = { keep: 'Packed', archive: 'Packed', prune: 'Dropped' };
const SESSIONS_OF = (sessions: number) => (sessions === 1 ? '1 session' : `${sessions.toLocaleString()} sessions`);
const EVENTS_OF = (events: number) => (events === 1 ? '1 event' : `${events.toLocaleString()} events`);

export const LOG_SIZE = {
  label: 'Size of the log',
  reading: 'Reading',
  size: (size: string, free: string) => `${size} on disk, ${free} of it free`,
  archived: (events: number, size: string) =>
    `${EVENTS_OF(events)} of old sessions ${events === 1 ? 'is' : 'are'} packed in ${size}; the sessions can be read and exported as before.`,
  pruned: (events: number) => `${EVENTS_OF(events)} of old sessions ${events === 1 ? 'was' : 'were'} dropped.`,
  compact: 'Compact now',
  compactHint: 'It is done once a day by itself. Now it also makes the file smaller.',
  waiting: 'Begins in a moment.',
  packing: (policy: keyof typeof DONE_WITH, sessions: number, events: number) =>
    `${DONE_WITH[policy]} so far: ${SESSIONS_OF(sessions)} with ${EVENTS_OF(events)}.`,
  shrinking: 'Makes the file smaller. What is written meanwhile waits.',
  did: (policy: keyof typeof DONE_WITH, sessions: number, events: number) =>
    sessions === 0
      ? 'No session was old enough.'
      : `${DONE_WITH[policy]}: ${SESSIONS_OF(sessions)} with ${EVENTS_OF(events)}.`,
  freed: (size: string) => `The file is ${size} smaller.`,
  notShrunk: 'While sessions run the file keeps its size; what is free in it is used first.',
  ended: (problem: string) => `It ended early: ${problem}. What was done until then stays.`,
};

export const PROGRAMS = {
  intro:
    'Programs and model servers on this computer that can carry an agent. Each program is asked for its version once; nothing is sent anywhere.',
};

export const APPEARANCE = {
  theme: 'Theme',
  themes: { system: 'System', light: 'Light', dark: 'Dark' },
};

export const KEYS = {
  intro:
    'Keys are kept in the keychain of this computer and nowhere else. A value that was stored is never shown again.',
  loading: 'API keys',
  failed: 'The keychain could not be asked',
  held: (keychain: string) => `Kept by: ${keychain}`,
  unavailable: 'The keychain is not available',
  unavailableHint:
    'Without it no key can be stored, since Nox never writes one into a file. Unlock or start the keychain of your desktop, then try again.',
  name: 'Name',
  namePlaceholder: 'anthropic-api-key',
  value: 'Value',
  store: 'Store key',
  stored: (name: string) => `Stored ${name} in the keychain`,
  noName: 'Write a name, such as anthropic-api-key.',
  noValue: 'Paste the key.',
  none: 'No keys yet',
  test: 'Test',
  testing: 'Asking the keychain',
  readable: 'Readable',
  unreadable: 'Not readable',
  delete: 'Delete',
  deleteQuestion: (name: string) => `Delete ${name} from the keychain?`,
  deleteHint: 'This cannot be undone. You can store it again as long as you have it elsewhere.',
  keep: 'Keep it',
  deleteGo: 'Delete key',
  deleted: (name: string) => `Deleted ${name} from the keychain`,
};

export const PROJECTS = {
  intro:
    'Folders that agents may work in. A folder becomes one when you add it here, drop it on the board, or name it on the command line.',
  none: 'No projects yet',
  add: 'Add folder…',
  missing: 'This folder is not there now.',
  open: (id: string) => `Open ${id}`,
  forget: (id: string) => `Forget ${id}`,
  forgotten: (id: string) => `Forgot the project “${id}”. Its files stay as they are.`,
  added: (id: string) => `Added the project “${id}”`,
};

export const DATA = {
  home: 'Home folder',
  homeHint: 'Everything that Nox knows is in it. Copy it to keep it.',
  logs: 'Logs',
  openHome: 'Open folder',
  openLogs: 'Open logs',
  start: 'Last start',
  startClean: 'Nox had ended in order before it.',
  startLost: (runs: number) =>
    runs === 1
      ? 'Nox had ended unexpectedly; 1 session was interrupted.'
      : `Nox had ended unexpectedly; ${runs} sessions were interrupted.`,
  seeStart: 'See what the start found',
};

export const DOCTOR = {
  intro: 'What is here, what is missing, and how to get it.',
  again: 'Check again',
  failed: 'It could not be checked',
  states: { good: 'Good', warning: 'Works, but', bad: 'Does not work' },
};

export const ABOUT = {
  version: 'Version',
  licence: 'Licence',
  mit: 'MIT',
  promise: 'No account. No telemetry. What agents do stays on this computer.',
  started: 'Engine started',
  sandbox: 'Sandbox',
  noSandbox: 'None yet: agents run as you',
  keys: 'Show the keys',
};
