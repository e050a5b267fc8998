// The programs of the contract suite: pinned, outside of every lock file, in a folder that git ignores.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { AGENTS, BUILT_IN, chosen, folderOf, isInstalled, programOf } from './lib/agents.mjs';
import { ROOT } from './lib/paths.mjs';

test('every program has one exact version and says its licence', () => {
  for (const agent of AGENTS) {
    assert.match(agent.version, /^\d+\.\d+\.\d+$/, agent.name);
    assert.ok(agent.licence, agent.name);
  }
});

test('no lock file names them', () => {
  const lock = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8'));
  const names = Object.keys(lock.packages);
  for (const agent of AGENTS) assert.ok(!names.some((name) => name.endsWith(agent.package)), agent.package);
});

test('they lie in a folder that git ignores, one for each version', () => {
  const ignored = readFileSync(join(ROOT, '.gitignore'), 'utf8');
  assert.match(ignored, /^\/tests\/e2e\/\.cache\/$/m);
  for (const agent of AGENTS) {
    assert.equal(relative(ROOT, folderOf(agent)), join('tests', 'e2e', '.cache', 'agents', `${agent.name}-${agent.version}`));
    assert.ok(programOf(agent).startsWith(folderOf(agent)));
  }
});

test('a folder without its mark is not installed', () => {
  assert.equal(isInstalled({ name: 'nobody', version: '0.0.0', bin: 'nobody' }), false);
});

test('the quick programs are tried when nothing is said, and others by name', () => {
  const names = (args) => chosen(args).agents.map((agent) => agent.name);
  assert.deepEqual(names([]), AGENTS.filter((agent) => agent.quick).map((agent) => agent.name));
  assert.deepEqual(names(['--programs', 'all']), AGENTS.map((agent) => agent.name));
  assert.deepEqual(names(['--programs', 'claude']), ['claude']);
  assert.deepEqual(chosen(['--only', 'reply', '--programs', 'claude', '--record', 'x']).rest, ['--only', 'reply', '--record', 'x']);
  assert.deepEqual(chosen([]).builtIn, BUILT_IN);
  assert.deepEqual(chosen(['--programs', 'claude,llm-ollama']).builtIn, ['llm-ollama']);
  assert.throws(() => chosen(['--programs', 'nobody']), /knows no program "nobody"/);
});
