// Words for what was found on this computer.
import type { SignIn } from '../../bindings/nox';

export const FOUND = {
  list: 'Found on this computer',
  missing: 'Not here yet',
  nothing: 'No agent program and no model server was found here.',
  nothingHint: 'Runbooks work without any. Install one of these, then look again:',
  add: 'Add',
  addIt: (title: string) => `Add ${title}`,
  added: (name: string) => `Made the agent “${name}”`,
  open: 'Open',
  openIt: (name: string) => `Open the agent ${name}`,
  model: (title: string) => `Model of ${title}`,
  models: (count: number) => (count === 1 ? '1 model' : `${count} models`),
  copy: (title: string) => `Copy how to install ${title}`,
  looking: 'Looking at this computer',
  again: 'Look again',
  lookedAt: 'Last look:',
  failed: 'This computer could not be looked at',
  known: (count: number) => `The ${count} programs that Nox knows`,
  more: (count: number) => (count === 1 ? '1 more program that Nox knows' : `${count} more programs that Nox knows`),
  signIn(is: SignIn): string {
    switch (is.is) {
      case 'signed_in':
        return 'signed in';
      case 'variable':
        return `uses ${is.name}`;
      case 'not_found':
        return 'no sign-in found';
      case 'unknown':
        return 'sign-in not known';
    }
  },
  /** The home of the user is known by its sign. */
  place: (path: string) => path.replace(/^\/(?:home|Users)\/[^/]+(?=\/)/, '~').replace(/^http:\/\//, ''),
  noVersion: 'version not known',
};
