/**
 * What the journeys do in Nox again and again, and the words by which they find it. Used by the tests and `screenshots.mjs`.
 *
 * Words that the contract does not fix stand here once, in `WORDS`: a text that changes is changed in one line.
 */
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { PLAYER, TALK } from './samples.mjs';
import { until } from './until.mjs';

export const PLACES = ['Board', 'Sessions', 'Approvals', 'Agents', 'Processes', 'Documents', 'Activity', 'Settings'];
export const COLUMNS = ['Backlog', 'To do', 'Working', 'Needs you', 'Review', 'Done'];

export const WORDS = {
  welcome: 'Welcome to Nox',
  toBoard: /empty board/i,
  moveTo: 'Move to',
  newTask: 'New task',
  title: 'Title',
  body: 'Text',
  keys: /keys|shortcuts/i,
  palette: 'Command palette',
  keyName: /^name/i,
  keyValue: /key|value|secret/i,
  storeKey: /^(add|store|save)( key)?$/i,
};

/** A runbook with one block that prints lines slowly enough to be seen streaming. */
export function streaming(title, { lines = 6, pauseSeconds = 0.25, word = 'line' } = {}) {
  return `# ${title}\n\nPrints ${lines} lines.\n\n\`\`\`sh\nfor n in $(seq ${lines}); do echo "${word} $n of ${lines}"; sleep ${pauseSeconds}; done\n\`\`\`\n`;
}

/** Leaves the page of the first start and waits for the board. */
export async function passWelcome(desk) {
  await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
  await desk.click('button', WORDS.toBoard);
  await desk.column('To do');
}

/** Chooses an entry of a list by the keyboard: the arrows walk to it, Enter takes it. */
export async function pick(desk, within, name) {
  await desk.find('option', name, { within });
  await desk.keys('Home');
  await until(async () => {
    const [option] = await desk.findAll('option', name, { within });
    if ((await option?.getAttribute('aria-selected')) === 'true') return true;
    await desk.keys('ArrowDown');
    return false;
  }, `the arrows to reach “${name}”`);
  await desk.keys('Enter');
}

/** Moves a card by its keyboard twin. */
export async function moveByKeys(desk, title, column) {
  await desk.focus(await desk.card(title));
  await desk.keys('M');
  await pick(desk, await desk.dialog(WORDS.moveTo), column);
}

/** Opens the session of a card by the keyboard; returns the conversation. */
export async function openSession(desk, title) {
  // A card that has just been started is on its way to another column: Enter counts when it has arrived.
  await until(async () => {
    const [log] = await desk.findAll('log');
    if (log) return log;
    await desk.focus(await desk.card(title));
    await desk.keys('Enter');
    return desk.find('log', undefined, { limitMs: 1500 });
  }, `the session of “${title}” to open`, 10_000);
  return desk.find('log');
}

/**
 * Gives an answer to the only open approval, by the pointer or by keys. A card that has just appeared takes none for half a
 * second, so the button is pressed until it is gone.
 */
export async function answer(desk, word, by = 'pointer') {
  await desk.find('button', word);
  await until(async () => {
    const [button] = await desk.findAll('button', word);
    if (!button) return true;
    if (by === 'pointer') {
      await button.click();
    } else {
      await desk.focus(button);
      await desk.keys('Enter');
    }
    return false;
  }, `the answer “${word}” to be taken`);
}

/** Makes the agent that plays recordings, gives it the task that talks with people, and starts that; it asks something then. */
export async function startTalk(desk) {
  const folder = path.join(desk.home, 'registry', 'agents', PLAYER.id);
  desk.world.write(path.join(folder, 'prompt.md'), PLAYER.prompt);
  desk.world.write(path.join(folder, 'agent.toml'), PLAYER.toml);
  const dropped = desk.world.write('talk.md', `# ${TALK.title}\n\n${TALK.body}`);
  await desk.dropFiles([dropped], await desk.column('To do'));
  await desk.card(TALK.title, { in: 'To do' });
  const { file, text } = await taskFile(desk, TALK.title);
  desk.world.write(file, text.replace('---\n', `---\nagent: ${PLAYER.id}\n`));
  await desk.says(await desk.card(TALK.title), /Player/);
  await moveByKeys(desk, TALK.title, 'Working');
  await desk.card(TALK.title, { in: 'Needs you', limitMs: 10_000 });
}

/** Chooses in a native list, which opens outside of the page. */
export async function choose(desk, label, word) {
  const list = await desk.find('combobox', label);
  await desk.run(
    `const [list, word] = arguments;
    list.value = [...list.options].find((option) => option.text === word).value;
    list.dispatchEvent(new Event('change', { bubbles: true }));`,
    list,
    word,
  );
}

/** Closes every message, so that a picture shows its place and nothing over it. Not by the pointer, which may hold something. */
export async function closeMessages(desk) {
  const messages = await desk.find('region', 'Messages');
  await until(async () => {
    for (const close of await desk.findAll('button', 'Close', { within: messages })) await desk.run('arguments[0].click()', close);
    return (await desk.findAll('button', 'Close', { within: messages })).length === 0;
  }, 'the messages to be closed');
}

/** Waits for a card in Done, which may be folded. */
export async function cardInDone(desk, title, limitMs = 15_000) {
  return until(async () => {
    const done = await desk.column('Done');
    const [card] = await desk.findAll('article', title, { within: done });
    if (card) return card;
    if ((await desk.findAll('article', null, { within: done })).length === 0) {
      const [unfold] = [...(await desk.findAll('button', /done|unfold|show|open/i, { within: done }))];
      await unfold?.click();
    }
    return undefined;
  }, `the card “${title}” in Done`, limitMs);
}

/** Every task file in the registry: [{file, text}]. */
export function taskFiles(desk) {
  const root = path.join(desk.home, 'registry', 'tasks');
  return readdirSync(root, { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(root, name))
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }));
}

/** The task file whose text contains the title, as soon as it is written. */
export function taskFile(desk, title) {
  return until(() => taskFiles(desk).find(({ text }) => text.includes(title)), `the file of the task “${title}”`);
}

/** Whether `wanted` appears in `seen` in this order, other things between allowed. */
export function inOrder(seen, wanted) {
  let next = 0;
  for (const each of seen) if (each === wanted[next]) next += 1;
  return next === wanted.length;
}
