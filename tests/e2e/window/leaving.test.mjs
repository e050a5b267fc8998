/** Leaving in good order, starting twice at once, and a home that cannot be used. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { answer, passWelcome } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

story('quitting while an agent works asks first, and then ends what it started', {}, async (desk) => {
  await passWelcome(desk);
  const endless = desk.world.write('endless.md', '# Never ends\n\n```sh\necho begun\nsleep 4321 &\nsleep 4321\n```\n');
  const second = desk.world.write('second.md', '# Second\n\n```sh\ntrue\n```\n');
  for (const file of [endless, second]) await desk.dropFiles([file], await desk.column('Working'));
  await desk.desktop.notification(/Second[\s\S]*needs approval/i, 10_000);
  const asked = await desk.desktop.notification(/Never ends[\s\S]*needs approval/i, 10_000);
  await desk.desktop.clickNotification(asked, 'allow_once');
  const sleeps = async () => (await desk.tool('ps', '-eo', 'args')).split('\n').filter((line) => line === 'sleep 4321').length;
  await until(async () => (await sleeps()) === 2, 'the task to work', 10_000);

  await desk.desktop.clickTray(/^quit/i);
  await desk.dialog(/Quit Nox while 1 session is running/);
  await desk.click('button', 'Stay');
  assert.equal(await sleeps(), 2);
  await desk.desktop.clickTray(/^quit/i);
  await desk.dialog(/Quit Nox while 1 session is running/);
  // The window may be gone before the driver has heard that the click was done.
  await desk.click('button', 'Stop 1 session and quit').catch(() => {});
  await until(() => desk.appProcesses().length === 0, 'the app to end', 15_000);
  assert.equal(await sleeps(), 0);
  await desk.closeApp();

  // What was asked is still open, and answering it goes on.
  await desk.openApp();
  await desk.desktop.trayIs('needs-you');
  await desk.goTo('Approvals');
  await answer(desk, 'Allow once');
  await desk.desktop.notification(/Second[\s\S]*finished: 1 of 1 block/i, 10_000);
});

story('--quit ends the running app in good order, and answers when it is gone', {}, async (desk) => {
  await passWelcome(desk);
  const endless = desk.world.write('endless.md', '# Never ends\n\n```sh\nsleep 4322\n```\n');
  await desk.dropFiles([endless], await desk.column('Working'));
  const asked = await desk.desktop.notification(/Never ends[\s\S]*needs approval/i, 10_000);
  await desk.desktop.clickNotification(asked, 'allow_once');
  const sleeps = async () => (await desk.tool('ps', '-eo', 'args')).split('\n').filter((line) => line === 'sleep 4322').length;
  await until(async () => (await sleeps()) === 1, 'the task to work', 10_000);
  assert.equal((await desk.startSecond(['--quit'])).code, 0);
  assert.equal(await sleeps(), 0);
  await until(() => desk.appProcesses().length === 0, 'the app to end');
  await desk.closeApp();
  // Nothing runs now, and that is what was wanted.
  assert.equal((await desk.startSecond(['--quit'])).code, 0);

  await desk.openApp();
  await desk.goTo('Sessions');
  await desk.shows(/Never ends[\s\S]*Stopped/i);
});

story('two starts at the same moment are one app', { open: false }, async (desk) => {
  const starts = ['first', 'second'].map((name) => desk.processes.start(name, desk.options.app, [], { env: desk.env }));
  const ended = await Promise.race(starts.map(({ exited }) => exited));
  assert.equal(ended.code, 0);
  await until(async () => (await desk.windows()).length === 1, 'one window', 10_000);
});

story('a home that cannot be used is said in a dialog and on standard error', { open: false }, async (desk) => {
  const file = path.join(desk.world.root, 'file');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, 'no folder');
  const env = { ...desk.env, NOX_HOME: path.join(file, 'home') };
  const app = desk.processes.start('refused', desk.options.app, [], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  app.stderr.setEncoding('utf8').on('data', (chunk) => (said += chunk));
  const dialog = await until(async () => {
    const ids = await desk.tool('xdotool', 'search', '--onlyvisible', '--name', '^Nox cannot start$').catch(() => '');
    return ids.split('\n')[0];
  }, 'the dialog', 10_000);
  assert.match(said, /file\/home.*cannot be used/);
  await desk.tool('xdotool', 'windowactivate', '--sync', dialog);
  await desk.tool('xdotool', 'key', 'Return');
  assert.equal((await app.exited).code, 1);
});
