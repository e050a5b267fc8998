/** The harness's own test: what happens on a desk is seen, with a small stand-in for the app. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { faults } from './axe.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';
import { WINDOW_TESTS } from './world.mjs';

const app = path.join(WINDOW_TESTS, 'selftest', 'app.py');

story('the desk sees tray, notifications, keys, pointer and drops', { app, keyring: true }, async (desk) => {
  // Names.
  await desk.place('Board');
  await desk.column('To do');
  const card = await desk.card('Carry me', { in: 'To do' });
  await assert.rejects(desk.find('button', 'Nowhere', { limitMs: 200 }), /each button there: “Notify”/);

  // The tray.
  await desk.desktop.trayIs('idle');
  await desk.desktop.clickTray('Work');
  await desk.desktop.trayIs('running');
  assert.deepEqual(desk.desktop.trayStates(), ['idle', 'running']);

  // A notification and its click.
  await desk.click('button', 'Notify');
  const note = await desk.desktop.notification(/finished/);
  assert.equal(note.summary, 'Stand-in');
  await desk.desktop.clickNotification(note);
  const said = await desk.find('status');
  await desk.says(said, /opened by default/);

  // Keys and the pointer.
  await desk.keys('Control+K');
  await desk.says(said, /key Control\+k/);
  await desk.pointerDrag(card, await desk.column('Working'));
  await desk.card('Carry me', { in: 'Working' });

  // Real drops from another client.
  const file = desk.world.write('a file.md', '# A file\n');
  const drop = await desk.dropFiles([file], await desk.column('To do'), { hover: () => desk.says(said, /over To do/) });
  assert.deepEqual(drop.action, ['copy']);
  await desk.says(said, /dropped .*on To do/);
  await desk.dropText('some words', await desk.column('Working'));
  await desk.says(said, /dropped some words on Working/);

  // The keychain.
  await desk.tool('sh', '-c', 'printf canary | secret-tool store --label=Key service nox-test user me');
  const [secret] = await desk.desktop.keychain();
  assert.deepEqual([secret.label, secret.secret], ['Key', 'canary']);

  // axe.
  const found = await faults(desk);
  assert.ok(found.some((fault) => fault.includes('color-contrast')), `axe must see the faint text: ${found}`);
});

story('the window can be resized, closed and opened again, and the end leaves nothing', { app }, async (desk) => {
  await desk.resize(700, 500);
  await desk.closeWindow();
  await until(() => desk.appProcesses().length === 0, 'the stand-in to end');
  await desk.closeApp();
  await desk.openApp();
  await desk.place('Board');
  await desk.killApp();
  await desk.openApp();
  await desk.place('Board');
  await desk.stop();
  assert.deepEqual(desk.processes.alive(), []);
});

story('what outlives the app is an error', { app }, async (desk) => {
  // It has left its group and its environment; only the folder in which it works gives it away.
  const stray = desk.processes.start('stray', '/bin/sh', ['-c', 'exec env -i setsid --fork sleep 60'], { cwd: desk.world.files, env: desk.env });
  await stray.exited;
  await assert.rejects(desk.stop(), /still running after the app had ended: sleep 60/);
  assert.deepEqual(await until(() => desk.processes.alive().length === 0, 'it to be killed'), true);
});
