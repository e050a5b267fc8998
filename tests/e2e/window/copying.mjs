/**
 * Copies something in another application, or looks there at what was copied. Used by `Desk`; the other application is
 * `fakes/copy_source.py`, a client of its own.
 */
import path from 'node:path';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { WINDOW_TESTS, pythonWithGtk } from './world.mjs';

/** See `Desk.copyImage` and `Desk.copyFiles`. `kind` is 'image' or 'files'. */
export async function copyFrom(desk, kind, files) {
  const source = desk.processes.start('copy', pythonWithGtk(), [path.join(WINDOW_TESTS, 'fakes', 'copy_source.py'), kind, ...files], {
    env: desk.env, stdio: ['pipe', 'pipe', 'log'],
  });
  await once(createInterface({ input: source.stdout }), 'line', { signal: AbortSignal.timeout(10_000) });
}

/** See `Desk.copied`. */
export async function copiedElsewhere(desk) {
  const other = desk.processes.start('copied', pythonWithGtk(), [path.join(WINDOW_TESTS, 'fakes', 'copy_source.py'), 'look'], {
    env: desk.env, stdio: ['ignore', 'pipe', 'log'],
  });
  const [line] = await once(createInterface({ input: other.stdout }), 'line', { signal: AbortSignal.timeout(10_000) });
  return JSON.parse(line).addresses;
}
