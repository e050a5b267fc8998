/**
 * What Nox costs: runs the measurements, prints one table, exits 1 when a figure is outside its bound.
 *
 *   node tests/bench/bench.mjs [appends] [events] [opening] [engine] [crash] [start] [memory] [stream] [agents] [--debug]
 *
 * Called by `npm run bench`, which builds the release programs first. Every figure stands beside a yardstick that was
 * measured in the same run, in turns with it, because times of one machine mean little on another. `--debug` runs the
 * programs of `target/debug`, to try the measurements themselves; its figures are worth nothing.
 */
import { agents } from './agents.mjs';
import { appends } from './appends.mjs';
import { crash } from './crash.mjs';
import { engine } from './engine.mjs';
import { events } from './events.mjs';
import { memory } from './memory.mjs';
import { opening } from './opening.mjs';
import { ROUNDS, built } from './programs.mjs';
import { start } from './start.mjs';
import { stream } from './stream.mjs';
import { table } from './table.mjs';

const PARTS = { appends, events, opening, engine, crash, start, memory, stream, agents };

const words = process.argv.slice(2);
const asked = words.filter((word) => !word.startsWith('--'));
const unknown = [...asked.filter((word) => !Object.hasOwn(PARTS, word)), ...words.filter((word) => word.startsWith('--') && word !== '--debug')];
if (unknown.length) {
  console.error(`npm run bench does not know “${unknown.join('”, “')}”. It knows: ${Object.keys(PARTS).join(', ')}, --debug.`);
  process.exit(2);
}
const programs = built(words.includes('--debug') ? 'debug' : 'release');
const chosen = asked.length ? asked : Object.keys(PARTS);

const rows = [];
let broken = 0;
for (const name of chosen) {
  const began = Date.now();
  try {
    rows.push(...(await PARTS[name](programs)));
    console.error(`${name}: measured in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  } catch (error) {
    broken += 1;
    console.error(`${name} could not be measured: ${error.stack ?? error}`);
  }
}
console.log(`\n${table(rows)}\n`);
console.log(`Medians of at least ${ROUNDS} rounds in turns, unless the line says otherwise. Programs: ${programs.profile}${programs.profile === 'debug' ? ', so the figures are worth nothing' : ''}.`);
const outside = rows.filter(({ holds }) => !holds).length;
console.log(outside || broken ? `${outside} outside the bound, ${broken} not measured` : 'all within their bounds');
process.exit(outside || broken ? 1 : 0);
