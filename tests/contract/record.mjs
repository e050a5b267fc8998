#!/usr/bin/env node
// Stands between Nox and an agent program and writes down what is said: one JSON in each line, `{ ms, to | from | err }`.
// `npm run test:contract -- --record FOLDER` starts it in the program's place.
import { spawn } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';

const { NOX_RECORD_PROGRAM, NOX_RECORD_TO, ...env } = process.env;
const begun = Date.now();
const child = spawn(NOX_RECORD_PROGRAM, process.argv.slice(2), { env, stdio: ['pipe', 'pipe', 'pipe'] });
writeFileSync(NOX_RECORD_TO, '', { flag: 'a' });

function pass(from, to, name) {
  let rest = '';
  from.on('data', (chunk) => {
    to.write(chunk);
    rest += chunk.toString('utf8');
    const lines = rest.split('\n');
    rest = lines.pop();
    for (const line of lines) appendFileSync(NOX_RECORD_TO, `${JSON.stringify({ ms: Date.now() - begun, [name]: line })}\n`);
  });
}

pass(process.stdin, child.stdin, 'to');
pass(child.stdout, process.stdout, 'from');
pass(child.stderr, process.stderr, 'err');
process.stdin.on('end', () => child.stdin.end());
child.stdin.on('error', () => {});
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exitCode = code;
  process.stdin.destroy();
});
