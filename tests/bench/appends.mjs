/** Durable appends through the store, beside raw rusqlite writing the same rows, bytes and batches. */
import { FOLDER, ROUNDS, bench } from './programs.mjs';
import { whole } from './table.mjs';

const LEAST = 0.8;

export async function appends(programs) {
  const figures = JSON.parse(bench(programs, 'appends', FOLDER, ROUNDS + 1));
  return figures.map(({ load, nox_per_s, raw_per_s, ratio, batches_per_transaction }) => ({
    what: `durable appends, ${load}`,
    nox: `${whole(nox_per_s)} events/s`,
    yardstick: `${whole(raw_per_s)} events/s raw rusqlite, ${batches_per_transaction.toFixed(0)} a transaction`,
    figure: ratio.toFixed(2),
    bound: `≥ ${LEAST}`,
    holds: ratio >= LEAST,
  }));
}
