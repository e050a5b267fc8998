// When the next start builds and when it does not.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { fingerprint, recall, remember } from './lib/fingerprint.mjs';

let root;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'nox-fingerprint-'));
  put('ui/src/a.ts', 'a');
  put('Cargo.toml', 'x');
});
afterEach(() => rmSync(root, { recursive: true }));

function put(path, text) {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

const take = () => fingerprint(root, ['ui', 'Cargo.toml', 'icons']);

test('new times alone change nothing', () => {
  const before = take();
  utimesSync(join(root, 'ui/src/a.ts'), 1, 1);
  assert.equal(take(), before);
});

for (const [what, change] of [
  ['a changed file', () => put('ui/src/a.ts', 'b')],
  ['a new file', () => put('ui/src/b.ts', '')],
  ['a changed single file', () => put('Cargo.toml', 'y')],
  ['a folder that appears', () => put('icons/tray.svg', '')],
  ['a removed file', () => rmSync(join(root, 'ui/src/a.ts'))],
]) {
  test(`${what} is noticed`, () => {
    const before = take();
    change();
    assert.notEqual(take(), before);
  });
}

for (const path of ['ui/dist/index.html', 'ui/node_modules/p/x.js', 'ui/src/a.test.ts']) {
  test(`${path} is no source of the build`, () => {
    const before = take();
    put(path, 'x');
    assert.equal(take(), before);
  });
}

test('what was built is remembered in parts, and a broken memory is an empty one', () => {
  const file = join(root, '.nox-setup/built.json');
  assert.deepEqual(recall(file), {});
  remember(file, { ui: '1' });
  remember(file, { engine: '2' });
  assert.deepEqual(recall(file), { ui: '1', engine: '2' });
  writeFileSync(file, '{"ui":');
  assert.deepEqual(recall(file), {});
});
