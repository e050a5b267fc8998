// Words of the place “Settings”.
export const SETTINGS = {
  title: 'Settings',
  sections: 'Sections',
  go: (section: string) => `Settings: ${section}`,
  general: 'General',
  appearance: 'Appearance',
  keys: 'API keys',
  projects: 'Projects',
  data: 'Data',
  doctor: 'Doctor',
  about: 'About',
  tryAgain: 'Try again',
};

export const GENERAL = {
  runs: 'Sessions at once',
  runsHint: 'More wait in the queue until one has ended.',
  runsWrong: 'Write a whole number from 1 to 64.',
  sessions: 'sessions',
  notifications: 'Notifications',
  notificationsHint: 'When an agent finishes, fails or needs an approval.',
  log: 'Log',
  logHint: 'How much is written to the log files. Secrets never are.',
  levels: { error: 'Errors', warn: 'Warnings', info: 'Normal', debug: 'Everything' },
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
