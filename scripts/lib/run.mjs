// Runs programs for the scripts: output into a log file, lines to a listener, and nothing left running when the
// script is stopped. Every program gets a process group of its own, so that ending it ends its children too.
import { spawn, spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join, relative } from 'node:path';
import { LOGS, ROOT, tool } from './paths.mjs';

const running = new Set();
const posix = process.platform !== 'win32';

/** The environment of every program started here: our own tools first in PATH, no colours in logs. */
export function environment(extra = {}) {
  return { ...ownTools(), NO_COLOR: '1', FORCE_COLOR: undefined, CARGO_TERM_COLOR: 'never', ...extra };
}

function ownTools() {
  return { ...process.env, PATH: `${dirname(tool('any'))}${delimiter}${process.env.PATH ?? ''}` };
}

/** How npm is run: through the npm that runs us, so that no shell and no second npm is needed. */
export function npm(...args) {
  const own = process.env.npm_execpath;
  if (own && /\.c?js$/.test(own)) return [process.execPath, own, ...args];
  return [posix ? 'npm' : 'npm.cmd', ...args];
}

/**
 * Runs `command` and resolves to `{ code, output, log, seconds }`; it never rejects. A program that cannot be started
 * has code 127, one that ran longer than `minutes` has code 124. `onLine` gets every line, also those that a progress
 * bar overwrites.
 */
export function run(command, { id, env, onLine, minutes = 30, cwd = ROOT } = {}) {
  mkdirSync(LOGS, { recursive: true });
  const file = createWriteStream(join(LOGS, `${id}.log`));
  const log = relative(ROOT, join(LOGS, `${id}.log`));
  const begun = Date.now();
  let output = '';
  let timedOut = false;
  return new Promise((done) => {
    const child = spawn(command[0], command.slice(1), {
      cwd,
      env: environment(env),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: posix,
      shell: command[0].endsWith('.cmd'),
    });
    running.add(child);
    const timer = setTimeout(() => {
      timedOut = true;
      end(child, 'SIGKILL');
    }, minutes * 60_000);
    let rest = '';
    const take = (chunk) => {
      const text = chunk.toString('utf8');
      rest += text;
      const parts = rest.split(/\r\n|\n|\r/);
      rest = parts.pop() ?? '';
      for (const part of parts) {
        const line = plain(part);
        onLine?.(line);
        if (cargoProgress(line)) continue;
        output += `${line}\n`;
        file.write(`${line}\n`);
      }
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    let finished = false;
    const finish = (code, note = '') => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      running.delete(child);
      const last = `${plain(rest)}${note}`.trim();
      if (last) output += `${last}\n`;
      const seconds = (Date.now() - begun) / 1000;
      file.end(last ? `${last}\n` : '', () => done({ code, output, log, seconds }));
    };
    child.on('error', (error) => finish(127, `\n${command[0]} cannot be started: ${error.message}`));
    child.on('close', (code, signal) => {
      if (timedOut) return finish(124, `\nstopped: it took longer than ${minutes} minutes`);
      return finish(code ?? 1, signal ? `\nended by ${signal}` : '');
    });
  });
}

/** Runs a short command to its end; resolves to its status and what it printed. */
export function ask(command, env = {}) {
  const result = spawnSync(command[0], command.slice(1), {
    cwd: ROOT,
    env: environment(env),
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: command[0].endsWith('.cmd'),
  });
  return { ok: result.status === 0, stdout: result.stdout ?? '', stderr: result.stderr ?? '', missing: result.error?.code === 'ENOENT' };
}

/** Runs a program on our own terminal (the app, `nox`) and resolves to its exit code. */
export function handOver(command, { cwd = process.env.INIT_CWD ?? ROOT } = {}) {
  return new Promise((done) => {
    const child = spawn(command[0], command.slice(1), { cwd, env: ownTools(), stdio: 'inherit' });
    // Ctrl+C reaches the child by the terminal; we wait for it. A plain kill of the script is passed on.
    const wait = () => {};
    const pass = () => child.kill('SIGTERM');
    process.on('SIGINT', wait);
    process.on('SIGTERM', pass);
    child.on('error', (error) => {
      console.error(`${command[0]} cannot be started: ${error.message}`);
      done(127);
    });
    child.on('exit', (code, signal) => {
      process.off('SIGINT', wait);
      process.off('SIGTERM', pass);
      done(code ?? (signal === 'SIGINT' ? 130 : signal === 'SIGTERM' ? 143 : 1));
    });
  });
}

/** Makes Ctrl+C and kill end everything that runs, say so, and leave with 130. Returns a function that undoes it. */
export function endCleanly(again) {
  const stop = () => {
    for (const child of running) end(child, 'SIGTERM');
    process.stdout.write(`\nStopped. Nothing is half done; ${again} goes on from here.\n`);
    setTimeout(() => {
      for (const child of running) end(child, 'SIGKILL');
      process.exit(130);
    }, running.size > 0 ? 1500 : 0);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.once(signal, stop);
  return () => {
    for (const signal of signals) process.off(signal, stop);
  };
}

/** The last lines of a log (its path from the top of the repository) that say something. */
export function tail(log, count = 40) {
  const lines = readFileSync(join(ROOT, log), 'utf8').split('\n').filter((line) => line.trim());
  return lines.slice(-count).join('\n');
}

/** `[done, all]` of cargo's progress bar, or null. */
export function cargoProgress(line) {
  const match = /^\s*Building \[[^\]]*\]\s+(\d+)\/(\d+)/.exec(line);
  return match ? [Number(match[1]), Number(match[2])] : null;
}

function end(child, signal) {
  try {
    if (posix && child.pid) process.kill(-child.pid, signal);
    else child.kill(signal);
  } catch {
    // It ended in the meantime.
  }
}

function plain(text) {
  return text.replace(/\u001b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9])/g, '').trimEnd();
}
