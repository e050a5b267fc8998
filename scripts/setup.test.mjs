// What set-up decides before it does anything.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { npmDifference, olderThan } from './lib/setup.mjs';

for (const [version, wanted, expected] of [
  ['20.19.0', '20.19', false],
  ['20.18.9', '20.19', true],
  ['22.1.0', '20.19', false],
  ['1.95.0', '1.95', false],
  ['1.9.0', '1.95', true],
  ['1.96.0-nightly', '1.95', false],
]) {
  test(`${version} is ${expected ? '' : 'not '}older than ${wanted}`, () => assert.equal(olderThan(version, wanted), expected));
}

const LOCK = {
  packages: {
    '': {},
    ui: { version: '0.1.0' },
    'node_modules/@nox/ui': { resolved: 'ui', link: true },
    'node_modules/react': { version: '19.2.0' },
    'node_modules/only-windows': { version: '1.0.0', optional: true },
  },
};
const installed = (react) => ({ packages: { 'node_modules/@nox/ui': { link: true }, 'node_modules/react': { version: react } } });

test('npm dependencies that match need no installing', () => assert.equal(npmDifference(LOCK, installed('19.2.0')), null));
test('another version is a difference', () => assert.match(npmDifference(LOCK, installed('19.1.0')), /react is 19.1.0/));
test('a missing package is a difference', () => assert.match(npmDifference(LOCK, { packages: {} }), /is missing/));
test('a fresh clone has nothing installed', () => assert.match(npmDifference(LOCK, null), /nothing was installed/));
