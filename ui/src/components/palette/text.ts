// Words of the command palette.
export const PALETTE = {
  name: 'Command palette',
  placeholder: 'Find an action, a place, a task, a session or an agent',
  results: 'Results',
  nothing: (query: string) => `Nothing fits “${query}”`,
  nothingHint: 'Fewer letters find more; they must stand in order.',
  found: (count: number) => (count === 1 ? '1 result' : `${count} results`),
};
