/** Sessions leave as files and come back, through the real dialogs of the desktop; the log is compacted by hand. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { faults } from './axe.mjs';
import { WORDS, answer, openSession, passWelcome } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

const TASK = '# Leaves and comes back\n\n```sh\necho carried along\n```\n';

/** Types a path into the file dialog with this title, as a person would, and waits until it is gone. */
async function chooseFile(desk, title, file, { typesFirst = [] } = {}) {
  const find = async () => (await desk.tool('xdotool', 'search', '--onlyvisible', '--name', `^${title}$`).catch(() => '')).trim();
  const id = await until(find, `the dialog “${title}”`, 10_000);
  await desk.tool('xdotool', 'windowactivate', '--sync', id.split('\n')[0]);
  for (const key of typesFirst) await desk.tool('xdotool', 'key', '--clearmodifiers', key);
  await desk.tool('xdotool', 'type', '--delay', '8', file);
  // While the dialog still looks for what is typed it takes no Return, so that is pressed as long as it is there.
  await until(async () => {
    const ids = (await find()).split('\n').filter(Boolean);
    if (ids.length === 0) return true;
    // Keys go to the window that has the focus: once the dialog has lost it they are none of its own.
    if (ids.includes(await desk.activeWindow())) await desk.tool('xdotool', 'key', '--clearmodifiers', 'Return');
    return until(async () => (await find()) === '', 'it to be gone', 1_500).catch(() => false);
  }, `the dialog “${title}” to be gone`, 15_000);
}

/** What the page itself is answered when it calls an operation of the engine. */
async function callFromPage(desk, name, input) {
  await desk.run(
    `window.heard = null;
     const id = 'cmd_' + '0'.repeat(26);
     window.__TAURI_INTERNALS__.invoke(arguments[0], { input: arguments[1], command: id })
       .then((answer) => { window.heard = { answer }; }, (error) => { window.heard = { error: error.message ?? String(error) }; });`,
    name, input,
  );
  return until(() => desk.run('return window.heard'), `an answer to ${name}`);
}

story('a session leaves as a file and comes back, and nothing is written or read that nobody chose', {}, async (desk) => {
  await passWelcome(desk);
  await desk.dropFiles([desk.world.write('leaves.md', TASK)], await desk.column('Working'));
  await desk.card('Leaves and comes back', { in: 'Needs you' });
  await openSession(desk, 'Leaves and comes back');
  await answer(desk, 'Allow once');
  await desk.says(await desk.find('log'), /carried along/);

  const file = path.join(desk.world.files, 'left.jsonl');
  const export_ = await desk.find('button', /^Export/);
  assert.deepEqual(await faults(desk), []);
  await desk.focus(export_);
  await desk.keys('Enter');
  await desk.find('menuitem', /^To read/);
  await desk.click('menuitem', /^Everything/);
  await chooseFile(desk, 'Export session', file, { typesFirst: ['ctrl+a'] });
  await desk.shows(/Exported “Leaves and comes back”/);
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.ok(lines.length > 5 && lines.some((line) => line.includes('carried along')), lines.join('\n'));
  await desk.find('button', 'Show in folder');

  // Whatever got into the page: it writes and reads no file that the person did not choose, nor twice the one that was.
  const session = JSON.parse(lines[0]).session;
  for (const target of [path.join(desk.world.files, 'sneaked.jsonl'), file]) {
    const told = await callFromPage(desk, 'export_session', { session, format: 'jsonl', path: target, overwrite: true });
    assert.match(told.error ?? '', /not chosen in a dialog/);
  }
  assert.match((await callFromPage(desk, 'import_session', { path: file })).error ?? '', /not chosen in a dialog/);
  assert.ok(!existsSync(path.join(desk.world.files, 'sneaked.jsonl')));

  // A file that is damaged is named with its line, and nothing of it comes in.
  const broken = desk.world.write('broken.jsonl', `${lines.slice(0, 3).join('\n')}\nno JSON\n`);
  await desk.goTo('Sessions');
  await desk.click('button', /^Import session/);
  await chooseFile(desk, 'Import session', broken, { typesFirst: ['ctrl+l'] });
  await desk.shows(/Nothing was imported from broken\.jsonl/);
  await desk.shows(/line 4/);
  assert.equal((await desk.findAll('link', /Leaves and comes back/)).length, 1);

  // By the palette, from anywhere.
  await desk.goTo('Board');
  await desk.keys('Control+K');
  await desk.dialog(WORDS.palette);
  await desk.type('Import session');
  await desk.keys('Enter');
  await chooseFile(desk, 'Import session', file, { typesFirst: ['ctrl+l'] });
  await desk.shows(/Imported left\.jsonl/);
  await desk.says(await desk.find('log'), /carried along/);
  await desk.shows(/It can be read, and not gone on with/);
  assert.deepEqual(await faults(desk), []);
  await desk.goTo('Sessions');
  assert.equal((await desk.findAll('link', /Leaves and comes back/)).length, 2);
});

story('the log says how large it is, and is compacted when asked', {}, async (desk) => {
  await passWelcome(desk);
  await desk.goTo('Settings');
  const data = await desk.find('region', 'Data');
  await desk.says(data, /\d+ KB on disk, /);
  await desk.click('button', 'Compact now');
  await desk.says(data, /No session was old enough\. The file is .* smaller\./, 15_000);
  assert.deepEqual(await faults(desk), []);
});
