/**
 * The same task with each runtime: dropped on the board, started by a drag, its change looked at and allowed, and seen to its
 * end. The programs are the real ones; only what their models say is scripted.
 *
 * Runs where `npm run test:contract -- --window` has installed the programs, and says so elsewhere. `NOX_TEST_PROGRAMS` names them
 * (`name=path`, one a line); `NOX_TEST_PICTURES` is the folder that gets a picture of each.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { faults } from './axe.mjs';
import { RUNTIMES, agentToml, startModel } from './model.mjs';
import { answer, choose, closeMessages, openSession, passWelcome } from './nox.mjs';
import { story } from './story.mjs';

const PROGRAMS = new Map((process.env.NOX_TEST_PROGRAMS ?? '').split('\n').map((line) => line.split(/=(.*)/s)));
const PICTURES = process.env.NOX_TEST_PICTURES;

const TITLE = 'Round prices to the nearest ten cents';
const OLD = '  return Math.floor(cents / 10) * 10;';
const NOW = '  return Math.round(cents / 10) * 10;';
const SOURCE = `// Prices as they are shown.\nexport function rounded(cents) {\n${OLD}\n}\n`;
const SAYS_FIRST = 'Prices are rounded down now. One line has to change.';
const SAYS_LAST = '`rounded` in `prices.js` goes to the nearest ten cents now.';

/** In a page of this size the session shows its details beside it. */
const PAGE = [1360, 850];

/** Where the programs find their own tools: some are started by node. */
const folders = [path.dirname(process.execPath), '/usr/local/bin', '/usr/bin', '/bin'];

for (const runtime of RUNTIMES) {
  const title = `${runtime.name} (${runtime.runtime}) does a task that was dropped on the board`;
  const skip = PROGRAMS.has(runtime.program) ? undefined : 'left out: `npm run test:contract -- --window` installs the programs and runs it';
  const env = { PATH: [...new Set(folders)].join(':'), [runtime.key]: 'test-key' };
  story(title, { screen: [1440, 960], env, skip }, (desk) => doesTheTask(desk, runtime));
}

async function doesTheTask(desk, runtime) {
  const file = desk.world.write('shop/prices.js', SOURCE);
  const tokens = { input: 4200, output: 310 };
  const calls = [runtime.read?.(file), runtime.edit(file, OLD, NOW)].filter(Boolean);
  const replies = [...calls.map((part, at) => ({ parts: [...(at ? [] : [{ text: SAYS_FIRST }]), part], tokens })), { parts: [{ text: SAYS_LAST }], tokens }];
  const address = await startModel(desk, replies);
  await desk.resize(...PAGE);
  await passWelcome(desk);
  const agent = path.join(desk.home, 'registry', 'agents', 'worker');
  const command = runtime.runtime === 'llm' ? null : PROGRAMS.get(runtime.program);
  desk.world.write(path.join(agent, 'agent.toml'), agentToml(runtime, { command, address }));
  desk.world.write(path.join(agent, 'prompt.md'), 'You change as little as the task needs.\n');

  // The folder becomes a project, the file a task; a person says who does it and where.
  await desk.dropFiles([path.dirname(file)], await desk.column('Backlog'));
  await desk.card('Work in shop', { in: 'Backlog' });
  const task = desk.world.write('round.md', `# ${TITLE}\n\nCustomers pay up to nine cents less than they should. See \`prices.js\`.\n`);
  await desk.dropFiles([task], await desk.column('To do'));
  await desk.click('article', TITLE);
  await choose(desk, 'Agent', runtime.name);
  await choose(desk, 'Project', 'shop');
  await desk.goTo('Board');
  await desk.pointerDrag(await desk.card(TITLE, { in: 'To do' }), await desk.column('Working'));

  // It asks before it changes anything, and shows what it would change.
  await desk.card(TITLE, { in: 'Needs you', limitMs: 30_000 });
  const asked = await desk.desktop.notification(/needs approval/i);
  assert.equal(asked.summary, `${runtime.name}: ${TITLE}`);
  const conversation = await openSession(desk, TITLE);
  const card = await desk.find('region', /wants to/i, { within: conversation });
  await desk.says(card, /return Math\.floor\(cents \/ 10\)[^]*return Math\.round\(cents \/ 10\)/);
  await desk.says(card, /\+1 −1/);
  assert.equal(readFileSync(file, 'utf8'), SOURCE, 'it was changed before it was allowed');
  assert.deepEqual(await faults(desk), []);
  await answer(desk, 'Allow once');

  // The change happens once, and what was said, done and used stands in the session.
  const finished = await desk.desktop.notification(/finished/i, 30_000);
  assert.equal(finished.summary, `${runtime.name}: ${TITLE}`);
  assert.equal(readFileSync(file, 'utf8'), SOURCE.replace(OLD, NOW));
  await desk.says(conversation, /One line has to change[^]*prices\.js[^]*\+1 −1[^]*nearest ten cents now/);
  assert.equal((await desk.text(conversation)).match(/\+1 −1/g).length, 1, 'one change');
  await desk.shows(/\d\.\dk read, [^]*\d+ written/);
  await desk.shows(runtime.tellsCost ? /\$0\.0*[1-9]/ : /not told/);
  assert.deepEqual(await faults(desk), []);
  await keepPicture(desk, runtime);
  await desk.goTo('Board');
  await desk.card(TITLE, { in: 'Review' });
  assert.ok(!desk.logText().includes('test-key'), 'the key must not be in the logs');
  assert.deepEqual(desk.desktop.notifications().filter(({ body }) => /failed/.test(body)), []);
}

async function keepPicture(desk, { program }) {
  if (!PICTURES) return;
  mkdirSync(PICTURES, { recursive: true });
  await closeMessages(desk);
  await desk.driver.actions().move({ x: 1, y: 1 }).perform();
  await desk.atRest();
  for (const theme of ['light', 'dark']) {
    await desk.setTheme(theme);
    writeFileSync(path.join(PICTURES, `runtime-${program}-${theme}.png`), await desk.picture());
  }
  await desk.setTheme('light');
}
