/** Accessibility: no serious fault in any place, and every step of the journey by keyboard alone. */
import assert from 'node:assert/strict';
import { faults } from './axe.mjs';
import { PLACES, WORDS, answer, moveByKeys, openSession, passWelcome, streaming } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

const THEMES = ['light', 'dark'];

/** One column at a time is shown in a window so narrow. */
const NARROW_PX = 700;

async function check(desk, what, found) {
  for (const theme of THEMES) {
    await desk.setTheme(theme);
    found.push(...(await faults(desk)).map((fault) => `${what}, ${theme}: ${fault}`));
  }
}

story('no place has a serious accessibility fault, in light and dark, empty and full', {}, async (desk) => {
  const found = [];
  await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
  await check(desk, 'first start', found);
  await passWelcome(desk);
  const places = [];
  for (const place of PLACES) if ((await desk.findAll('link', place, { counted: true })).length) places.push(place);
  for (const place of ['Board', 'Approvals', 'Agents', 'Settings']) assert.ok(places.includes(place), `the place ${place} is missing`);
  for (const place of places) {
    await desk.goTo(place);
    await check(desk, `${place}, empty`, found);
  }
  await desk.goTo('Board');
  const files = ['Needs an answer', 'Waits here'].map((title) => desk.world.write(`${title}.md`, streaming(title, { lines: 2 })));
  await desk.dropFiles([files[1]], await desk.column('To do'));
  await desk.dropFiles([files[0]], await desk.column('Working'));
  await desk.card('Needs an answer', { in: 'Needs you' });
  for (const place of places) {
    await desk.goTo(place);
    await check(desk, place, found);
  }
  await desk.goTo('Board');
  await desk.focus(await desk.card('Waits here'));
  await desk.keys('M');
  await desk.dialog(WORDS.moveTo);
  await check(desk, 'moving a card', found);
  await desk.keys('Escape');
  await desk.gone('dialog');
  await desk.keys('Enter');
  await desk.find('button', 'Start');
  await check(desk, 'a task', found);
  await desk.keys('C');
  await desk.dialog(WORDS.newTask);
  await check(desk, 'a new task', found);
  await desk.keys('Escape');
  await desk.gone('dialog');
  const { width, height } = await desk.run('return { width: innerWidth, height: innerHeight }');
  await desk.resize(NARROW_PX, height);
  await check(desk, 'the board, narrow', found);
  await desk.resize(width, height);
  await openSession(desk, 'Needs an answer');
  await check(desk, 'a session that asks', found);
  await desk.keys('Control+K');
  await desk.dialog(WORDS.palette);
  await check(desk, 'the palette', found);
  assert.deepEqual(found, []);
});

story('everything can be reached by the keyboard', {}, async (desk) => {
  await passWelcome(desk);

  // The palette and the keys come and go, and the focus returns.
  await desk.keys('Control+K');
  await desk.dialog(WORDS.palette);
  await desk.keys('Escape');
  await desk.gone('dialog', WORDS.palette);
  await desk.keys('?');
  await desk.dialog(WORDS.keys);
  await desk.keys('Escape');
  await desk.gone('dialog');

  // Places by number, and by Tab with a ring that can be seen.
  await desk.keys('Control+3');
  await until(async () => (await (await desk.place('Approvals')).getAttribute('aria-current')) === 'page', 'Approvals by its number');
  await desk.keys('Control+1');
  await desk.column('To do');
  const seen = new Set();
  for (let step = 0; step < 60; step++) {
    await desk.keys('Tab');
    const focus = await desk.run(`
      const e = document.activeElement;
      // A border of the ring's colour is part of it.
      const border = (s) => (s.borderTopColor === s.outlineColor ? parseFloat(s.borderTopWidth) : 0);
      const rings = (s) => s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) + border(s) >= 2 || s.boxShadow !== 'none';
      // A field may wear its ring on the frame around it.
      const frame = e.localName === 'input' ? e.closest('label') : null;
      return { name: (e.getAttribute('aria-label') ?? e.innerText ?? '').trim().split('\\n')[0] || e.localName,
               ring: [e, frame].some((each) => each && rings(getComputedStyle(each))) };`);
    if (focus.name !== 'body') assert.ok(focus.ring, `“${focus.name}” has no visible focus`);
    seen.add(focus.name);
  }
  for (const place of ['Board', 'Approvals', 'Agents', 'Settings']) assert.ok([...seen].some((name) => name.startsWith(place)), `Tab never reaches ${place}: ${[...seen].join(' | ')}`);

  // A task: made, started, approved, seen to its end; no pointer.
  await desk.keys('C');
  await desk.focus(await desk.find('textbox', WORDS.title));
  await desk.type('Made by keys');
  await desk.focus(await desk.find('textbox', WORDS.body));
  await desk.type('```sh\necho by keys\n```\n');
  await desk.keys('Control+Enter');
  await desk.gone('dialog');
  await desk.card('Made by keys', { in: 'To do' });
  // To where it is already: nothing is recorded, and nothing waits for it.
  await moveByKeys(desk, 'Made by keys', 'To do');
  await desk.gone('dialog');
  await until(async () => !(await (await desk.card('Made by keys')).getAttribute('aria-busy')), 'the card to be settled');
  assert.equal((await desk.focused()).label, 'Made by keys', 'the focus must stay on the card');
  await moveByKeys(desk, 'Made by keys', 'Working');
  await desk.card('Made by keys', { in: 'Needs you' });
  await desk.gone('dialog');
  assert.equal((await desk.focused()).label, 'Made by keys', 'the focus must follow the card');
  const conversation = await openSession(desk, 'Made by keys');
  await answer(desk, 'Allow once', 'keys');
  await desk.says(conversation, /by keys/);
  await desk.desktop.notification(/Made by keys[\s\S]*finished/i, 10_000);
});
