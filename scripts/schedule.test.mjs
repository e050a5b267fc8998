// Order, lanes and what happens after a failure.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { schedule, select } from './lib/schedule.mjs';
import { SCRIPT_TESTS, STEPS } from './steps.mjs';

/** Runs `steps` on a made-up machine and tells what began and ended, in order. */
async function trace(steps, failing = []) {
  const told = [];
  const perform = async (step) => {
    told.push(`+${step.id}`);
    await new Promise((resolve) => setImmediate(resolve));
    told.push(`-${step.id}`);
    return !failing.includes(step.id);
  };
  await schedule(steps, perform, (step, need) => told.push(`${step.id} skipped for ${need}`));
  return told;
}

test('one lane runs one step at a time, two lanes run beside each other', async () => {
  const told = await trace([
    { id: 'a', lane: '1' },
    { id: 'b', lane: '1' },
    { id: 'c', lane: '2' },
  ]);
  assert.deepEqual(told.slice(0, 2), ['+a', '+c']);
  assert.ok(told.indexOf('+b') > told.indexOf('-a'));
});

test('what needs a failed step is skipped, and what needs that too', async () => {
  const steps = [{ id: 'a', lane: '1' }, { id: 'b', lane: '1', needs: ['a'] }, { id: 'c', lane: '1', needs: ['b'] }, { id: 'd', lane: '1' }];
  assert.deepEqual(await trace(steps, ['a']), ['+a', '-a', 'b skipped for a', 'c skipped for b', '+d', '-d']);
});

test('a step that wants to be alone has nobody beside it', async () => {
  const told = await trace([
    { id: 'a', lane: '1' },
    { id: 'b', lane: '1' },
    { id: 'w', lane: '2', alone: true },
  ]);
  assert.deepEqual(told.slice(-2), ['+w', '-w']);
});

test('needs that go round in a circle are an error, not a wait for ever', async () => {
  const steps = [{ id: 'a', lane: '1', needs: ['b'] }, { id: 'b', lane: '1', needs: ['a'] }];
  await assert.rejects(trace(steps), /circle/);
});

test('choosing a group brings what it needs', () => {
  const ids = (names) => select(STEPS, names)?.map((step) => step.id);
  assert.deepEqual(ids(['window']), ['ui-build', 'rust-build', 'window']);
  assert.deepEqual(ids(['fmt']), ['fmt']);
  assert.equal(select(STEPS, ['attic']), null);
});

test('ids are unique and every need exists', () => {
  const ids = STEPS.map((step) => step.id);
  assert.equal(new Set(ids).size, ids.length);
  for (const need of STEPS.flatMap((step) => step.needs ?? [])) assert.ok(ids.includes(need), need);
});

test('no test file of the scripts is forgotten', () => {
  const folder = new URL('.', import.meta.url);
  const here = readdirSync(folder).filter((name) => name.endsWith('.test.mjs')).map((name) => `scripts/${name}`);
  assert.deepEqual([...SCRIPT_TESTS].sort(), here.sort());
  assert.ok(existsSync(new URL('../.ci/run', folder)));
});
