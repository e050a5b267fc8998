// Real agent programs for the contract suite: which, in which version, and how they get into the project's cache. They are
// tools of the tests, never a dependency: no lock file names them, nothing of them is shipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './paths.mjs';
import { npm, run, tail } from './run.mjs';

/** Exact versions: the suite says what was measured with them. The licence is the program's own. */
export const AGENTS = [
  {
    name: 'claude',
    title: 'Claude Code',
    package: '@anthropic-ai/claude-code',
    version: '2.1.329',
    bin: 'claude',
    licence: 'proprietary',
  },
];

export const CACHE = join(ROOT, 'tests', 'e2e', '.cache', 'agents');

/** The folder of one program in one version. */
export const folderOf = (agent) => join(CACHE, `${agent.name}-${agent.version}`);

/** Where the program is when it is installed. */
export const programOf = (agent) => join(folderOf(agent), 'node_modules', '.bin', agent.bin);

/** Whether it was installed to its end. */
export const isInstalled = (agent) => existsSync(join(folderOf(agent), 'installed')) && existsSync(programOf(agent));

/** Installs a program; resolves to null, or to why that was not possible. */
export async function install(agent, minutes = 3) {
  if (isInstalled(agent)) return null;
  const folder = folderOf(agent);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // A package of its own, so that npm does not climb to ours.
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--no-save', '--no-package-lock', '--no-audit', '--no-fund', '--no-update-notifier'];
  const command = npm('install', ...options, `${agent.package}@${agent.version}`);
  const result = await run(command, { id: `install-${agent.name}`, minutes, cwd: folder });
  if (result.code !== 0) return `npm ended with ${result.code}:\n${tail(result.log, 10)}`;
  if (!existsSync(programOf(agent))) return `the package brought no program ${agent.bin}`;
  // A package whose part for this machine is missing brings a program that only says so.
  const tried = spawnSync(programOf(agent), ['--version'], { timeout: 30_000, env: { PATH: process.env.PATH, HOME: folder } });
  if (tried.status !== 0) return `${agent.bin} --version ended with ${tried.status ?? tried.signal}`;
  writeFileSync(join(folder, 'installed'), `${agent.package}@${agent.version}\n`);
  return null;
}
