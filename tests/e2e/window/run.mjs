/**
 * Runs the window tests one after the other: `node run.mjs [word…]` runs the files whose names contain one of the words.
 *
 * Prints a line for each test and at the end “N passed, N failed”; exits 1 if one failed or none ran.
 */
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { STORY_LIMIT_MS } from './story.mjs';
import { OUTPUT, REPOSITORY, WINDOW_TESTS } from './world.mjs';

const words = process.argv.slice(2);
const files = readdirSync(WINDOW_TESTS)
  .filter((name) => name.endsWith('.test.mjs') && (words.length === 0 || words.some((word) => name.includes(word))))
  .sort()
  .map((name) => path.join(WINDOW_TESTS, name));
if (files.length === 0) {
  console.error(`no window test is called like ${words.join(' or ')}`);
  process.exit(1);
}
rmSync(OUTPUT, { recursive: true, force: true });

const count = { passed: 0, failed: 0, toDo: 0, skipped: 0 };

/** Runs one file in a process of its own and writes a line for each of its tests. */
function runFile(file) {
  const subject = path.basename(file).replace('.test.mjs', '');
  const line = (sign, event, more = '') => console.log(`${sign} ${subject}: ${event.name} (${(event.details.duration_ms / 1000).toFixed(1)} s)${more}`);
  const isFile = (event) => path.resolve(event.name) === file;
  return new Promise((resolve, reject) => {
    // The limit per file is generous: each story has its own.
    const tests = run({ files: [file], concurrency: 1, timeout: STORY_LIMIT_MS * 20 });
    tests.on('test:pass', (event) => {
      if (isFile(event)) return;
      count[event.skip === undefined ? 'passed' : 'skipped'] += 1;
      line(event.skip === undefined ? '✓' : '-', event, typeof event.skip === 'string' ? ` ${event.skip}` : '');
    });
    tests.on('test:fail', (event) => {
      const error = event.details.error;
      // A file that fails by itself (a syntax error) has no test of its own to show it.
      if (isFile(event) && error?.failureType === 'subtestsFailed') return;
      if (event.todo !== undefined) {
        count.toDo += 1;
        line('…', event, ` not built yet: ${event.todo}`);
        return;
      }
      count.failed += 1;
      line('✗', event);
      const text = error?.cause?.message ?? error?.message ?? String(error);
      console.log(text.split('\n').map((each) => `    ${each}`).join('\n'));
    });
    tests.on('test:stderr', (event) => process.stderr.write(event.message));
    tests.on('end', resolve).on('error', reject).resume();
  });
}

const started = Date.now();
for (const file of files) await runFile(file);

const rest = [count.toDo && `${count.toDo} not built yet`, count.skipped && `${count.skipped} skipped`].filter(Boolean);
if (count.failed) console.log(`evidence of failures: ${path.relative(REPOSITORY, OUTPUT)}/`);
console.log(`${[`${count.passed} passed`, `${count.failed} failed`, ...rest].join(', ')} in ${((Date.now() - started) / 1000).toFixed(0)} s`);
process.exit(count.failed || !count.passed ? 1 : 0);
