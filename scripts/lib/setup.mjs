// Sets up what is missing on a machine: tools, system packages, npm dependencies, tools of the tests. Each function
// does nothing when nothing is missing, can be run twice, and throws a `Missing` with one clear sentence otherwise.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PLATFORMS, detect, installCommands, missing, packages, typed } from '../platforms.mjs';
import { CARGO_ENV, crates } from './build.mjs';
import { Missing } from './missing.mjs';
import { ROOT, TOOLS, tool } from './paths.mjs';
import { ask, npm, run, tail } from './run.mjs';

const NODE_MIN = '20.19';
/** Versions the tests were written against. */
const TEST_TOOLS = [
  { name: 'cargo-nextest', version: '0.9.143', needed: () => !ask(['cargo', 'nextest', '--version']).ok },
  { name: 'tauri-driver', version: '2.1.0', needed: () => process.platform === 'linux' && !existsSync(tool('tauri-driver')) },
];

/** Checks Node, git and Rust. */
export function checkTools() {
  if (olderThan(process.versions.node, NODE_MIN)) {
    throw new Missing(`Node ${process.versions.node} is too old: Nox needs ${NODE_MIN} or newer. Install a newer Node, then try again.`);
  }
  if (!ask(['git', '--version']).ok) throw new Missing('git is missing. Install it with your package manager, then try again.');
  const rust = ask(['rustc', '--version']);
  const cargo = ask(['cargo', '--version']);
  if (rust.missing || cargo.missing) {
    throw new Missing('Rust is missing (rustc or cargo is not in PATH). Install it with rustup, open a new terminal, then try again.');
  }
  if (!rust.ok || !cargo.ok) {
    const reason = `${rust.stderr}${cargo.stderr}`.trim().split('\n').pop();
    throw new Missing(`Rust does not start: ${reason}. Try \`rustup toolchain install\` in this folder.`);
  }
  const version = /(\d+\.\d+\.\d+)/.exec(rust.stdout)?.[1] ?? '0';
  const wanted = /rust-version\s*=\s*"([^"]+)"/.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))?.[1] ?? '0';
  if (olderThan(version, wanted)) {
    throw new Missing(`Rust ${version} is too old: Nox needs ${wanted} or newer. Run \`rustup update\`, then try again.`);
  }
  return `Node ${process.versions.node}, Rust ${version}`;
}

/** Checks what only the tests need of Rust: the linter and the formatter. */
export async function checkRustComponents() {
  const lacking = [['clippy', 'clippy'], ['fmt', 'rustfmt']].filter(([command]) => !ask(['cargo', command, '--version']).ok);
  if (lacking.length === 0) return 'clippy and rustfmt are here';
  const names = lacking.map(([, component]) => component);
  const result = await run(['rustup', 'component', 'add', ...names], { id: 'setup-rust', minutes: 10 });
  if (result.code !== 0) throw new Missing(`Rust lacks ${names.join(' and ')}. Run \`rustup component add ${names.join(' ')}\`, then try again.`);
  return `added ${names.join(' and ')}`;
}

/** Installs the missing system packages of `kinds`, where that is possible without asking for a password. */
export async function systemPackages(kinds, progress = () => {}) {
  const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
  const platform = detect(process.platform, osRelease);
  if (!platform) {
    const names = packages('debian', kinds).join(' ');
    return `this system is not known to Nox; make sure it has what Debian calls ${names}`;
  }
  const wanted = packages(platform, kinds);
  if (wanted.length === 0) return 'none needed';
  const lacking = () => missing(platform, wanted, ask(PLATFORMS[platform].query(wanted), { LC_ALL: 'C' }).stdout);
  const names = lacking();
  if (names.length === 0) return `all ${wanted.length} are here`;

  const who = powers();
  const byHand = installCommands(platform, names, process.getuid?.() === 0 ? 'root' : 'nobody').map(typed).join(' && ');
  if (PLATFORMS[platform].asRoot && who === 'nobody') {
    throw new Missing(`System packages are missing: ${names.join(', ')}. Run this, then try again:\n\n  ${byHand}\n`);
  }
  for (const command of installCommands(platform, names, who)) {
    progress(`${names.length} to install: ${command.includes('update') ? 'asking for the list' : names.join(' ')}`);
    const env = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
    const result = await run(command, { id: 'setup-packages', env, minutes: 30 });
    // A list that cannot be renewed is no reason to stop: the packages may be known or cached.
    if (result.code !== 0 && !command.includes('update')) {
      throw new Missing(`The package manager failed (${result.log}):\n${tail(result.log, 12)}\n\nTry it by hand, then try again:\n\n  ${byHand}\n`);
    }
  }
  const still = lacking();
  if (still.length > 0) throw new Missing(`Still missing after installing: ${still.join(', ')}. Finish their installation, then try again:\n\n  ${byHand}\n`);
  return `installed ${names.length}`;
}

/** Installs the npm dependencies when they differ from the lock file. */
export async function npmPackages() {
  const difference = npmDifference(readLock('package-lock.json'), readLock('node_modules/.package-lock.json'));
  if (!difference) return 'as the lock file says';
  const result = await run(npm('ci', '--no-audit', '--no-fund'), { id: 'setup-npm', minutes: 20 });
  if (result.code !== 0) throw new Missing(`\`npm ci\` failed (${result.log}):\n${tail(result.log, 12)}`);
  return `installed, since ${difference}`;
}

/** How the installed packages differ from the lock file, in words, or null. */
export function npmDifference(lock, installed) {
  if (!lock) return 'there is no readable package-lock.json';
  if (!installed) return 'nothing was installed yet';
  for (const [path, wanted] of Object.entries(lock.packages)) {
    if (!path.includes('node_modules/')) continue;
    const found = installed.packages?.[path];
    if (!found && wanted.optional) continue;
    if (!found) return `${path} is missing`;
    if (!wanted.link && found.version !== wanted.version) return `${path} is ${found.version}, wanted ${wanted.version}`;
  }
  return null;
}

/** Installs the tools of the tests into `.nox-setup/tools`. */
export async function testTools(progress = () => {}) {
  const done = [];
  for (const { name, version, needed } of TEST_TOOLS) {
    if (!needed()) continue;
    progress(`${name} ${version}`);
    const command = ['cargo', 'install', name, '--version', version, '--locked', '--debug', '--root', TOOLS];
    const env = { ...CARGO_ENV, CARGO_PROFILE_DEV_DEBUG: '0' };
    const listen = crates((words) => progress(`${name} ${version}: ${words}`));
    const result = await run(command, { id: `setup-${name}`, env, onLine: listen, minutes: 30 });
    if (result.code !== 0) throw new Missing(`${name} could not be installed (${result.log}):\n${tail(result.log, 12)}`);
    done.push(name);
  }
  return done.length > 0 ? `installed ${done.join(' and ')}` : 'all here';
}

/** Whether `version` is below `wanted`; parts that are not there count as 0. */
export function olderThan(version, wanted) {
  const parts = (text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0);
  const [a, b] = [parts(version), parts(wanted)];
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Who we may be for the package manager: root, sudo without a password, or nobody. */
function powers() {
  if (process.getuid?.() === 0) return 'root';
  return ask(['sudo', '-n', 'true']).ok ? 'sudo' : 'nobody';
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
  } catch {
    return null;
  }
}
