/** An engine with live agents is killed: how long the next one takes until every session is shown as what it has become. */
import { FOLDER, ROUNDS, bench } from './programs.mjs';
import { median, whole } from './table.mjs';

const AGENTS = 10;
const MOST_MS = 3_000;

export async function crash(programs) {
  const { crashed_ms, ended_ms } = JSON.parse(bench(programs, 'crash', programs.nox, FOLDER, AGENTS, ROUNDS));
  const range = (times) => `${whole(median(times))} ms (${whole(Math.min(...times))} to ${whole(Math.max(...times))})`;
  const longest = Math.max(...crashed_ms);
  return [{
    what: `back after a crash with ${AGENTS} live agents`,
    nox: range(crashed_ms),
    yardstick: `${range(ended_ms)} start after a good end`,
    figure: `${whole(longest)} ms, the longest`,
    bound: `< ${MOST_MS} ms`,
    holds: longest < MOST_MS,
  }];
}
