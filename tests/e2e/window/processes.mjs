/**
 * The processes of one test. Used by `desk.mjs`.
 *
 * Invariants: every process is started in a group of its own with an environment that carries this desk's mark; `end` ends
 * the groups in reverse order of their start, then whatever still carries the mark or works in the world's folder, and
 * nothing else. What a test process starts is ended also when the test process is interrupted or fails in an unexpected place.
 */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { until } from './until.mjs';

/** The variable by which a desk knows its own processes, whoever their parent became. */
const MARK = 'NOX_DESK';

/** How long a process may take to end by itself before it is killed. */
const GRACE_MS = 1500;

/** How long what a test's processes had started may live on after them: the product's own promise. */
const ORPHAN_MS = 2000;

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
   * @param {string} folder of the world; what works in it is ours, whatever its environment is
   * @param {string} logFolder where each process's output goes, as `<name>.log`
   */
  constructor(mark, folder, logFolder) {
    this.mark = mark;
    this.folder = folder;
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

  /** Ends everything, newest first. Returns what was still running 2 s later and had to be killed, as {pid, command}. */
  async end() {
    for (const { child } of this.#started.splice(0).reverse()) await this.endOne(child);
    await until(() => this.alive().length === 0, 'what the test had started to end by itself', ORPHAN_MS).catch(() => {});
    const orphans = this.alive();
    for (const { pid } of orphans) signal(pid, 'SIGKILL');
    return orphans;
  }

  /** Every living process that carries this desk's mark or works in its folder, as {pid, command}. */
  alive() {
    const found = [];
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
      try {
        if (!this.#isOurs(entry)) continue;
        const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        if (command) found.push({ pid: Number(entry), command });
      } catch {
        // It ended while we looked, or it is another user's.
      }
    }
    return found;
  }

  #isOurs(entry) {
    if (readFileSync(`/proc/${entry}/environ`, 'latin1').split('\0').includes(`${MARK}=${this.mark}`)) return true;
    return `${readlinkSync(`/proc/${entry}/cwd`)}/`.startsWith(`${this.folder}/`);
  }
}
