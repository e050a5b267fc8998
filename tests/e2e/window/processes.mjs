/**
 * The processes of one test. Used by `desk.mjs`.
 *
 * Invariants: every process is started in a group of its own with an environment that carries this desk's mark; `end` ends
 * the groups in reverse order of their start, then every process that still carries the mark, and nothing else. What a test
 * process starts is ended also when the test process is interrupted or fails in an unexpected place.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { until } from './until.mjs';

/** The variable by which a desk knows its own processes, whoever their parent became. */
const MARK = 'NOX_DESK';

/** How long a process may take to end by itself before it is killed. */
const GRACE_MS = 1500;

/** Groups that are alive in this test process, for the case that it ends early. */
const liveGroups = new Set();

process.on('exit', () => liveGroups.forEach((group) => signal(-group, 'SIGKILL')));
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => process.exit(1));

/** Sends a signal to a process (or, negative, a group); false when it is gone. */
function signal(pid, name) {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Whether a group has a member that still runs; one that only waits to be collected by its parent does not. */
function groupRuns(group) {
  return readdirSync('/proc').some((entry) => {
    if (!/^\d+$/.test(entry)) return false;
    try {
      // After the name in brackets: state, parent, group.
      const [state, , of] = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ').pop().split(' ');
      return Number(of) === group && state !== 'Z';
    } catch {
      return false;
    }
  });
}

export class Processes {
  #started = [];

  /**
   * @param {string} mark unique on this machine; becomes part of every environment
   * @param {string} logFolder where each process's output goes, as `<name>.log`
   */
  constructor(mark, logFolder) {
    this.mark = mark;
    this.logFolder = logFolder;
  }

  /**
   * Starts a process. Its output goes to its log, unless `stdio` says otherwise.
   * @returns {import('node:child_process').ChildProcess} with `exited`, a promise of {code, signal}
   */
  start(name, command, args, { env, cwd, stdio } = {}) {
    const log = openSync(path.join(this.logFolder, `${name}.log`), 'a');
    const child = spawn(command, args, {
      cwd,
      detached: true,
      env: { ...env, [MARK]: this.mark },
      stdio: (stdio ?? ['ignore', 'log', 'log']).map((kind) => (kind === 'log' ? log : kind)),
    });
    closeSync(log);
    child.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, error }));
      child.once('exit', (code, by) => resolve({ code, signal: by }));
    });
    if (child.pid) {
      liveGroups.add(child.pid);
      child.exited.then(() => child.stdin?.destroy());
    }
    this.#started.push({ name, child });
    return child;
  }

  /** Ends one process and its group. */
  async endOne(child) {
    if (!child.pid) return;
    signal(-child.pid, 'SIGTERM');
    const deadline = Date.now() + GRACE_MS;
    while (Date.now() < deadline && groupRuns(child.pid)) await new Promise((resolve) => setTimeout(resolve, 20));
    signal(-child.pid, 'SIGKILL');
    liveGroups.delete(child.pid);
  }

  /** Ends everything, newest first. Returns the marked processes that had escaped from their groups. */
  async end() {
    for (const { child } of this.#started.splice(0).reverse()) await this.endOne(child);
    const escaped = this.alive();
    for (const { pid } of escaped) signal(pid, 'SIGKILL');
    await until(() => this.alive().length === 0, 'all processes of the test to end').catch(() => {});
    return escaped;
  }

  /** Every living process that carries this desk's mark, as {pid, command}. */
  alive() {
    const found = [];
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
      try {
        if (!readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(`${MARK}=${this.mark}`)) continue;
        const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        if (command) found.push({ pid: Number(entry), command });
      } catch {
        // It ended while we looked, or it is another user's.
      }
    }
    return found;
  }
}
