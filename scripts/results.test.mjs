// How the runners' outputs are counted.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count } from './lib/results.mjs';

const CASES = [
  ['nextest', 0, '     Summary [   0.060s] 23 tests run: 23 passed, 0 skipped\n', { passed: 23, failed: 0 }],
  ['nextest', 100, 'Summary [ 12.1s] 9/12 tests run: 6 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n', { passed: 6, failed: 3 }],
  ['nextest', 101, 'error: could not compile `nox-store`\n', { passed: 0, failed: 1 }],
  ['vitest', 0, ' Test Files  4 passed (4)\n      Tests  31 passed | 2 skipped (33)\n', { passed: 31, failed: 0 }],
  ['vitest', 1, ' Test Files  1 failed | 3 passed (4)\n      Tests  2 failed | 29 passed (31)\n', { passed: 29, failed: 2 }],
  ['vitest', 1, ' Test Files  1 failed | 3 passed (4)\n      Tests  29 passed (29)\n', { passed: 29, failed: 1 }],
  ['nodeTest', 0, '# tests 3\n# pass 3\n# fail 0\n# cancelled 0\n', { passed: 3, failed: 0 }],
  ['nodeTest', 1, 'ℹ pass 2\nℹ fail 1\nℹ cancelled 1\n', { passed: 2, failed: 2 }],
  ['nodeTest', 0, '# pass 3\n# fail 0\nnext file\n# pass 4\n# fail 0\n', { passed: 7, failed: 0 }],
  ['closing', 1, 'ok one\n1 passed, 0 failed\n4 passed, 2 failed, 1 skipped\n', { passed: 4, failed: 2 }],
];

for (const [reader, code, output, expected] of CASES) {
  test(`${reader} with exit code ${code} counts ${expected.passed} and ${expected.failed}`, () => {
    assert.deepEqual(count(reader, { code, output }), expected);
  });
}

test('a run without tests is a failure, however kindly it ends', () => {
  assert.deepEqual(count('nodeTest', { code: 0, output: '# pass 0\n# fail 0\n' }), { passed: 0, failed: 1 });
  assert.deepEqual(count('nextest', { code: 0, output: '' }), { passed: 0, failed: 1 });
});

test('a step without tests is one check', () => {
  assert.deepEqual(count(undefined, { code: 0, output: '' }), { passed: 1, failed: 0 });
  assert.deepEqual(count(undefined, { code: 3, output: '' }), { passed: 0, failed: 1 });
});
