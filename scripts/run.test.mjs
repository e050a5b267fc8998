// Running programs: codes, lines, time-outs, and that stopping leaves nothing behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ROOT } from './lib/paths.mjs';
import { cargoProgress, run, tail } from './lib/run.mjs';

const node = (program) => [process.execPath, '-e', program];

test('output goes to the listener and the log, without colours and progress bars', async () => {
  const lines = [];
  const program = String.raw`process.stdout.write('\u001b[32mgreen\u001b[0m\nBuilding [==> ] 3/9: a\rlast')`;
  const result = await run(node(program), { id: 'test-lines', onLine: (line) => lines.push(line) });
  assert.equal(result.code, 0);
  assert.equal(result.output, 'green\nlast\n');
  assert.equal(readFileSync(join(ROOT, result.log), 'utf8'), 'green\nlast\n');
  assert.deepEqual(lines, ['green', 'Building [==> ] 3/9: a']);
  assert.equal(tail(result.log, 1), 'last');
});

test('a failing program gives its code, one that is not there 127', async () => {
  assert.equal((await run(node('process.exit(3)'), { id: 'test-code' })).code, 3);
  const missing = await run(['no-such-program-here'], { id: 'test-missing' });
  assert.equal(missing.code, 127);
  assert.match(missing.output, /cannot be started/);
});

test('a program that hangs is ended with its children', { skip: process.platform === 'win32' }, async () => {
  const program = "const c = require('child_process').spawn('sleep', ['600']); console.log(c.pid); setInterval(() => {}, 1000)";
  const result = await run(node(program), { id: 'test-hang', minutes: 1 / 60 });
  assert.equal(result.code, 124);
  assert.match(result.output, /took longer/);
  await gone(Number(/^\d+/.exec(result.output)[0]));
});

test('Ctrl+C ends what runs, says so and leaves with 130', { skip: process.platform === 'win32' }, async () => {
  const program = `
    import { endCleanly, run } from ${JSON.stringify(new URL('./lib/run.mjs', import.meta.url).href)};
    endCleanly('npm test');
    run(['sh', '-c', 'echo $$; sleep 600'], { id: 'test-interrupt', onLine: (line) => console.log(line) });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (chunk) => {
    if (!/^\d+\n/.test(output) && /^\d+\n/.test(output + chunk)) child.kill('SIGINT');
    output += chunk;
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 130);
  assert.match(output, /Stopped\. .*npm test goes on from here/);
  await gone(Number(/^\d+/.exec(output)[0]));
});

test('cargo’s counter is read, other lines are not', () => {
  assert.deepEqual(cargoProgress('    Building [=====>      ] 312/602: serde, tokio'), [312, 602]);
  assert.equal(cargoProgress('   Compiling serde v1.0.0'), null);
});

/** Waits until the process is no more; a zombie is no more. */
async function gone(pid) {
  const deadline = Date.now() + 5000;
  const alive = () => {
    try {
      process.kill(pid, 0);
      return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (alive()) {
    assert.ok(Date.now() < deadline, `process ${pid} is still running`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
