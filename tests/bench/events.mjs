/** One more event in a log with many, beside one more in a log with few: bytes of the WAL, and time until it is durable. */
import path from 'node:path';
import { FOLDER, bench, kept } from './programs.mjs';
import { whole } from './table.mjs';

const MANY = 1_000_000;
const FEW = 1_000;
const MOST_BYTES = 1.2;
const MOST_TIME = 1.5;

export async function events(programs) {
  const database = (folder) => path.join(folder, 'nox.db');
  const { folder } = kept(programs, `log-${MANY}`, `a log with ${MANY} events`, (at) => bench(programs, 'log', database(at), MANY));
  const [old, young] = JSON.parse(bench(programs, 'events', database(folder), MANY, FOLDER, FEW));
  const row = (what, unit, key, most) => ({
    what: `one more event, ${what}`,
    nox: `${whole(old[key])} ${unit}, ${whole(old.events)} events`,
    yardstick: `${whole(young[key])} ${unit}, ${whole(young.events)} events`,
    figure: `${(old[key] / young[key]).toFixed(2)} ×`,
    bound: `≤ ${most} ×`,
    holds: old[key] / young[key] <= most,
  });
  return [row('written to the WAL', 'bytes', 'wal_bytes', MOST_BYTES), row('time until durable', 'µs', 'us', MOST_TIME)];
}
