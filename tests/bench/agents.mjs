/**
 * What Nox adds to a real agent program: Claude Code below Nox, beside the same program driven directly over pipes with the
 * same frames and the same script of the model server, in turns; then many sessions of it within a memory budget. In a network
 * that has only loopback. `NOX_BENCH_SECONDS=60` records a session of a minute instead of ten seconds.
 */
import { spawnSync } from 'node:child_process';
import { AGENTS, install, programOf } from '../../scripts/lib/agents.mjs';
import { alone, canBeAlone } from '../../scripts/lib/alone.mjs';
import { FOLDER, ROUNDS } from './programs.mjs';
import { median, whole } from './table.mjs';

const SECONDS = Number(process.env.NOX_BENCH_SECONDS ?? 10);
const SESSIONS = 50;
const BUDGET_MB = 4_096;
const MOST_FIRST_MS = 50;
const MOST_DELTA_MS = 0.2;
const MOST_SESSION = 1.02;
const MOST_WAKE_MS = 150;
const MB = 1_048_576;
const TICK_MS = 10;

export async function agents(programs) {
  const claude = AGENTS.find(({ name }) => name === 'claude');
  const why = await install(claude);
  if (why || !canBeAlone()) {
    console.error(`agents: left out. ${why ? `${claude.title} ${claude.version} cannot be installed: ${why}` : 'This machine gives no network of its own: the program could reach others.'}`);
    return [];
  }
  const words = ['agents', programs.nox, programOf(claude), FOLDER, ROUNDS, SECONDS, SESSIONS, BUDGET_MB].map(String);
  const env = { ...process.env, ANTHROPIC_API_KEY: 'test-key' };
  const [command, ...rest] = alone([programs.bench, ...words]);
  const ran = spawnSync(command, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'], env });
  if (ran.error) throw ran.error;
  if (ran.status !== 0) throw new Error(`nox-bench agents ended with ${ran.status ?? ran.signal}`);
  const { first, deltas, session, wake, crowd } = JSON.parse(ran.stdout);

  const title = `${claude.title} ${claude.version}`;
  const pair = (what, { nox_ms, direct_ms }, most) => {
    const more = median(nox_ms.map((ours, round) => ours - direct_ms[round]));
    return {
      what: `${what} (${nox_ms.length} pairs)`,
      nox: `${whole(median(nox_ms))} ms`,
      yardstick: `${whole(median(direct_ms))} ms ${title} driven directly`,
      figure: `${more.toFixed(1)} ms more`,
      bound: `≤ ${most} ms more`,
      holds: more <= most,
    };
  };
  const deltaMs = (deltas.ticks * TICK_MS) / deltas.count;
  const times = median(session.nox_ms.map((ours, round) => ours / session.direct_ms[round]));
  return [
    pair('first words of a reply, seen by a subscriber', first, MOST_FIRST_MS),
    {
      what: `processor time of the engine for each of ${whole(deltas.count)} deltas (once)`,
      nox: `${whole(deltas.ticks * TICK_MS)} ms in all`,
      yardstick: 'none: the bound is absolute',
      figure: `${deltaMs.toFixed(3)} ms`,
      bound: `≤ ${MOST_DELTA_MS} ms`,
      holds: deltaMs <= MOST_DELTA_MS,
    },
    {
      what: `a session of ${SECONDS} s with calls that a rule allows (${session.nox_ms.length} pairs)`,
      nox: `${whole(median(session.nox_ms))} ms`,
      yardstick: `${whole(median(session.direct_ms))} ms ${title} driven directly`,
      figure: `${times.toFixed(3)} ×`,
      bound: `≤ ${MOST_SESSION} ×`,
      holds: times <= MOST_SESSION,
    },
    pair('waking a session that sleeps, to its first words', wake, MOST_WAKE_MS),
    {
      what: `${SESSIONS} sessions, memory of all runs at most (PSS, each second)`,
      nox: `${whole(crowd.most_bytes / MB)} MB, ${crowd.most_programs} programs at most`,
      yardstick: `${crowd.replied} of ${crowd.sessions} replied, ${crowd.seconds.toFixed(0)} s, ${crowd.looks} looks`,
      figure: `${whole(crowd.most_bytes / MB)} MB, ${crowd.replied} replies`,
      bound: `≤ ${whole(BUDGET_MB)} MB, ${SESSIONS} replies`,
      holds: crowd.most_bytes / MB <= BUDGET_MB && crowd.replied === crowd.sessions,
    },
  ];
}
