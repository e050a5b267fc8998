/** Words of the banners about broken files. */
export const PROBLEMS = {
  title: (what: string, line: number) => `This ${what} has an error in line ${line}`,
  task: 'task file',
  agent: 'agent’s file',
  policy: 'policy file',
  other: 'file',
  database: 'The database of Nox is or was damaged',
  open: 'Open file',
  reveal: 'Show in folder',
  more: (n: number) => (n === 1 ? 'Show 1 more' : `Show ${n} more`),
  lastGood: 'The last good version holds until then.',
} as const;
