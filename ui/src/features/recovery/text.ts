// Words about what a start found when Nox had not ended in order.
export const RECOVERY = {
  title: 'What the start found',
  interrupted: (sessions: number) =>
    sessions === 1
      ? 'Nox ended unexpectedly: 1 session was interrupted.'
      : `Nox ended unexpectedly: ${sessions} sessions were interrupted.`,
  sweptOnly: (swept: number) =>
    swept === 1
      ? 'Nox ended unexpectedly: 1 process that was left over was ended.'
      : `Nox ended unexpectedly: ${swept} processes that were left over were ended.`,
  damaged: 'The database was damaged, so Nox began a new one.',
  see: 'See what happened',
  clean: 'Nothing was lost',
  cleanHint: 'Nox ended in order before this start, or it was the first. If it ever ends unexpectedly, this page says:',
  teaches: [
    'which sessions were interrupted, at which step, and whether they go on by themselves',
    'which steps wait for your choice, because nobody saw how they ended',
    'how many left-over processes were ended',
    'what came back if the database was damaged, and where the damaged one is kept',
  ],
  toBoard: 'Open the board',
  failed: 'It could not be read what the start found',
  tryAgain: 'Try again',
  started: 'This start',
  runs: 'Interrupted sessions',
  swept: 'Left-over processes ended',
  none: 'None',
  promise: 'Everything that was recorded is still here.',
  promiseStep: 'A step whose end nobody saw is never done again unless you say so.',
  database: 'The database was damaged',
  databaseText:
    'Tasks, agents, projects and rules are files and were read again. The damaged database was set aside, not changed, and sessions are read back from it as far as they are whole.',
  saving: (sessions: number) => `Sessions are being read back: ${sessions.toLocaleString()} so far.`,
  savingLabel: 'Reading sessions back',
  sessionsSaved: 'Sessions that came back whole',
  sessionsDamaged: 'Sessions that came back in part, or not at all',
  damagedText:
    'One that came back in part ends with a note where the damage begins; what it did after that is not known. Nothing of it is done again by itself.',
  unread: (problem: string) => `It could not be read: ${problem}. Make the file readable; the next start tries again.`,
  showDatabase: 'Show in folder',
  groups: {
    choice: 'Waits for your choice: the end of a step is unknown',
    approval: 'Still asks for your approval',
    person: 'Waits for you',
    goesOn: 'Goes on by itself',
    paused: 'Was paused, and still is',
    quiet: 'Needs nothing from you',
  },
  wasDoing: (step: string) => `It was at “${step}”.`,
  between: 'It was between two steps.',
  unknown: (step: string) => `Nobody saw how “${step}” ended. It is not done again until you choose.`,
  requests: (open: number) => (open === 1 ? '1 request is still open.' : `${open} requests are still open.`),
};
