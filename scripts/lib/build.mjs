// Builds the window and the engine when their sources changed since the last build.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fingerprint, recall, remember } from './fingerprint.mjs';
import { Missing } from './missing.mjs';
import { ROOT, STATE, built } from './paths.mjs';
import { cargoProgress, npm, run, tail } from './run.mjs';

const MEMORY = join(STATE, 'built.json');
/** The page as the last build left it; another one is a placeholder or somebody's experiment. */
const PAGE = ['ui/dist/index.html'];
const UI_INPUTS = ['ui', 'package.json', 'package-lock.json'];
const ENGINE_INPUTS = ['Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'src-tauri', 'icons'];
/** What a person runs. */
export const PROGRAMS = ['nox-desktop', 'nox-shim', 'nox'];
export const CARGO_PACKAGES = ['nox-desktop', 'nox-shim', 'nox-cli'];
/** Shows cargo's counter although its output is no terminal. */
export const CARGO_ENV = { CARGO_TERM_PROGRESS_WHEN: 'always', CARGO_TERM_PROGRESS_WIDTH: '100' };

/** What the sources are now; take it before building, so that an edit during the build is noticed afterwards. */
export function sources() {
  const ui = fingerprint(ROOT, UI_INPUTS);
  return { ui, engine: `${ui}:${fingerprint(ROOT, ENGINE_INPUTS)}` };
}

/** What has to be built for `now`. */
export function stale(now) {
  const memory = recall(MEMORY);
  const ui = memory.ui !== now.ui || memory.page !== fingerprint(ROOT, PAGE);
  const absent = PROGRAMS.some((name) => !existsSync(built(name)));
  // The app carries the page inside, so a new page is a new app.
  return { ui, engine: ui || memory.engine !== now.engine || absent };
}

/** Notes that `part` (`ui` or `engine`) is built from `now`. */
export function noteBuilt(part, now) {
  remember(MEMORY, part === 'ui' ? { ui: now.ui, page: fingerprint(ROOT, PAGE) } : { [part]: now[part] });
}

/** Builds the window's files into `ui/dist`. */
export async function buildUi(now) {
  const result = succeeded(await run(npm('run', 'build', '-w', 'ui'), { id: 'build-ui', minutes: 15 }));
  noteBuilt('ui', now);
  return result;
}

/** Builds the programs; `progress` gets words such as `312/602 crates`. */
export async function buildEngine(now, progress = () => {}) {
  const command = ['cargo', 'build', ...CARGO_PACKAGES.flatMap((name) => ['-p', name])];
  const result = succeeded(await run(command, { id: 'build-engine', env: CARGO_ENV, minutes: 60, onLine: crates(progress) }));
  noteBuilt('engine', now);
  return result;
}

/** The result of a build that succeeded; otherwise throws with the log and its end. */
export function succeeded(result) {
  if (result.code === 0) return result;
  throw new Missing(`The build failed; the whole output is in ${result.log}. It ended with:\n\n${tail(result.log, 30)}`);
}

/** A listener that turns cargo's lines into progress. */
export function crates(progress) {
  return (line) => {
    const counts = cargoProgress(line);
    if (counts) progress(`${counts[0]}/${counts[1]} crates`);
    else if (/^\s*(Downloading|Downloaded|Updating|Blocking)\b/.test(line)) progress(line.trim().toLowerCase());
  };
}
