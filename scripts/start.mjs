// `npm start`: sets up what is missing, builds what changed, opens the app. `npm run build` stops before opening.
// The second start finds everything built and opens at once.
import { existsSync } from 'node:fs';
import { buildEngine, buildUi, sources, stale } from './lib/build.mjs';
import { orSay } from './lib/missing.mjs';
import { ROOT, built } from './lib/paths.mjs';
import { endCleanly, handOver } from './lib/run.mjs';
import { checkTools, npmPackages, systemPackages } from './lib/setup.mjs';
import { duration, say, status } from './lib/terminal.mjs';

const STEPS = 5;
const NO_DISPLAY = `There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set), and Nox is a window.
Start it from a desktop session, or over ssh with \`ssh -X\`.
Without a window the command line does the same work: npm run nox -- run FILE.md`;

const args = process.argv.slice(2);
const buildOnly = args.includes('--build-only');
const again = buildOnly ? 'npm run build' : 'npm start';
const display = process.platform !== 'linux' || Boolean(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

process.chdir(ROOT);
process.exitCode = await orSay(main, (message) => say(`\n${message}`));

async function main() {
  const undo = endCleanly(again);
  await prepare();
  undo();
  if (buildOnly) return 0;
  if (!display) {
    say(NO_DISPLAY);
    return 1;
  }
  return handOver([built('nox-desktop'), ...args]);
}

/** Everything up to a program that can be opened. */
async function prepare() {
  const now = sources();
  const wanted = stale(now);
  if (!wanted.ui && !wanted.engine) {
    if (buildOnly) say('Everything is built.');
    return;
  }
  if (!display && !buildOnly) say('There is no display here: Nox will be built, and cannot be opened.\n');

  await step(1, 'Checking Node, git and Rust', async () => checkTools());
  await step(2, 'Checking system packages', (progress) => systemPackages(['build'], progress));
  await step(3, 'Checking npm dependencies', () => npmPackages());
  await step(4, 'Building the window', async () => {
    if (!wanted.ui) return 'unchanged';
    const { seconds } = await buildUi(now);
    return `built in ${duration(seconds)}`;
  });
  const first = existsSync(built('nox-desktop')) ? '' : ' (first time: about 5 minutes)';
  await step(5, `Building the engine${first}`, async (progress) => {
    const { seconds } = await buildEngine(now, progress);
    return `built in ${duration(seconds)}`;
  });
}

async function step(number, title, work) {
  const name = `[${number}/${STEPS}] ${title}`;
  status(`${name} …`);
  try {
    const outcome = await work((words) => status(`${name} … ${words}`));
    status('');
    say(`${name}: ${outcome}`);
  } catch (error) {
    status('');
    say(`${name}: failed`);
    throw error;
  }
}
