/** The first page: what stands on it stays where it is while the computer is looked at. */
import assert from 'node:assert/strict';
import { WORDS } from './nox.mjs';
import { installWaitingClaude } from './programs.mjs';
import { story } from './story.mjs';

/** What a person may be about to click. */
const BUTTONS = ['Run the sample', /project folder/i, WORDS.toBoard];

/** Where each of them is: {top, left}, in px. */
async function places(desk) {
  const buttons = await Promise.all(BUTTONS.map((name) => desk.find('button', name)));
  return desk.run('return [...arguments].map((each) => { const { top, left } = each.getBoundingClientRect(); return { top, left }; })', ...buttons);
}

for (const screen of [[1360, 900], [700, 760]]) {
  story(`no button of the first page moves when programs are found, at ${screen.join(' × ')}`, { open: false, screen }, async (desk) => {
    const answers = installWaitingClaude(desk);
    await desk.openApp();
    await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
    await desk.shows(/Looking at this computer/);
    const before = await places(desk);
    answers();
    await desk.find('button', 'Add Claude Code');
    assert.deepEqual(await places(desk), before);
    await desk.click('button', WORDS.toBoard);
    await desk.column('To do');
  });
}
