/**
 * Every control by keys alone: forms, the editor of rules, settings, the palette. Nothing here points, and nothing puts the
 * focus anywhere but Tab, the arrows and the app's own keys.
 */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { WORDS, passWelcome, streaming } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

/** A place has fewer stops than this; a Tab that never comes to a control is a fault of the place. */
const MOST_STOPS = 90;

/** The name and the role of what has the focus, as a screen reader is told. */
function focused(desk) {
  return desk.run(`
    const e = document.activeElement;
    const labelled = (e.getAttribute('aria-labelledby') ?? '').split(' ').map((id) => document.getElementById(id)?.innerText ?? '').join(' ').trim();
    const name = e.getAttribute('aria-label') ?? (labelled || [...(e.labels ?? [])].map((each) => each.innerText).join(' ') || e.innerText || '');
    return { name: name.trim().split('\\n')[0], role: e.getAttribute('role') ?? e.type ?? e.localName, group: e.closest('[role=radiogroup]')?.getAttribute('aria-label') ?? null };`);
}

/** Presses Tab until a control of this name has the focus. */
async function tabTo(desk, name, { back = false, group } = {}) {
  const seen = [];
  const is = (focus) => (group ? focus.group === group : name instanceof RegExp ? name.test(focus.name) : focus.name === name);
  for (let stop = 0; stop < MOST_STOPS; stop += 1) {
    const focus = await focused(desk);
    if (is(focus)) return focus;
    seen.push(focus.name || focus.role);
    await desk.keys(back ? 'Shift+Tab' : 'Tab');
  }
  throw new Error(`Tab never comes to “${group ?? name}”; it comes to: ${seen.join(' | ')}`);
}

/** Replaces the content of the field that has the focus. */
async function write(desk, text) {
  await desk.keys('Control+A', 'Delete');
  await desk.type(text);
}

/** Does something by its words in the palette. */
async function byPalette(desk, words) {
  await desk.keys('Control+K');
  await desk.dialog(WORDS.palette);
  await desk.type(words);
  await desk.find('option', new RegExp(words, 'i'));
  await desk.keys('Enter');
  await desk.gone('dialog', WORDS.palette);
}

const read = (desk, ...names) => {
  const file = path.join(desk.home, ...names);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

story('the first page, an agent from its making to its end, and back, by keys', {}, async (desk) => {
  await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
  await tabTo(desk, WORDS.toBoard);
  await desk.keys('Enter');
  await desk.column('To do');

  await byPalette(desk, 'Go to Agents');
  await byPalette(desk, 'New agent');
  await tabTo(desk, 'Name');
  await desk.type('Night watch');
  await tabTo(desk, 'Description');
  await desk.type('Looks after the backups');
  await tabTo(desk, 'Review');
  await desk.keys('Space');
  await tabTo(desk, 'Limits');
  await desk.keys('Enter');
  await tabTo(desk, 'At once');
  await desk.type('2');
  await tabTo(desk, 'One command');
  await desk.type('90');
  await tabTo(desk, 'Capabilities and environment');
  await desk.keys('Enter');
  await tabTo(desk, 'Capabilities');
  await desk.type('backup, restore');
  await tabTo(desk, 'Environment');
  await desk.type('LEVEL=quiet');
  await tabTo(desk, null, { group: 'Font of the prompt' });
  await desk.keys('ArrowRight');
  await tabTo(desk, 'Prompt');
  await desk.type('Never delete the newest copy.');
  await desk.keys('Control+S');
  await until(() => /name = "Night watch"/.test(read(desk, 'registry/agents/night-watch/agent.toml')), 'the file of the agent');
  const made = read(desk, 'registry/agents/night-watch/agent.toml');
  for (const line of [/description = "Looks after the backups"/, /"backup", "restore"/, /review = /, /max_concurrent_tasks = 2/, /max_call_seconds = 90/, /LEVEL = "quiet"/]) assert.match(made, line);
  assert.match(read(desk, 'registry/agents/night-watch/prompt.md'), /Never delete the newest copy\./);

  // A change, thrown away by its button; a second one is kept.
  await tabTo(desk, 'Description');
  await write(desk, 'Thrown away');
  await tabTo(desk, 'Discard', { back: true });
  await desk.keys('Enter');
  await desk.gone('button', 'Discard');
  await tabTo(desk, 'Enabled');
  await desk.keys('Space');
  await until(() => /enabled = false/.test(read(desk, 'registry/agents/night-watch/agent.toml')), 'the agent to be off');
  assert.match(read(desk, 'registry/agents/night-watch/agent.toml'), /description = "Looks after the backups"/);

  await tabTo(desk, 'Delete this agent');
  await desk.keys('Enter');
  await until(() => !existsSync(path.join(desk.home, 'registry/agents/night-watch/agent.toml')), 'the agent to be deleted');
  await desk.keys('Control+Z');
  await until(() => existsSync(path.join(desk.home, 'registry/agents/night-watch/agent.toml')), 'the agent to be back');
});

story('a rule is written, used and deleted, and a request denied with a reason, by keys', {}, async (desk) => {
  await passWelcome(desk);
  const runbook = '# By a rule\n\n```sh name="First"\necho one two three\n```\n\n```sh name="Second"\necho one two four\n```\n\n```sh name="Third"\nprintf %s "$HOME"\n```\n';
  await desk.dropFiles([desk.world.write('rule.md', runbook)], await desk.column('Working'));
  await desk.card('By a rule', { in: 'Needs you' });

  await desk.keys('N');
  await desk.find('button', 'Always allow');
  await tabTo(desk, 'Always allow');
  await desk.keys('Enter');
  // The editor takes the focus into its field as soon as it knows the narrowest rule.
  await until(async () => (await focused(desk)).name === 'Rule', 'the field of the rule to have the focus');
  await until(async () => (await desk.run('return document.activeElement.value')) === 'echo one two three', 'the narrowest rule');
  await write(desk, 'echo one two');
  await tabTo(desk, null, { group: 'For' });
  await desk.keys('ArrowRight');
  await tabTo(desk, 'Always allow with this rule');
  await desk.keys('Enter');
  await until(() => /prefix = \["echo", "one", "two"\]/.test(read(desk, 'registry/policy.toml')), 'the rule in its file');

  // The second block is allowed by it; the third asks again and is denied with a reason.
  await desk.find('region', /wants to run a command/);
  await until(async () => {
    await desk.keys('N');
    return (await desk.run('return document.querySelector("main").innerText')).includes('printf %s');
  }, 'the third block to ask', 10_000);
  await tabTo(desk, 'Reason, sent to the agent');
  await desk.type('Not that one');
  await until(async () => {
    await desk.keys('Enter');
    return (await desk.findAll('textbox', 'Reason, sent to the agent')).length === 0;
  }, 'the denial to be taken');
  await desk.shows(/Denied/);
  // Nothing waits now; the newest of the answered ones is the next to be walked to.
  await desk.keys('J');
  await desk.shows(/Not that one/);

  await desk.keys('R');
  await desk.find('heading', 'Rules');
  await tabTo(desk, /^Delete the rule/);
  await desk.keys('Enter');
  await until(() => !/"two"\]/.test(read(desk, 'registry/policy.toml')), 'the rule to be gone');
  await desk.keys('Control+Z');
  await until(() => /"two"\]/.test(read(desk, 'registry/policy.toml')), 'the rule to be back');
});

