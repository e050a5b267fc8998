/** What an engine without a window holds, alone and with sessions, and what it does while nothing happens. */
import { FOLDER, bench } from './programs.mjs';

const SESSIONS = 50;
const SECONDS = 60;
const MOST_ALONE_MB = 30;
const MOST_MB = 80;
const MB = 1_000_000;

export async function engine(programs) {
  const { alone, standing_by, in_steps } = JSON.parse(bench(programs, 'idle', programs.nox, FOLDER, SESSIONS, SECONDS));
  const mb = (bytes) => `${(bytes / MB).toFixed(1)} MB`;
  const held = (what, { bytes }, yardstick, most) => ({
    what: `memory of the engine without a window, ${what} (PSS, once)`,
    nox: mb(bytes),
    yardstick,
    figure: mb(bytes),
    bound: `≤ ${most} MB`,
    holds: bytes / MB <= most,
  });
  const still = (what, { pace }) => ({
    what: `processor time of the engine in ${SECONDS} s idle, ${what} (once)`,
    nox: `${pace.ticks} ticks (${pace.busy_us} µs, ${pace.wakes} wake-ups)`,
    yardstick: 'none: the bound is absolute',
    figure: `${pace.ticks} ticks`,
    bound: '0 ticks',
    holds: pace.ticks === 0,
  });
  const sessions = `${SESSIONS} idle sessions`;
  const beside = `${mb(alone.bytes)} engine alone; beside it ${in_steps.shims} shims ${mb(in_steps.shim_bytes)}, programs ${mb(in_steps.program_bytes)}`;
  return [
    held('alone', alone, 'none: the bound is absolute', MOST_ALONE_MB),
    held(sessions, standing_by, `${mb(alone.bytes)} engine alone`, MOST_MB),
    held(`${in_steps.runs} runs in a step`, in_steps, beside, MOST_MB),
    still('alone', alone),
    still(sessions, standing_by),
  ];
}
