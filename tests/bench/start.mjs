/** From the start of the program to a board that can be used, with much to show, beside an empty Tauri window. */
import { ROUNDS, largeHome } from './programs.mjs';
import { median, whole } from './table.mjs';
import { launch, onDesk } from './windows.mjs';

const TASKS = 10_000;
const EVENTS = 1_000_000;
const MOST = 2.5;

export async function start(programs) {
  const home = largeHome(programs, TASKS, EVENTS);
  const [nox, empty] = await onDesk('bench start', { app: programs.app }, async (desk) => {
    const readyMs = async (program) => {
      const started = await launch(desk, program, home);
      await started.end();
      return started.readyMs;
    };
    // One start each warms the cache: figures are those of the second start of a day.
    await readyMs(programs.app);
    await readyMs(programs.empty);
    const [ours, theirs] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(await readyMs(programs.empty));
      ours.push(await readyMs(programs.app));
    }
    return [ours, theirs];
  });
  const ratio = median(nox) / median(empty);
  return [{
    what: `start to usable board, ${whole(TASKS)} tasks, ${whole(EVENTS)} events`,
    nox: `${whole(median(nox))} ms (${whole(Math.min(...nox))} to ${whole(Math.max(...nox))})`,
    yardstick: `${whole(median(empty))} ms empty Tauri window (${whole(Math.min(...empty))} to ${whole(Math.max(...empty))})`,
    figure: `${ratio.toFixed(2)} ×`,
    bound: `≤ ${MOST} ×`,
    holds: ratio <= MOST,
  }];
}
