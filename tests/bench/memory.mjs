/** What all processes of the app hold when nothing happens, above those of an empty Tauri window. */
import path from 'node:path';
import { ROUNDS, bench } from './programs.mjs';
import { median } from './table.mjs';
import { heldBytes, launch, onDesk } from './windows.mjs';

const IDLE_MS = 10_000;
const TASKS = 20;
const EVENTS = 5_000;
const MOST_MB = 80;
const MB = 1_000_000;

export async function memory(programs) {
  const [nox, empty] = await onDesk('bench memory', { app: programs.app }, async (desk) => {
    const home = path.join(desk.world.root, 'small');
    bench(programs, 'home', home, TASKS, EVENTS);
    const heldMb = async (program) => {
      const started = await launch(desk, program, home);
      await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      const held = heldBytes(started.pid) / MB;
      await started.end();
      return held;
    };
    // Each in turn is the window in front, since WebKit gives up the surface of one that nobody looks at. An empty window
    // behind shares with both what all such programs share, so that it counts alike.
    const behind = await launch(desk, programs.empty, home);
    const [ours, theirs] = [[], []];
    for (let round = 0; round < ROUNDS; round += 1) {
      theirs.push(await heldMb(programs.empty));
      ours.push(await heldMb(programs.app));
    }
    await behind.end();
    return [ours, theirs];
  });
  const above = median(nox.map((held, round) => held - empty[round]));
  return [{
    what: `memory when idle, ${TASKS} tasks, all processes (PSS)`,
    nox: `${median(nox).toFixed(0)} MB`,
    yardstick: `${median(empty).toFixed(0)} MB empty Tauri window`,
    figure: `${above.toFixed(0)} MB more`,
    bound: `≤ ${MOST_MB} MB`,
    holds: above <= MOST_MB,
  }];
}
