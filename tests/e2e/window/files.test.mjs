/** Files in the registry that a person edits by hand while the app runs. */
import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { passWelcome, streaming, taskFile } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

/** How soon a change by hand must be on the screen. */
const SEEN_WITHIN_MS = 1000;

async function dropTask(desk, title) {
  const file = desk.world.write(`${title}.md`, `# ${title}\n\nSome words.\n`);
  await desk.dropFiles([file], await desk.column('To do'));
  await desk.card(title, { in: 'To do' });
  return taskFile(desk, title);
}

story('a task edited by hand changes its card within a second, and a new file becomes a card', {}, async (desk) => {
  await passWelcome(desk);
  const { file, text } = await dropTask(desk, 'Water the plants');

  const begun = Date.now();
  writeFileSync(file, text.replaceAll('Water the plants', 'Water all plants'));
  await desk.card('Water all plants', { in: 'To do', limitMs: SEEN_WITHIN_MS });
  assert.ok(Date.now() - begun <= SEEN_WITHIN_MS + 200, `it took ${Date.now() - begun} ms`);
  await desk.gone('article', 'Water the plants');

  const byHand = path.join(path.dirname(file), 'by-hand.md');
  writeFileSync(byHand, '---\ntitle: Written by hand\nstatus: backlog\nmine: kept\n---\n\nNobody but me wrote this.\n');
  await desk.card('Written by hand', { in: 'Backlog' });
  const kept = readFileSync(byHand, 'utf8');
  assert.match(kept, /^mine: kept$/m);
  assert.match(kept, /Nobody but me wrote this\.\n$/);
});

story('a broken task file shows its place and line, keeps the last good state and is not touched', {}, async (desk) => {
  await passWelcome(desk);
  const { file, text } = await dropTask(desk, 'Water the plants');

  const broken = text.replace(/^status: .*$/m, 'status: sideways');
  assert.notEqual(broken, text, 'the file must have a status line to break');
  const line = broken.split('\n').indexOf('status: sideways') + 1;
  writeFileSync(file, broken);
  await desk.shows(new RegExp(path.basename(file).replace(/[.]/g, '\\.')));
  await desk.shows(new RegExp(`line ${line}\\b`, 'i'));
  await desk.shows(/sideways/);
  await desk.card('Water the plants', { in: 'To do' });
  assert.equal(readFileSync(file, 'utf8'), broken);

  writeFileSync(file, text.replace(/^status: .*$/m, 'status: backlog'));
  await desk.card('Water the plants', { in: 'Backlog' });
  await until(async () => !(await desk.run('return document.body.innerText')).includes('sideways'), 'the banner to go');
});

story('a broken agent.toml shows its place and line, keeps the last good agent and is not touched', {}, async (desk) => {
  await passWelcome(desk);
  const agents = path.join(desk.home, 'registry', 'agents');
  // The first runbook brings the agent that runs it.
  await desk.dropFiles([desk.world.write('first.md', streaming('First of all'))], await desk.column('Working'));
  const file = await until(() => {
    const [id] = existsSync(agents) ? readdirSync(agents) : [];
    const named = id && path.join(agents, id, 'agent.toml');
    return named && existsSync(named) && named;
  }, 'the file of the first agent');
  const text = readFileSync(file, 'utf8');
  const name = text.match(/^name = "(.*)"$/m)[1];

  const broken = text.replace(/^name = .*$/m, 'name = 7');
  const line = broken.split('\n').indexOf('name = 7') + 1;
  writeFileSync(file, broken);
  await desk.goTo('Agents');
  await desk.shows(/agent\.toml/);
  await desk.shows(new RegExp(`line ${line}\\b`, 'i'));
  await desk.shows(new RegExp(name));
  assert.equal(readFileSync(file, 'utf8'), broken);

  writeFileSync(file, text.replace(/^name = .*$/m, 'name = "Renamed by hand"'));
  await desk.shows(/Renamed by hand/);
});

/** The system's opener, which says what it was called with. It must be on the PATH before a desk stands. */
const openers = mkdtempSync(path.join(tmpdir(), 'nox-openers-'));
process.once('exit', () => rmSync(openers, { recursive: true, force: true }));
const OPENED = path.join(openers, 'opened');
const OPENER = `#!/bin/sh\n{ echo "OPENED=$1"; env; } > '${OPENED}.part'\nmv '${OPENED}.part' '${OPENED}'\n`;
writeFileSync(path.join(openers, 'xdg-open'), OPENER, { mode: 0o755 });
const withOpener = { PATH: `${openers}:${process.env.PATH}`, WEBKIT_TEST_OF_THE_PERSON: 'stays' };

story('what is opened for the person does not get what Nox has set for its own web view', { env: withOpener }, async (desk) => {
  await passWelcome(desk);
  const { file } = await dropTask(desk, 'Water the plants');
  const ours = /^(JSC_|WEBKIT_DISABLE)/m;
  const processes = readdirSync('/proc').filter((name) => /^[0-9]+$/.test(name)).map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').replaceAll('\0', '\n');
    } catch {
      return '';
    }
  });
  const webView = processes.filter((environment) => environment.includes(`NOX_HOME=${desk.home}\n`) && ours.test(environment));
  assert.ok(webView.length > 0, 'the web view has them');

  await desk.click('article', 'Water the plants');
  await desk.click('button', 'Open file');
  const environment = await until(() => existsSync(OPENED) && readFileSync(OPENED, 'utf8'), 'the file to be opened');
  assert.match(environment, new RegExp(`^OPENED=${file}$`, 'm'));
  assert.match(environment, /^WEBKIT_TEST_OF_THE_PERSON=stays$/m);
  assert.doesNotMatch(environment, ours);
});
