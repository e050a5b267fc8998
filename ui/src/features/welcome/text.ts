// Words of the place “Welcome to Nox”.
export const WELCOME = {
  title: 'Welcome to Nox',
};
