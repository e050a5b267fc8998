/** The whole way of a task: from a file on the desktop to the tray and the notification. */
import assert from 'node:assert/strict';
import { COLUMNS, answer, cardInDone, inOrder, moveByKeys, openSession, passWelcome, streaming } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

story('a dropped file becomes a task, runs after an approval, and the desktop hears of it', {}, async (desk) => {
  // The first start explains itself, then shows an empty board.
  await passWelcome(desk);
  for (const column of COLUMNS) await desk.column(column);
  await desk.desktop.trayIs('idle');

  // Real files from another application; what is dropped is kept, and its source is not touched.
  const hello = desk.world.write('hello.md', streaming('Say hello', { word: 'hello' }));
  const count = desk.world.write('count.md', streaming('Count to three', { lines: 3, word: 'count' }));
  const drop = await desk.dropFiles([hello], await desk.column('To do'));
  assert.deepEqual(drop.sent, ['text/uri-list']);
  const card = await desk.card('Say hello', { in: 'To do' });
  await desk.dropFiles([count], await desk.column('Backlog'));
  await desk.card('Count to three', { in: 'Backlog' });

  // Into Working by the pointer: it starts, and asks before it runs anything.
  await desk.pointerDrag(card, await desk.column('Working'));
  await desk.card('Say hello', { in: 'Needs you' });
  await desk.desktop.trayIs('needs-you');
  await until(() => desk.desktop.trayLabel() === '1 needs you', 'the tray to say how many need me');
  const asked = await desk.desktop.notification(/Say hello[\s\S]*needs approval/i);
  assert.ok(asked.summary.includes('Say hello'), asked.summary);
  await desk.place('Approvals');
  assert.match(await (await desk.place('Approvals')).getText(), /1/);

  // Answered in the session, where its output then streams: some of it is there before all of it.
  const conversation = await openSession(desk, 'Say hello');
  await desk.says(conversation, /for n in/);
  await answer(desk, 'Allow once');
  await desk.desktop.trayIs('running');
  await desk.says(conversation, /hello 2 of 6/);
  assert.doesNotMatch(await desk.text(conversation), /^hello 6 of 6$/m, 'the output must stream, not come at its end');
  await desk.says(conversation, /hello 6 of 6/, 10_000);
  await desk.desktop.trayIs('idle', 10_000);
  const finished = await desk.desktop.notification(/Say hello[\s\S]*finished/i);

  await desk.goTo('Board');
  await cardInDone(desk, 'Say hello');

  // The click on the notification opens the session.
  await desk.desktop.clickNotification(finished);
  await desk.says(await desk.find('log'), /hello 6 of 6/);

  const states = desk.desktop.trayStates();
  assert.ok(inOrder(states, ['idle', 'needs-you', 'running', 'idle']), `the tray showed: ${states.join(', ')}`);

  // The other card by keyboard alone, answered in the inbox.
  await desk.goTo('Board');
  await moveByKeys(desk, 'Count to three', 'Working');
  await desk.card('Count to three', { in: 'Needs you' });
  await desk.goTo('Approvals');
  await desk.shows(/count/);
  await answer(desk, 'Allow once');
  await desk.desktop.notification(/Count to three[\s\S]*finished/i, 15_000);
  await desk.goTo('Board');
  await cardInDone(desk, 'Count to three');
});

story('closing the window keeps an agent working, and the tray brings the window back', {}, async (desk) => {
  await passWelcome(desk);
  const file = desk.world.write('slow.md', streaming('Take your time', { lines: 12, word: 'slow' }));
  await desk.dropFiles([file], await desk.column('Working'));
  await desk.card('Take your time', { in: 'Needs you' });
  await openSession(desk, 'Take your time');
  await answer(desk, 'Allow once');
  await desk.desktop.trayIs('running');
  await desk.closeWindow();
  await desk.desktop.notification(/Take your time[\s\S]*finished/i, 20_000);
  assert.equal(desk.appProcesses().length > 0, true);
  await desk.desktop.clickTray(/^(open|show)/i);
  await until(async () => (await desk.windows()).length > 0, 'the window to come back');
});

story('a notification can be answered without the window', {}, async (desk) => {
  await passWelcome(desk);
  const file = desk.world.write('asked.md', streaming('Ask the desktop', { lines: 2, word: 'asked' }));
  await desk.dropFiles([file], await desk.column('Working'));
  const asked = await desk.desktop.notification(/Ask the desktop[\s\S]*needs approval/i, 10_000);
  const allow = asked.actions.find(({ label }) => label === 'Allow once');
  assert.ok(allow, `its actions are: ${asked.actions.map(({ label }) => label).join(', ')}`);
  await desk.desktop.clickNotification(asked, allow.key);
  await desk.desktop.notification(/Ask the desktop[\s\S]*finished/i, 10_000);
});

story('the session can be refused and stopped', {}, async (desk) => {
  await passWelcome(desk);
  const refused = desk.world.write('refused.md', '# Refuse me\n\n```sh\ntouch ran\n```\n');
  await desk.dropFiles([refused], await desk.column('Working'));
  await desk.card('Refuse me', { in: 'Needs you' });
  await openSession(desk, 'Refuse me');
  await answer(desk, 'Deny');
  await desk.says(await desk.find('log'), /denied/i);

  await desk.goTo('Board');
  const endless = desk.world.write('endless.md', '# Never ends\n\n```sh\necho begun\nsleep 1000 &\nsleep 1000\n```\n');
  await desk.dropFiles([endless], await desk.column('Working'));
  await desk.card('Never ends', { in: 'Needs you' });
  const conversation = await openSession(desk, 'Never ends');
  await answer(desk, 'Allow once');
  await desk.says(conversation, /begun/);
  await desk.click('button', 'Stop');
  await desk.says(conversation, /stopped/i);
  await until(async () => !(await desk.tool('ps', '-eo', 'args')).split('\n').includes('sleep 1000'), 'everything it started to be gone');
});

story('a crash leaves the approval open, and answering it goes on', {}, async (desk) => {
  await passWelcome(desk);
  const file = desk.world.write('crash.md', streaming('Survive a crash', { lines: 2, word: 'survived' }));
  await desk.dropFiles([file], await desk.column('Working'));
  await desk.card('Survive a crash', { in: 'Needs you', limitMs: 10_000 });
  await desk.killApp();

  await desk.openApp();
  await desk.goTo('Board');
  await desk.card('Survive a crash', { in: 'Needs you' });
  await desk.desktop.trayIs('needs-you');
  const conversation = await openSession(desk, 'Survive a crash');
  await answer(desk, 'Allow once');
  await desk.says(conversation, /survived 2 of 2/, 10_000);
});

story('text and a link from another application become tasks', {}, async (desk) => {
  await passWelcome(desk);
  await desk.dropText('Call the plumber\n\nAbout the kitchen.', await desk.column('Backlog'));
  await desk.card('Call the plumber', { in: 'Backlog' });
  await desk.dropLink('https://example.org/handbook', await desk.column('To do'));
  await desk.card(/example\.org/, { in: 'To do' });
});
