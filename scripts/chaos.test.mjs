// `npm run chaos` on a machine of little programs: it builds, hands its words over, and ends as the suite does.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRepository } from './lib/fixture.mjs';

const options = { skip: process.platform !== 'linux' && 'the little programs are for Linux' };
let repository;
beforeEach(() => (repository = fakeRepository()));
afterEach(() => repository.close());

test('it builds the suite and hands its words over', options, async () => {
  const { code, output } = await repository.run('chaos.mjs', ['--long', '--part', 'kills']);
  assert.equal(code, 0, output);
  assert.ok(repository.calls().includes('cargo build -p nox-chaos -p nox-shim'));
  assert.match(output, /^nox-chaos --long --part kills$/m);
  assert.match(output, /\n4 passed, 0 failed\n$/);
});

test('a broken promise is its exit code', options, async () => {
  repository.write('.machine/broken-promise', '');
  const { code, output } = await repository.run('chaos.mjs');
  assert.equal(code, 1);
  assert.match(output, /\n3 passed, 1 failed\n$/);
});

test('what only this suite needs is installed with it', options, async () => {
  repository.write('.machine/absent', 'strace\nxvfb\n');
  if (process.getuid?.() !== 0) return;
  assert.equal((await repository.run('chaos.mjs')).code, 0);
  const installs = repository.calls().filter((call) => call.includes(' install '));
  assert.equal(installs.length, 1);
  assert.match(installs[0], / strace$/);
});
