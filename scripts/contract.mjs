// `npm run test:contract`: installs the pinned agent programs into the project's cache, then runs tests/contract: each of
// them below a real engine, against the scripted model server, in a network that has only loopback where the machine
// allows that. Prints a matrix of program and scenario; the last line is `N passed, N failed`.
//
//   npm run test:contract -- --programs claude,goose   these programs, or `all`; the quick ones when nothing is said
//   npm run test:contract -- --only "reply,bad key"    some scenarios
//   npm run test:contract -- --record FOLDER           writes down what is said on the programs' pipes
//   npm run test:contract -- --optional                a program that cannot be installed or kept to loopback is said, and is
//                                                      no failure
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { KEYS, SERVER, chosen, install, programOf } from './lib/agents.mjs';
import { CARGO_ENV, crates, succeeded } from './lib/build.mjs';
import { Missing, orSay } from './lib/missing.mjs';
import { ROOT, built } from './lib/paths.mjs';
import { endCleanly, handOver, run } from './lib/run.mjs';
import { checkTools, systemPackages } from './lib/setup.mjs';
import { say, status } from './lib/terminal.mjs';

/** Brings loopback up in a network of its own, then becomes the program. Without `ip`, python sets the flag itself. */
const ALONE = [
  'unshare',
  '-rn',
  'sh',
  '-c',
  `ip link set lo up 2>/dev/null || python3 -c 'import fcntl,socket,struct
s=socket.socket()
fcntl.ioctl(s,0x8914,struct.pack("16sh",b"lo",0x1|0x40)+bytes(14))' || exit 97
exec "$@"`,
  'sh',
];

process.exitCode = await orSay(async () => {
  const args = process.argv.slice(2);
  const optional = args.includes('--optional');
  const { agents, builtIn, rest } = chosen(args.filter((word) => word !== '--optional'));
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
  await systemPackages(['build']);
  const onLine = crates((words) => status(`Building … ${words}`));
  const command = ['cargo', 'build', '-p', 'nox-contract', '-p', 'nox-shim', ...(process.env.CI ? ['--locked'] : [])];
  succeeded(await run(command, { id: 'build-contract', env: CARGO_ENV, onLine, minutes: 60 }));
  status('');
  undo();
  const alone = spawnSync(ALONE[0], [...ALONE.slice(1), 'true'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
  if (optional && !alone) {
    say('This machine gives no network of its own, so the contract was not run: the programs could reach others.');
    return 0;
  }
  say(alone ? 'In a network that has only loopback.' : 'This machine gives no network of its own: the programs could reach others.');
  // The model server takes any key; this one is what the scenarios look for.
  for (const name of KEYS) process.env[name] = 'test-key';
  process.env.NOX_CONTRACT_RECORDER = join(ROOT, 'tests', 'contract', 'record.mjs');
  const paths = [...programs.map((agent) => `${agent.name}=${programOf(agent)}`), ...builtIn.map((name) => `${name}=nox`)];
  const suite = [built('nox-contract'), ...paths, ...rest];
  return handOver(alone ? [...ALONE, ...suite] : suite, { cwd: ROOT });
});
