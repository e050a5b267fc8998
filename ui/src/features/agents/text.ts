// Words of the place “Agents”.
export const AGENTS = {
  title: 'Agents',
};
