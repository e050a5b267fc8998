// Words of the place “Settings”.
export const SETTINGS = {
  title: 'Settings',
};
