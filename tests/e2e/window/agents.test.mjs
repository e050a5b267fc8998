/** A real agent in the first minutes: found on the first page, made with one click, tried in its form. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { faults } from './axe.mjs';
import { WORDS, passWelcome } from './nox.mjs';
import { installClaude, installOldCodex } from './programs.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

story('a program that is found becomes an agent with one click, and is tried', { open: false }, async (desk) => {
  const program = installClaude(desk);
  installOldCodex(desk);
  await desk.openApp();
  await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
  await desk.click('button', 'Add Claude Code', { limitMs: 20_000 });
  await desk.find('link', 'Open the agent Claude Code');
  await desk.shows(/Nox was tested with version 0\.169, and this is 0\.101\.0/);
  assert.deepEqual(await faults(desk), []);
  const file = path.join(desk.home, 'registry/agents/claude-code/agent.toml');
  await until(() => existsSync(file), 'the file of the agent');
  const made = readFileSync(file, 'utf8');
  assert.match(made, /runtime = "claude"/);
  assert.ok(made.includes(`command = "${program}"`), made);

  await passWelcome(desk);
  await desk.goTo('Agents');
  await desk.click('link', /Claude Code/);
  await desk.click('button', 'Test this agent');
  const trial = await desk.find('region', 'Test');
  await desk.says(trial, /Its model was not asked[^]*2\.1\.329[^]*MB in/, 20_000);
  assert.deepEqual(await faults(desk), []);
  // Nothing of it is left.
  await until(() => !desk.processes.alive().some(({ command }) => command.includes(program)), 'the program to be gone');
});
