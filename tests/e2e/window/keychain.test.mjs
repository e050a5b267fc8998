/** API keys: in the keychain and nowhere else. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { WORDS, passWelcome } from './nox.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

/** The forms in which a leak would lie in a file. */
function forms(secret) {
  const bytes = Buffer.from(secret);
  return [bytes, Buffer.from(secret, 'utf16le'), Buffer.from(bytes.toString('hex')), Buffer.from(bytes.toString('base64').slice(0, -4))];
}

/** Every place below a folder, and in the processes, where a secret lies. */
function traces(desk, secret) {
  const wanted = forms(secret);
  const keychainFolder = path.join(desk.env.XDG_DATA_HOME, 'keyrings');
  const files = readdirSync(desk.world.root, { recursive: true })
    .map((name) => path.join(desk.world.root, String(name)))
    .filter((file) => !file.startsWith(keychainFolder) && statSync(file, { throwIfNoEntry: false })?.isFile());
  const processes = desk.processes.alive().flatMap(({ pid }) => [`/proc/${pid}/cmdline`, `/proc/${pid}/environ`]);
  return [...files, ...processes].filter((file) => {
    try {
      const content = readFileSync(file);
      return wanted.some((form) => content.includes(form));
    } catch {
      return false; // It went away meanwhile.
    }
  });
}

async function storeKey(desk, name, value) {
  await desk.goTo('Settings');
  const nameField = await desk.find('textbox', WORDS.keyName);
  // Nothing can be written before the keychain has answered.
  await until(() => nameField.isEnabled(), 'the keychain to be there', 10_000);
  await desk.fill(nameField, name);
  await desk.fill(await desk.find('textbox', WORDS.keyValue), value);
  await desk.click('button', WORDS.storeKey);
}

story('a key stored in Settings is in the keychain and in no file, log, event or process', { keyring: true }, async (desk) => {
  await passWelcome(desk);
  const canary = `sk-canary-${randomBytes(12).toString('hex')}`;
  await storeKey(desk, 'anthropic-api-key', canary);
  await until(async () => (await desk.desktop.keychain()).some(({ secret }) => secret === canary), 'the key to be in the keychain');

  await desk.click('button', /^test/i);
  assert.doesNotMatch(await desk.run('return document.documentElement.outerHTML'), new RegExp(canary), 'the page must not hold it');
  await desk.goTo('Board');
  assert.deepEqual(traces(desk, canary), []);

  // The search can find it: the same look at a file that holds it.
  desk.world.write('control.txt', `so ${canary} is found`);
  assert.equal(traces(desk, canary).length, 1);

  await desk.goTo('Settings');
  await desk.click('link', 'API keys');
  await desk.shows(/anthropic-api-key/);
  await desk.click('button', /^delete/i);
  await desk.click('button', 'Delete key');
  await until(async () => !(await desk.desktop.keychain()).some(({ secret }) => secret === canary), 'the key to be gone from the keychain');
});

story('without a keychain Settings says so and stores nothing', {}, async (desk) => {
  await passWelcome(desk);
  await desk.goTo('Settings');
  await desk.shows(/keychain/i);
  await desk.shows(/no keychain|not available|cannot be reached|does not answer/i);
});
