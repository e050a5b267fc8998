// `npm test`: sets up what the tests need, then runs all of them. Each step prints its time; a failed one prints one
// line that says what failed, the log, and the log's end. The last line is `N passed, N failed`.
//
//   npm test -- --list              the steps and their groups
//   npm test -- --only rust,ui      some of them, with what they need
import { crates, noteBuilt, sources, stale } from './lib/build.mjs';
import { orSay } from './lib/missing.mjs';
import { ROOT } from './lib/paths.mjs';
import { count } from './lib/results.mjs';
import { endCleanly, run, tail } from './lib/run.mjs';
import { schedule, select } from './lib/schedule.mjs';
import { checkRustComponents, checkTools, npmPackages, systemPackages, testTools } from './lib/setup.mjs';
import { duration, say, status } from './lib/terminal.mjs';
import { STEPS } from './steps.mjs';

const args = process.argv.slice(2);
/** Groups of steps that look at Linux from outside. */
const LINUX = ['window', 'chaos'];
const tally = { passed: 0, failed: 0 };
const failures = [];

process.chdir(ROOT);
process.exitCode = args.includes('--list') ? list() : await orSay(main, failedSetup);

async function main() {
  const steps = chosen();
  if (!steps) return 2;
  endCleanly('npm test');
  const begun = Date.now();
  await setUp(steps);

  const now = sources();
  const active = new Map();
  const show = () => status([...active].map(([step, words]) => `${step.id} ${words}`).join(' · '));
  const beat = setInterval(show, 1000);
  let number = 0;
  const perform = async (step) => {
    number += 1;
    const name = `[${number}/${steps.length}] ${step.title}`;
    // Writing the same files again would have cargo embed and compile them again.
    if (step.id === 'ui-build' && !stale(now).ui) {
      say(`  ok ${name} (unchanged)`);
      return true;
    }
    active.set(step, '');
    show();
    const onLine = step.lane === 'cargo' ? crates((words) => active.set(step, words)) : undefined;
    const { command, env, minutes } = step;
    const result = await run(command(), { id: step.id, env, minutes, onLine });
    active.delete(step);
    if (result.code === 0 && step.id === 'ui-build') noteBuilt('ui', now);
    if (result.code === 0 && step.id === 'rust-build') noteBuilt('engine', now);
    report(step, name, result);
    return result.code === 0;
  };
  const skip = (step, need) => say(`  –  ${step.title}: not run, since ${need} failed`);
  await schedule(steps, perform, skip);
  clearInterval(beat);
  status('');
  return close((Date.now() - begun) / 1000);
}

/** The steps that were asked for; null after saying what is wrong with the question. */
function chosen() {
  const at = args.indexOf('--only');
  const unknown = args.find((word, index) => !(at >= 0 && (index === at || index === at + 1)) && word);
  if (unknown || (at >= 0 && !args[at + 1])) {
    say(`npm test does not understand \`${args.join(' ')}\`. Use --list, or --only with names from it.`);
    return null;
  }
  const here = STEPS.filter((step) => !LINUX.includes(step.group) || process.platform === 'linux');
  if (here.length < STEPS.length) say('The tests in the real window and the chaos suite need Linux; they are left out here.');
  if (at < 0) return here;
  const steps = select(here, args[at + 1].split(','));
  if (!steps) say(`There is no step or group in \`${args[at + 1]}\` that npm test knows; \`npm test -- --list\` names them.`);
  return steps;
}

function list() {
  for (const step of STEPS) say(`${step.group.padEnd(9)} ${step.id.padEnd(11)} ${step.title}`);
  return 0;
}

/** What the chosen steps need, each with its time. */
async function setUp(steps) {
  const has = (...groups) => steps.some((step) => groups.includes(step.group));
  const cargo = steps.some((step) => step.lane === 'cargo');
  const window = has('window');
  const chaos = has('chaos');
  await ready('tools', async () => checkTools());
  if (cargo) await ready('Rust components', checkRustComponents);
  const kinds = ['build', ...(window ? ['test'] : []), ...(chaos ? ['chaos'] : [])];
  if (cargo || window) await ready('system packages', (words) => systemPackages(kinds, words));
  if (has('ui', 'window')) await ready('npm dependencies', npmPackages);
  if (cargo || window) await ready('test tools', testTools);
}

async function ready(name, work) {
  const begun = Date.now();
  status(`Set-up: ${name} …`);
  const beat = (words) => status(`Set-up: ${name} … ${words}`);
  const outcome = await work(beat);
  status('');
  say(`Set-up: ${name}: ${outcome} (${duration((Date.now() - begun) / 1000)})`);
}

function failedSetup(message) {
  status('');
  say(message);
  say('\nFAILED set-up');
  say('0 passed, 1 failed');
}

function report(step, name, result) {
  const counted = count(step.reader, result);
  // A build is no check of its own: it counts when it breaks.
  tally.passed += step.build ? 0 : counted.passed;
  tally.failed += counted.failed;
  const tests = step.reader ? `, ${counted.passed} passed, ${counted.failed} failed` : '';
  if (counted.failed === 0) {
    say(`  ok ${name} (${duration(result.seconds)}${tests})`);
    return;
  }
  const why = result.code === 0 ? 'it ran no test' : `exit code ${result.code}`;
  const line = `FAILED ${step.id}: ${step.title}: ${why}${tests} (${duration(result.seconds)}); log: ${result.log}`;
  failures.push(line);
  say(`  ${line}`);
  say(tail(result.log).replace(/^/gm, '     | '));
}

function close(seconds) {
  say();
  for (const line of failures) say(line);
  say(`${duration(seconds)} in all`);
  say(`${tally.passed} passed, ${tally.failed} failed`);
  return tally.failed > 0 ? 1 : 0;
}
