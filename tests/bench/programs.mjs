/** The programs that are measured, where they keep what they need, and the homes that they open. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const TARGET = path.resolve(ROOT, process.env.CARGO_TARGET_DIR ?? 'target');

/** Rounds of a measurement that is repeated. */
export const ROUNDS = 10;

/** Homes and databases; on the disk of the build, since a folder for temporary files may lie in memory. */
export const FOLDER = path.join(TARGET, 'bench');

/** Changes when a home that was made before must be made anew; so does the form of its sessions, which the program says. */
const HOME_VERSION = 5;

/** The programs of one build profile. */
export function built(profile) {
  const at = (name) => path.join(TARGET, profile, name);
  const programs = { profile, app: at('nox-desktop'), nox: at('nox'), bench: at('nox-bench'), empty: at('nox-empty-window') };
  return programs;
}

/** Runs `nox-bench` and returns what it printed. */
export function bench(programs, ...words) {
  const ran = spawnSync(programs.bench, words.map(String), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(`nox-bench ${words[0]} ended with ${ran.status ?? ran.signal}`);
  return ran.stdout;
}

/** A home with this much in it; made once, then kept in the build folder. What a start adds to it is a few facts. */
export function largeHome(programs, tasks, events) {
  return kept(programs, `home-${tasks}-${events}`, `a home with ${tasks} tasks and ${events} events`, (home) => bench(programs, 'home', home, tasks, events)).folder;
}

/** A folder that takes long to make: made once, then kept. Answers the folder, and what was printed when it was made. */
export function kept(programs, name, what, make) {
  const folder = path.join(FOLDER, name);
  const mark = path.join(FOLDER, `${name}.version`);
  const wanted = `${HOME_VERSION}, sessions of form ${bench(programs, 'form').trim()}\n`;
  if (existsSync(mark)) {
    const text = readFileSync(mark, 'utf8');
    if (text.startsWith(wanted)) return { folder, printed: text.slice(wanted.length) };
  }
  console.error(`making ${what}; it is kept in ${path.relative(ROOT, folder)}`);
  rmSync(mark, { force: true });
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const printed = make(folder);
  writeFileSync(mark, wanted + printed);
  return { folder, printed };
}
