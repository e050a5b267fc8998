// `npm start` from a fresh clone to the second start, on a machine of little programs.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRepository } from './lib/fixture.mjs';

const options = { skip: process.platform !== 'linux' && 'the little programs are for Linux' };
const DISPLAY = { DISPLAY: ':77' };
let repository;
beforeEach(() => (repository = fakeRepository()));
afterEach(() => repository.close());

/** Calls that build or install. */
const work = () => repository.calls().filter((call) => /^(npm|cargo build|apt-get)/.test(call));

test('the first start sets up, builds and opens; the second only opens', options, async () => {
  const first = await repository.run('start.mjs', ['--home', 'x'], DISPLAY);
  assert.equal(first.code, 0, first.output);
  for (const number of [1, 2, 3, 4, 5]) assert.match(first.output, new RegExp(`\\[${number}/5\\]`));
  assert.match(first.output, /^nox-desktop --home x$/m);
  assert.deepEqual(work(), ['npm ci --no-audit --no-fund', 'npm run build -w ui', 'cargo build -p nox-desktop -p nox-shim -p nox-cli']);

  const second = await repository.run('start.mjs', [], DISPLAY);
  assert.equal(second.code, 0);
  assert.equal(second.output, 'nox-desktop \n');
  assert.deepEqual(repository.calls(), []);
});

test('a change of the window builds both, since the app carries the window; a change of the engine builds the engine', options, async () => {
  await repository.run('start.mjs', [], DISPLAY);
  work();
  repository.write('ui/src/main.tsx', 'two\n');
  await repository.run('start.mjs', [], DISPLAY);
  assert.deepEqual(work().map((call) => call.split(' ').slice(0, 3).join(' ')), ['npm run build', 'cargo build -p']);
  repository.write('src-tauri/src/lib.rs', '//! new\n');
  await repository.run('start.mjs', [], DISPLAY);
  assert.deepEqual(work().map((call) => call.split(' ')[0]), ['cargo']);
});

test('a program that somebody removed is built again', options, async () => {
  await repository.run('start.mjs', [], DISPLAY);
  work();
  repository.remove('target/debug/nox-shim');
  await repository.run('start.mjs', [], DISPLAY);
  assert.deepEqual(work().map((call) => call.split(' ')[0]), ['cargo']);
});

test('a page that is not the one that was built is built again', options, async () => {
  await repository.run('start.mjs', [], DISPLAY);
  work();
  repository.write('ui/dist/index.html', 'a placeholder');
  await repository.run('start.mjs', [], DISPLAY);
  assert.deepEqual(work().map((call) => call.split(' ')[0]), ['npm', 'cargo']);
});

test('without a display it builds, then says what to do and fails', options, async () => {
  const result = await repository.run('start.mjs');
  assert.equal(result.code, 1);
  assert.match(result.output, /^There is no display here: Nox will be built/);
  assert.match(result.output, /npm run nox/);
  assert.ok(!result.output.includes('nox-desktop'));
  assert.ok(repository.exists('target/debug/nox-desktop'));
});

test('npm run build needs no display', options, async () => {
  assert.equal((await repository.run('start.mjs', ['--build-only'])).code, 0);
  assert.match((await repository.run('start.mjs', ['--build-only'])).output, /Everything is built/);
});

test('a build that fails names its log, shows its end, and is tried again', options, async () => {
  repository.write('.machine/broken-build', '');
  const failed = await repository.run('start.mjs', [], DISPLAY);
  assert.equal(failed.code, 1);
  assert.match(failed.output, /\.nox-setup\/logs\/build-engine\.log/);
  assert.match(failed.output, /could not compile/);
  repository.remove('.machine/broken-build');
  assert.equal((await repository.run('start.mjs', [], DISPLAY)).code, 0);
});

test('an old Rust is a sentence that says what to do', options, async () => {
  repository.program('rustc', 'echo "rustc 1.70.0"');
  const result = await repository.run('start.mjs', [], DISPLAY);
  assert.equal(result.code, 1);
  assert.match(result.output, /Rust 1\.70\.0 is too old: Nox needs 1\.95 or newer\. Run `rustup update`/);
});

test('npm run nox hands its arguments over and says nothing of its own when all is built', options, async () => {
  await repository.run('start.mjs', ['--build-only']);
  const result = await repository.run('nox.mjs', ['list-tasks', '--json']);
  assert.deepEqual([result.code, result.output], [0, 'nox list-tasks --json\n']);
});
