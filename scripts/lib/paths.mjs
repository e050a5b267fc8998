// Where things are in this repository. Everything that set-up and builds remember lies in `.nox-setup/`, ignored by git.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(new URL('../..', import.meta.url)));
export const STATE = join(ROOT, '.nox-setup');
export const LOGS = join(STATE, 'logs');
export const TOOLS = join(STATE, 'tools');

const suffix = process.platform === 'win32' ? '.exe' : '';
const target = process.env.CARGO_TARGET_DIR ? resolve(ROOT, process.env.CARGO_TARGET_DIR) : join(ROOT, 'target');

/** A program that cargo built, such as `nox-desktop`. */
export const built = (name, profile = 'debug') => join(target, profile, name + suffix);
/** A program that set-up installed for this repository alone. */
export const tool = (name) => join(TOOLS, 'bin', name + suffix);
