/** Copies something in another application. Used by `Desk`; the source is `fakes/copy_source.py`, a client of its own. */
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
