/** Opening a long session through the contract, as the window does, beside a short one; each with an engine of its own. */
import { ROUNDS, bench, kept } from './programs.mjs';
import { median, quantile, whole } from './table.mjs';

/** An opening takes a few milliseconds, so that a median of ten would say more about the machine. */
const OPENINGS = 4 * ROUNDS;
const LONG = 100_000;
const SHORT = 1_000;
const MOST_MS = 150;
const MOST = 1.2;

export async function opening(programs) {
  const make = (home) => bench(programs, 'sessions', home, LONG, SHORT);
  const { folder, printed } = kept(programs, `sessions-${LONG}-${SHORT}`, `sessions of ${LONG} and ${SHORT} events`, make);
  const [long, short] = JSON.parse(bench(programs, 'opening', programs.nox, folder, OPENINGS, ...JSON.parse(printed)));
  const row = (what, key) => {
    const [ours, theirs] = [median(long[key]), median(short[key])];
    return {
      what: `${what} a session of ${whole(LONG)} events`,
      nox: `${ours.toFixed(1)} ms (p90 ${quantile(long[key], 0.9).toFixed(1)})`,
      yardstick: `${theirs.toFixed(1)} ms (p90 ${quantile(short[key], 0.9).toFixed(1)}), one of ${whole(SHORT)}`,
      figure: `${ours.toFixed(1)} ms, ${(ours / theirs).toFixed(2)} ×`,
      bound: `< ${MOST_MS} ms, ≤ ${MOST} ×`,
      holds: ours < MOST_MS && ours / theirs <= MOST,
    };
  };
  return [row('opening', 'open_ms'), row('first command, waking', 'wake_ms')];
}
