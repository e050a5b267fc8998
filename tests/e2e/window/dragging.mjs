/**
 * Drags from another application onto the app's window. Used by `Desk`.
 *
 * The source is `fakes/drag_source.py`, a client of its own; the pointer is the display's, moved by xdotool. So the app meets
 * what it meets when a person drags from a file manager: the X protocol from a stranger, position first, data after the drop.
 */
import path from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './until.mjs';
import { WINDOW_TESTS, pythonWithGtk } from './world.mjs';

const SIDE = 48;
const STEPS = 10;
/** A toolkit needs time between two motions to ask the target and hear its answer. */
const STEP_SECONDS = '0.03';

/** Moves the pointer in steps, and twice more beside and on the end, so that what is there has answered for this very place. */
async function lead(desk, begin, end) {
  const way = [];
  for (let step = 1; step <= STEPS; step++) {
    const part = step / STEPS;
    way.push('mousemove', Math.round(begin.x + (end.x - begin.x) * part), Math.round(begin.y + (end.y - begin.y) * part), 'sleep', STEP_SECONDS);
  }
  way.push('mousemove', end.x + 1, end.y + 1, 'sleep', STEP_SECONDS, 'mousemove', end.x, end.y, 'sleep', '0.1');
  await desk.tool('xdotool', ...way);
}

/** The place of an element or a page point on the screen. */
async function onScreen(desk, target) {
  const inPage = await desk.point(target);
  const window = await desk.window();
  return { x: Math.round(window.pageX + inPage.x * window.scale), y: Math.round(window.pageY + inPage.y * window.scale) };
}

/** See `Desk.dragInPage`. */
export async function dragInPage(desk, element, target) {
  const begin = await onScreen(desk, element);
  const end = await onScreen(desk, target);
  await desk.tool('xdotool', 'mousemove', begin.x, begin.y, 'sleep', STEP_SECONDS, 'mousedown', 1);
  try {
    await lead(desk, begin, end);
  } finally {
    await desk.tool('xdotool', 'mouseup', 1);
  }
}

/** See `Desk.dropFiles`. `kind` is files, links or text. */
export async function dragFrom(desk, kind, things, target, { hover } = {}) {
  const end = await onScreen(desk, target);
  const [width, height] = desk.options.screen;
  // From the corner that is farthest away, so that the source never lies on its target.
  const corner = { x: end.x > width / 2 ? 0 : width - SIDE, y: end.y > height / 2 ? 0 : height - SIDE };
  const begin = { x: corner.x + SIDE / 2, y: corner.y + SIDE / 2 };

  const source = desk.processes.start('drag', pythonWithGtk(), [path.join(WINDOW_TESTS, 'fakes', 'drag_source.py'), corner.x, corner.y, kind, ...things].map(String), {
    env: desk.env, stdio: ['pipe', 'pipe', 'log'],
  });
  const heard = [];
  createInterface({ input: source.stdout }).on('line', (line) => heard.push(JSON.parse(line)));
  const told = (event, limitMs) => until(() => heard.find((each) => each.event === event), `the drag source to say “${event}”`, limitMs);
  try {
    await told('ready', 10_000);
    // It begins by leaving the source a little; then the toolkit takes the pointer.
    await desk.tool('xdotool', 'mousemove', begin.x, begin.y, 'sleep', STEP_SECONDS, 'mousedown', 1);
    for (let px = 4; px <= 20; px += 4) {
      await desk.tool('xdotool', 'mousemove', begin.x + Math.sign(end.x - begin.x) * px, begin.y + Math.sign(end.y - begin.y) * px);
    }
    await told('begin');
    await lead(desk, begin, end);
    await hover?.();
  } finally {
    await desk.tool('xdotool', 'mouseup', 1).catch(() => {});
  }
  const { action } = await told('end');
  await desk.processes.endOne(source);
  const sent = heard.filter((each) => each.event === 'sent').map((each) => each.target);
  return { sent, action };
}
