// Reads how many tests passed and failed from what the test runners print.

/** A function from a runner's output to `{ passed, failed }`, by the runner's name. */
export const READERS = { nextest, vitest, nodeTest, closing };

/** cargo-nextest: `Summary [ 1.2s] 12 tests run: 10 passed (1 slow), 1 failed, 1 timed out, 3 skipped`. */
function nextest(output) {
  const match = /Summary \[[^\]]*\]\s+\d+(?:\/\d+)? tests? run: (.*)/.exec(output);
  if (!match) return nothing();
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(match[1])?.[1] ?? 0);
  return { passed: count('passed'), failed: count('failed') + count('timed out') + count('exec failed') };
}

/** vitest: `Tests  1 failed | 20 passed (21)`; a file that does not load fails without a test. */
function vitest(output) {
  const tests = /^\s*Tests\s+(.*)$/m.exec(output)?.[1] ?? '';
  const files = /^\s*Test Files\s+(.*)$/m.exec(output)?.[1] ?? '';
  const count = (line, word) => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  const failed = count(tests, 'failed');
  return { passed: count(tests, 'passed'), failed: failed || count(files, 'failed') };
}

/** node:test, as TAP (`# pass 3`) or as its spec report (`ℹ pass 3`); several runs are added up. */
function nodeTest(output) {
  const sum = (word) => {
    const lines = output.matchAll(new RegExp(`^[#ℹ] ${word} (\\d+)$`, 'gm'));
    return [...lines].reduce((total, match) => total + Number(match[1]), 0);
  };
  return { passed: sum('pass'), failed: sum('fail') + sum('cancelled') };
}

/** Our own runners: their last line of the form `12 passed, 0 failed`. */
function closing(output) {
  const last = [...output.matchAll(/^(\d+) passed, (\d+) failed/gm)].pop();
  return last ? { passed: Number(last[1]), failed: Number(last[2]) } : nothing();
}

/**
 * What a finished step counts as. A step without a reader is one check. A step that failed without a failed test counts
 * as one failure, and so does one that ran no test at all: an empty run proves nothing.
 */
export function count(reader, { code, output }) {
  if (!reader) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1 };
  const result = READERS[reader](output);
  if (code !== 0) return { ...result, failed: Math.max(1, result.failed) };
  if (result.passed === 0) return { passed: 0, failed: Math.max(1, result.failed) };
  return result;
}

function nothing() {
  return { passed: 0, failed: 0 };
}
