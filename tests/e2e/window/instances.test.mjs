/** Starting the app twice: one engine, one window. */
import assert from 'node:assert/strict';
import { passWelcome } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

story('a second start brings the first window up and ends well', {}, async (desk) => {
  await passWelcome(desk);
  const { id } = await desk.window();
  const before = desk.appProcesses().map(({ pid }) => pid);

  // Minimised.
  await desk.tool('xdotool', 'windowminimize', '--sync', id);
  assert.equal((await desk.startSecond()).code, 0);
  await until(async () => (await desk.windows()).some((window) => window.id === id), 'the window to come up');
  await until(async () => (await desk.activeWindow()) === id, 'the window to get the focus');

  // Closed to the tray.
  await desk.closeWindow();
  assert.equal((await desk.startSecond()).code, 0);
  await until(async () => (await desk.windows()).length === 1, 'the window to come back');
  assert.deepEqual(desk.appProcesses().map(({ pid }) => pid), before);
});
