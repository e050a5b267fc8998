/** The command line beside the running app: one engine, two faces. */
import assert from 'node:assert/strict';
import { answer, cardInDone, passWelcome, streaming } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

story('a run from the command line is on the board, and the window can answer its approval', {}, async (desk) => {
  await passWelcome(desk);
  const file = desk.world.write('cli.md', streaming('From the shell', { lines: 3, word: 'shell' }));
  const run = desk.startNox(['run', file]);
  await desk.card('From the shell', { in: 'Needs you', limitMs: 10_000 });
  await desk.goTo('Approvals');
  await answer(desk, 'Allow once');
  assert.equal((await run.exited).code, 0, run.text.err);
  assert.match(run.text.out, /shell 3 of 3/);
  await desk.goTo('Board');
  await cardInDone(desk, 'From the shell');
});

story('an approval on the board can be answered in the terminal', {}, async (desk) => {
  await passWelcome(desk);
  const file = desk.world.write('tty.md', streaming('From a terminal', { lines: 2, word: 'tty' }));
  const run = desk.startNoxInTerminal(['run', file]);
  await desk.card('From a terminal', { in: 'Needs you', limitMs: 10_000 });
  await until(() => /allow/i.test(run.text.out), 'the terminal to ask');
  run.stdin.write('a\n');
  assert.equal((await run.exited).code, 0, run.text.out);
  await cardInDone(desk, 'From a terminal');
  await desk.goTo('Approvals');
  await desk.gone('button', 'Allow once');
});

story('without the app the command line is the engine, and says when nobody can approve', { open: false }, async (desk) => {
  const file = desk.world.write('alone.md', streaming('Alone', { lines: 2, word: 'alone' }));
  const refused = await desk.nox(['run', file, '--json']);
  assert.equal(refused.code, 3, refused.err);
  const last = JSON.parse(refused.out.trim().split('\n').at(-1));
  assert.equal(last.type, 'result');

  const allowed = await desk.nox(['run', file, '--allow', 'once']);
  assert.equal(allowed.code, 0, allowed.err);
  assert.match(allowed.out, /alone 2 of 2/);

  // What the command line left open is there when the app comes.
  await desk.openApp();
  await passWelcome(desk);
  await desk.goTo('Approvals');
  await desk.find('button', 'Allow once');
});
