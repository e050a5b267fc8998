/** Messages at the lower right: never on a bar with buttons, never tall, gone where what they say is in sight. */
import assert from 'node:assert/strict';
import { openSession, passWelcome, startTalk } from './nox.mjs';
import { TALK } from './samples.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

/** The tallest message: two lines and one below, or two rows of buttons. */
const TALLEST_PX = 80;

/** The boxes of all messages and of one element: {messages, bar}, each {top, bottom, left, right, height}. */
function boxes(desk, bar) {
  return desk.run(`
    const box = (e) => { const { top, bottom, left, right, height } = e.getBoundingClientRect(); return { top, bottom, left, right, height }; };
    const all = document.querySelector('section[aria-label="Messages"]');
    return { messages: [...all.children].map(box), bar: box(arguments[0]) };`, bar);
}

const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

async function keepsClear(desk, bar, what) {
  const found = await boxes(desk, bar);
  assert.ok(found.messages.length > 0, `no message is shown beside ${what}`);
  for (const message of found.messages) {
    assert.ok(!meet(message, found.bar), `a message lies on ${what}: ${JSON.stringify(found)}`);
    assert.ok(message.height <= TALLEST_PX, `a message is ${message.height} px high`);
    assert.ok(message.top >= 0, `a message is out of sight: ${JSON.stringify(found)}`);
  }
}

story('messages lie on no bar with buttons, and a long command makes none tall', {}, async (desk) => {
  await passWelcome(desk);
  const long = Array.from({ length: 60 }, (_, n) => `echo part-${n}`).join(' && ');
  const file = desk.world.write('long.md', `# A long command\n\n\`\`\`sh\n${long}\n\`\`\`\n`);
  await desk.dropFiles([file], await desk.column('Working'));
  await desk.card('A long command', { in: 'Needs you' });
  await desk.shows(/asks: echo part-0/);
  await keepsClear(desk, await desk.find('region', 'Agents'), 'the bar of the agents');

  // Where the request is in sight, its message goes; another one keeps clear of the answers.
  await desk.goTo('Approvals');
  await until(async () => !/asks: echo part-0/.test(await desk.run('return document.querySelector(\'section[aria-label="Messages"]\').innerText')), 'the message of the request to go');
  const other = desk.world.write('other.md', '# Another one\n\n```sh\necho done\n```\n');
  assert.equal((await desk.nox(['run', other, '--allow', 'all'])).code, 0);
  await desk.shows(/Another one\. Finished/);
  await keepsClear(desk, await desk.find('group', 'Answer'), 'the answers');
});

story('the scroll bar of a conversation has a place of its own and is not painted over a message', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  const log = await openSession(desk, TALK.title);
  // One that floats has no room of its own, and is painted over everything.
  const room = (element) => desk.run('return arguments[0].offsetWidth - arguments[0].clientWidth', element);
  assert.ok((await room(log)) > 0, 'the scroll bar of the conversation floats');
});
