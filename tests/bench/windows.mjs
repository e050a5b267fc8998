/**
 * Starts the app or the empty window on a desktop of its own and tells when its page was ready. Used by `start.mjs` and
 * `memory.mjs`; both programs get the same environment, the same screen and the same setting for drawing.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, watch } from 'node:fs';
import path from 'node:path';
import { Desk } from '../e2e/window/desk.mjs';

/** Both draw by the processor, as on a machine without a graphics card. */
export const DRAWING = { WEBKIT_DISABLE_DMABUF_RENDERER: '1' };

const READY_LIMIT_MS = 60_000;
const END_LIMIT_MS = 15_000;

/** A desktop for the length of `body`. */
export async function onDesk(title, options, body) {
  const desk = new Desk(title, { open: false, ...options, env: { ...DRAWING, ...options.env } });
  try {
    await desk.start();
    return await body(desk);
  } catch (error) {
    const folder = await desk.keepEvidence();
    if (folder) error.message += ` (evidence: ${folder})`;
    throw error;
  } finally {
    await desk.stop();
  }
}

/** Starts a program: {readyMs, pid, end}. `home` is Nox's; the empty window does not look at it. */
export async function launch(desk, program, home) {
  const folder = path.join(desk.world.root, 'ready');
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, 'ready');
  rmSync(file, { force: true });
  const env = { ...desk.env, NOX_HOME: home, NOX_BENCH_READY: file };
  const watcher = watch(folder);
  let child;
  try {
    const ready = new Promise((resolve, reject) => {
      watcher.on('change', () => existsSync(file) && resolve(performance.now()));
      setTimeout(reject, READY_LIMIT_MS, new Error(`${path.basename(program)} was not ready after ${READY_LIMIT_MS} ms`)).unref();
    });
    const began = performance.now();
    child = desk.processes.start('measured', program, [], { env });
    const early = child.exited.then(({ code, signal, error }) => {
      throw error ?? new Error(`${path.basename(program)} ended before it was ready: ${code ?? signal}`);
    });
    const readyMs = (await Promise.race([ready, early])) - began;
    early.catch(() => {});
    return { readyMs, pid: child.pid, end: () => end(desk, child) };
  } catch (error) {
    if (child) await desk.processes.endOne(child);
    throw error;
  } finally {
    watcher.close();
  }
}

/** Asks it to leave in good order, and waits for that. */
async function end(desk, child) {
  child.kill('SIGTERM');
  const late = new Promise((resolve) => setTimeout(resolve, END_LIMIT_MS, 'late').unref());
  await Promise.race([child.exited, late]);
  await desk.processes.endOne(child);
}

/** Bytes that a process and all below it hold, each shared page counted in parts (PSS). */
export function heldBytes(root) {
  const children = new Map();
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const parent = Number(readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ').pop().split(' ')[1]);
      children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
    } catch {
      // It has ended.
    }
  }
  const held = (pid) => {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    return Number(rollup.match(/^Pss:\s+(\d+) kB/m)[1]) * 1024 + (children.get(pid) ?? []).reduce((sum, child) => sum + held(child), 0);
  };
  return held(root);
}