story('settings are changed and a key is stored, tested and deleted, by keys', { keyring: true }, async (desk) => {
  await passWelcome(desk);
  await byPalette(desk, 'Go to Settings');
  await byPalette(desk, 'Settings: General');
  const settings = () => read(desk, 'local.toml');
  await tabTo(desk, 'Notifications');
  await desk.keys('Space');
  await until(() => /notifications = false/.test(settings()), 'notifications to be off');
  await tabTo(desk, null, { group: 'Log' });
  await desk.keys('ArrowRight');
  await until(() => /log_level = "debug"/.test(settings()), 'the level of the log');
  await tabTo(desk, 'Sessions at once');
  await write(desk, '3');
  await desk.keys('Enter');
  await until(() => /max_live_runs = 3/.test(settings()), 'the number of sessions');
  await tabTo(desk, null, { group: 'Theme' });
  await desk.keys('ArrowRight');
  await until(() => /theme = "light"/.test(settings()), 'the theme');

  await tabTo(desk, 'Name');
  await desk.type('model-key');
  await tabTo(desk, 'Value');
  await desk.type('sk-by-keys');
  await desk.keys('Enter');
  await until(async () => (await desk.desktop.keychain()).some(({ secret }) => secret === 'sk-by-keys'), 'the key to be stored');
  await desk.find('button', 'Test');
  await tabTo(desk, 'Test', { back: true });
  await desk.keys('Enter');
  await desk.shows(/Readable/);
  await tabTo(desk, 'Delete');
  await desk.keys('Enter');
  await desk.dialog(/Delete model-key/);
  await tabTo(desk, 'Delete key');
  await desk.keys('Enter');
  await until(async () => (await desk.desktop.keychain()).length === 0, 'the key to be deleted');

  // The log heard of its level at once: below “info” something is said now.
  await until(() => /"level":"DEBUG"/.test(desk.logText()), 'a line of the new level in the log', 10_000);
});

story('the palette and the keys: found by letters, walked by arrows, left by Escape', {}, async (desk) => {
  await passWelcome(desk);
  await desk.dropFiles([desk.world.write('found.md', streaming('Found by letters'))], await desk.column('To do'));
  await desk.card('Found by letters');
  await desk.keys('Control+K');
  const palette = await desk.dialog(WORDS.palette);
  await desk.type('go to');
  const selected = () => desk.run(`return arguments[0].querySelector('[aria-selected=true]')?.innerText ?? ''`, palette);
  const first = await selected();
  await desk.keys('ArrowDown');
  await until(async () => (await selected()) !== first, 'the arrow to walk');
  await desk.keys('ArrowUp', 'Escape');
  await desk.gone('dialog', WORDS.palette);
  // At once, while it may still fade: the key goes to the window.
  await desk.keys('?');
  const keys = await desk.dialog(WORDS.keys);
  await desk.says(keys, /Find anything/);
  await desk.says(keys, /Move/);
  await desk.keys('Escape');
  await desk.gone('dialog');
  await byPalette(desk, 'Found by letters');
  await desk.find('button', 'Start');
  await tabTo(desk, 'Start');
});
