// `npm test` itself, on a machine of little programs: the closing line, the exit code, and what a failure says.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRepository } from './lib/fixture.mjs';
import { STEPS } from './steps.mjs';

const options = { skip: process.platform !== 'linux' && 'the little programs are for Linux' };
// Nodes run inside a test would report to the test that runs them.
const APART = { NODE_TEST_CONTEXT: undefined };
let repository;
beforeEach(() => (repository = fakeRepository()));
afterEach(() => repository.close());

test('all steps run, each with its time, and the last line adds up', options, async () => {
  const { code, output } = await repository.run('test.mjs', [], APART);
  assert.equal(code, 0, output);
  // 11 tests of scripts, 3 of the engine, 5 of the window in parts, 4 promises, 2 in the real window, 6 checks without.
  assert.match(output, /\n31 passed, 0 failed\n$/);
  assert.equal(output.match(/^ {2}ok \[\d+\/\d+\] .* \(\d/gm).length, STEPS.length);
  assert.ok(repository.calls().includes('cargo build --workspace --bins --tests --locked'));
});

test('running it twice installs nothing again', options, async () => {
  await repository.run('test.mjs', [], APART);
  repository.calls();
  await repository.run('test.mjs', [], APART);
  assert.deepEqual(repository.calls().filter((call) => /^(npm ci|apt-get|cargo install)/.test(call)), []);
});

test('a failing test is one line with its log, and the exit code', options, async () => {
  repository.write('.machine/broken-test', '');
  const { code, output } = await repository.run('test.mjs', [], APART);
  assert.equal(code, 1);
  assert.match(output, /\n30 passed, 1 failed\n$/);
  assert.match(output, /^FAILED rust-tests: Tests of the engine: exit code 100, 2 passed, 1 failed .*; log: \.nox-setup\/logs\/rust-tests\.log$/m);
});

test('when the build fails, what needs it is not run and said so', options, async () => {
  repository.write('.machine/broken-build', '');
  const { code, output } = await repository.run('test.mjs', [], APART);
  assert.equal(code, 1);
  assert.match(output, /Tests in the real window: not run, since rust-build failed/);
  assert.match(output, /, 1 failed\n$/);
});

test('chosen steps bring what they need and nothing else', options, async () => {
  const { code } = await repository.run('test.mjs', ['--only', 'ui'], APART);
  assert.equal(code, 0);
  const calls = repository.calls();
  assert.ok(calls.includes('npm test -w ui'));
  assert.ok(!calls.some((call) => call.startsWith('cargo build')));
});

test('when set-up cannot go on, the last line still counts', options, async () => {
  repository.program('rustc', 'echo "rustc 1.70.0"');
  const { code, output } = await repository.run('test.mjs', [], APART);
  assert.equal(code, 1);
  assert.match(output, /too old/);
  assert.match(output, /\n0 passed, 1 failed\n$/);
});
