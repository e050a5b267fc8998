/** The life of sessions as a person sees it: pausing, what runs, what a start found, an agent that takes messages. */
import assert from 'node:assert/strict';
import { faults } from './axe.mjs';
import { answer, openSession, passWelcome, streaming } from './nox.mjs';
import { story } from './story.mjs';

/** Two steps, so that there is something that a pause keeps from beginning. */
const TWO_STEPS = `# Two steps

\`\`\`sh
for n in 1 2 3 4 5 6; do echo "first $n"; sleep 0.25; done
\`\`\`

\`\`\`sh
echo second began
\`\`\`
`;

story('a session pauses after its step and goes on when told to', {}, async (desk) => {
  await passWelcome(desk);
  await desk.dropFiles([desk.world.write('two.md', TWO_STEPS)], await desk.column('Working'));
  await desk.card('Two steps', { in: 'Needs you' });
  const conversation = await openSession(desk, 'Two steps');
  await answer(desk, 'Allow for this session');
  await desk.says(conversation, /first 1/);
  // By its key; the step that runs is finished, and the next one does not begin.
  await desk.keys('P');
  await desk.shows(/Pausing: still finishes/);
  await desk.says(conversation, /first 6/, 10_000);
  // The next one may ask, and be allowed; it is kept until the session goes on.
  await answer(desk, 'Allow once');
  await desk.shows(/You paused it\. Nothing new begins until you continue/);
  assert.doesNotMatch(await desk.text(conversation), /^second began$/m);
  assert.deepEqual(await faults(desk), []);
  await desk.goTo('Board');
  await desk.card('Two steps', { in: 'Working' });
  const again = await openSession(desk, 'Two steps');
  assert.doesNotMatch(await desk.text(again), /^second began$/m);
  await desk.click('button', 'Continue');
  await desk.says(again, /^second began$/m, 10_000);
});

story('every process stands in Processes, with what it uses, and is ended from there', {}, async (desk) => {
  await passWelcome(desk);
  await desk.goTo('Processes');
  await desk.shows(/No session runs anything/);
  await desk.shows(/Nox itself/);
  await desk.goTo('Board');
  const file = desk.world.write('busy.md', '# Busy\n\n```sh\necho begun\nsleep 1001 &\nsleep 1001\n```\n');
  await desk.dropFiles([file], await desk.column('Working'));
  await desk.card('Busy', { in: 'Needs you' });
  const conversation = await openSession(desk, 'Busy');
  await answer(desk, 'Allow once');
  await desk.says(conversation, /begun/);
  await desk.goTo('Processes');
  const table = await desk.find('table', 'Processes that Nox owns');
  await desk.says(table, /Busy[\s\S]*sleep[\s\S]*sleep[\s\S]*Nox itself/, 10_000);
  // The processor is measured between two looks.
  await desk.says(table, /Busy[\s\S]*\d MB[\s\S]*\d%[\s\S]*Nox itself/, 10_000);
  assert.deepEqual(await faults(desk), []);
  await desk.click('button', 'Stop “Busy”');
  await desk.click('button', /^Stop \d+ processes$/, { within: await desk.dialog(/^Stop “Busy” and its/) });
  await desk.shows(/No session runs anything/, 10_000);
  const left = (await desk.tool('ps', '-eo', 'args')).split('\n').filter((args) => args === 'sleep 1001');
  assert.deepEqual(left, []);
});

story('after a crash the board leads to what became of each session', {}, async (desk) => {
  await passWelcome(desk);
  await desk.dropFiles([desk.world.write('cut.md', streaming('Cut off', { lines: 40, word: 'cut' }))], await desk.column('Working'));
  await desk.card('Cut off', { in: 'Needs you' });
  const conversation = await openSession(desk, 'Cut off');
  await answer(desk, 'Allow once');
  await desk.says(conversation, /cut 2 of 40/);
  await desk.killApp();

  await desk.openApp();
  await desk.goTo('Board');
  await desk.shows(/Nox ended unexpectedly: 1 session was interrupted/);
  await desk.click('link', 'See what happened');
  await desk.find('region', /^Waits for your choice/);
  await desk.shows(/Nobody saw how “.*” ended\. It is not done again until you choose\./);
  assert.deepEqual(await faults(desk), []);
  // Put away, it stays away.
  await desk.goTo('Board');
  await desk.click('button', 'Close');
  await desk.gone('link', 'See what happened');
});
