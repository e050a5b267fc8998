// Words of the place “Sessions”.
export const SESSIONS = {
  title: 'Sessions',
};
