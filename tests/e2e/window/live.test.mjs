/** What a person does with an agent while it works: answers its questions, changes its mode, speaks to it, and forks it. */
import assert from 'node:assert/strict';
import { faults } from './axe.mjs';
import { answer, openSession, passWelcome, startTalk } from './nox.mjs';
import { TALK, recording } from './samples.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

/** Goes to an element as somebody without a pointer does. */
async function tabTo(desk, role, name) {
  await until(async () => {
    const [element] = await desk.findAll(role, name);
    if (element && (await desk.run('return document.activeElement === arguments[0]', element))) return true;
    await desk.keys('Tab');
    return false;
  }, `Tab to reach the ${role} “${name}”`, 10_000);
}

story('an agent is answered, steered and forked while it works', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  const conversation = await openSession(desk, TALK.title);

  // Its questions, by keys alone.
  await desk.focus(await desk.find('region', 'Player asks you'));
  await tabTo(desk, 'radio', 'CAMT.053');
  await desk.keys('Space');
  await desk.shows(/1 question has no answer yet/);
  await tabTo(desk, 'checkbox', 'Notes of people');
  await desk.keys('Space');
  await tabTo(desk, 'checkbox', 'The order of entries');
  await desk.keys('Space');
  assert.deepEqual(await faults(desk), []);
  await tabTo(desk, 'button', 'Send answer');
  await desk.keys('Enter');
  await desk.gone('button', 'Send answer');
  await desk.says(conversation, /read first\?\s+CAMT\.053\s+What has to be kept\?\s+Notes of people, The order of entries/);

  // How it works, by its menu.
  await desk.click('button', 'Mode: Ask each time');
  const menu = await desk.find('menu', /^Mode/);
  assert.deepEqual(await faults(desk), []);
  await desk.click('menuitem', /Plan only/, { within: menu });
  await desk.find('button', 'Mode: Plan only');
  await desk.says(conversation, /Mode changed to Plan only/);

  // Two messages wait; one of them is taken back.
  const message = await desk.find('textbox', 'Message to Player');
  for (const text of ['And then the tests.', 'Never mind the tests.']) {
    await desk.focus(message);
    await desk.type(text);
    await desk.keys('Control+Enter');
    await desk.find('button', `Take back “${text}”`);
  }
  assert.deepEqual(await faults(desk), []);
  await desk.click('button', 'Take back “Never mind the tests.”');
  await desk.gone('button', 'Take back “Never mind the tests.”');
  await desk.find('button', 'Take back “And then the tests.”');

  // A third is said into what it does now.
  await desk.focus(message);
  await desk.type('Only those of March.');
  await desk.click('button', 'Say now');
  await desk.says(conversation, /Only those of March\.[^]*You said meanwhile: Only those of March\./);
  await desk.find('region', 'Player shows you its plan');
  assert.deepEqual(await faults(desk), []);
  await answer(desk, 'Allow once');
  await desk.says(conversation, /The plan stands\.[^]*And then the tests\.[^]*I write the tests first/, 10_000);

  // A copy of it goes its own way, and leads back.
  await desk.click('button', 'Go on from a copy of this session');
  const dialog = await desk.dialog(/^Fork/);
  await desk.focus(await desk.find('textbox', 'What should be done there?', { within: dialog }));
  await desk.type(recording({ say: 'The copy goes another way.' }));
  assert.deepEqual(await faults(desk), []);
  await desk.click('button', 'Fork', { within: dialog });
  await desk.find('heading', `Fork of ${TALK.title}`);
  await desk.shows(/The copy goes another way\./, 10_000);
  assert.deepEqual(await faults(desk), []);
  await desk.click('link', TALK.title, { within: await desk.find('region', 'Conversation') });
  await desk.find('heading', TALK.title);
  assert.doesNotMatch(await desk.text(await desk.find('log')), /The copy goes another way/);
});
