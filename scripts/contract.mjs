// `npm run test:contract`: installs the pinned agent programs into the project's cache, then runs tests/contract: each of
// them below a real engine, against the scripted model server, in a network that has only loopback where the machine
// allows that. Prints a matrix of program and scenario; the last line is `N passed, N failed`.
//
//   npm run test:contract -- --programs claude,goose   these programs, or `all`; the quick ones when nothing is said
//   npm run test:contract -- --only "reply,bad key"    some scenarios
//   npm run test:contract -- --record FOLDER           writes down what is said on the programs' pipes
//   npm run test:contract -- --window                  the same task in the real window with each program, not the matrix;
//                                                      `--pictures` takes their pictures for docs/screenshots too
//   npm run test:contract -- --optional                a program that cannot be installed or kept to loopback is said, and is
//                                                      no failure
import { join } from 'node:path';
import { KEYS, SERVER, chosen, install, programOf } from './lib/agents.mjs';
import { alone, canBeAlone } from './lib/alone.mjs';
import { CARGO_ENV, crates, succeeded } from './lib/build.mjs';
import { Missing, orSay } from './lib/missing.mjs';
import { ROOT, built } from './lib/paths.mjs';
import { prepareAll } from './lib/prepare.mjs';
import { endCleanly, handOver, run } from './lib/run.mjs';
import { checkTools, systemPackages } from './lib/setup.mjs';
import { say, status } from './lib/terminal.mjs';

const FLAGS = ['--optional', '--window', '--pictures'];

/** Opens a keychain of its own on a session bus of its own, in a folder that goes with it, then runs the program. */
const WITH_KEYCHAIN = [
  'dbus-run-session',
  '--',
  'sh',
  '-c',
  `home=$(mktemp -d) && trap 'rm -rf "$home"' EXIT && echo |
HOME="$home" XDG_DATA_HOME="$home" XDG_RUNTIME_DIR="$home" gnome-keyring-daemon --unlock --components=secrets >/dev/null || exit 97
"$@"`,
  'sh',
];

process.exitCode = await orSay(async () => {
  const args = process.argv.slice(2);
  const optional = args.includes('--optional');
  const inWindow = args.includes('--window');
  const pictures = args.includes('--pictures');
  const { agents, builtIn, rest } = chosen(args.filter((word) => !FLAGS.includes(word)));
  const undo = endCleanly('npm run test:contract');
  checkTools();
  const programs = [];
  for (const agent of [SERVER, ...agents]) {
    status(`Installing ${agent.title} ${agent.version} (${agent.licence}) …`);
    const why = await install(agent);
    status('');
    if (!why) programs.push(agent);
    else if (optional) say(`${agent.title} ${agent.version} cannot be installed here, so its contract was not run: ${why}`);
    else throw new Missing(`${agent.title} ${agent.version} cannot be installed: ${why}`);
  }
  if (builtIn.length === 0 && programs.every((agent) => agent === SERVER)) {
    undo();
    return 0;
  }
  const packages = inWindow ? ['nox-test-support'] : ['nox-contract', 'nox-shim'];
  if (inWindow) await prepareAll(['build', 'test'], say);
  else await systemPackages(['build', 'test']);
  const onLine = crates((words) => status(`Building … ${words}`));
  const command = ['cargo', 'build', ...packages.flatMap((name) => ['-p', name]), ...(process.env.CI ? ['--locked'] : [])];
  succeeded(await run(command, { id: 'build-contract', env: CARGO_ENV, onLine, minutes: 60 }));
  status('');
  undo();
  const isAlone = canBeAlone();
  if (optional && !isAlone) {
    say('This machine gives no network of its own, so the contract was not run: the programs could reach others.');
    return 0;
  }
  say(isAlone ? 'In a network that has only loopback.' : 'This machine gives no network of its own: the programs could reach others.');
  // The model server takes any key; this one is what the scenarios look for.
  for (const name of KEYS) process.env[name] = 'test-key';
  process.env.NOX_CONTRACT_RECORDER = join(ROOT, 'tests', 'contract', 'record.mjs');
  const paths = [...programs.map((agent) => `${agent.name}=${programOf(agent)}`), ...builtIn.map((name) => `${name}=nox`)];
  if (inWindow) process.env.NOX_TEST_PROGRAMS = paths.join('\n');
  if (pictures) process.env.NOX_TEST_PICTURES = join(ROOT, 'docs', 'screenshots');
  const stories = [process.execPath, join(ROOT, 'tests', 'e2e', 'window', 'run.mjs'), 'runtimes'];
  const suite = inWindow ? stories : [...WITH_KEYCHAIN, built('nox-contract'), ...paths, ...rest];
  return handOver(isAlone ? alone(suite) : suite, { cwd: ROOT });
});
