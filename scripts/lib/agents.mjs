// Real agent programs for the contract suite: which, in which version, and how they get into the project's cache. They are
// tools of the tests, never a dependency: no lock file names them, nothing of them is shipped.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Missing } from './missing.mjs';
import { ROOT } from './paths.mjs';
import { npm, run, tail } from './run.mjs';

/** The node that programs get which want a newer one than ours; it lies beside them and is found first. */
export const NODE = 'node@22.23.3';

/**
 * Exact versions: the suite says what was measured with them. The licence is the program's own. `quick` ones are in every
 * run of the suite, the others are asked for by name or with `all`; `withNode` ones get a node of their own.
 */
export const AGENTS = [
  {
    name: 'claude',
    title: 'Claude Code',
    package: '@anthropic-ai/claude-code',
    version: '2.1.329',
    bin: 'claude',
    licence: 'proprietary',
    quick: true,
  },
  {
    name: 'codex',
    title: 'Codex',
    package: '@openai/codex',
    version: '0.169.0',
    bin: 'codex',
    licence: 'Apache-2.0',
    quick: true,
  },
  {
    name: 'goose',
    title: 'goose',
    package: '@aaif/goose',
    version: '0.20.1',
    bin: 'goose',
    licence: 'Apache-2.0',
    quick: true,
  },
  { name: 'opencode', title: 'OpenCode', package: 'opencode-ai', version: '1.18.33', bin: 'opencode', licence: 'MIT' },
  {
    name: 'claude-acp',
    title: 'Claude Code over ACP',
    package: '@agentclientprotocol/claude-agent-acp',
    version: '0.100.0',
    bin: 'claude-agent-acp',
    licence: 'Apache-2.0',
    withNode: true,
  },
  {
    name: 'gemini',
    title: 'Gemini CLI',
    package: '@google/gemini-cli',
    version: '0.61.0',
    bin: 'gemini',
    licence: 'Apache-2.0',
    withNode: true,
  },
  {
    name: 'qwen',
    title: 'Qwen Code',
    package: '@qwen-code/qwen-code',
    version: '0.24.4',
    bin: 'qwen',
    licence: 'Apache-2.0',
    withNode: true,
  },
];

/** A real MCP server that the agents use. It has no `--version`. */
export const SERVER = {
  name: 'mcp-everything',
  title: 'The MCP reference server',
  package: '@modelcontextprotocol/server-everything',
  version: '2026.8.31',
  bin: 'mcp-server-everything',
  licence: 'MIT',
  silent: true,
};

/** Rows of the matrix that need nothing installed: the loop of Nox itself, on each of these wires. */
export const BUILT_IN = ['llm', 'llm-openai', 'llm-responses', 'llm-ollama'];

/** Where the programs read their keys from. */
export const KEYS = ['ANTHROPIC_API_KEY', 'GEMINI_API_KEY', 'OPENAI_API_KEY'];

/**
 * Which programs are meant by a command line, and what else it says: `--programs NAME,…`, `--programs all`, or the quick ones.
 * `builtIn` are those that are there already.
 */
export function chosen(args) {
  const place = args.indexOf('--programs');
  if (place < 0) return { agents: AGENTS.filter((agent) => agent.quick), builtIn: BUILT_IN, rest: args };
  const rest = args.toSpliced(place, 2);
  const names = (args[place + 1] ?? '').split(',').map((name) => name.trim());
  if (names.includes('all')) return { agents: AGENTS, builtIn: BUILT_IN, rest };
  const all = [...AGENTS.map((agent) => agent.name), ...BUILT_IN];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) {
    const known = all.join(', ');
    throw new Missing(`The contract knows no program "${unknown}". It knows ${known}, and all.`);
  }
  const builtIn = BUILT_IN.filter((name) => names.includes(name));
  return { agents: AGENTS.filter((agent) => names.includes(agent.name)), builtIn, rest };
}

export const CACHE = join(ROOT, 'tests', 'e2e', '.cache', 'agents');

/** The folder of one program in one version. */
export const folderOf = (agent) => join(CACHE, `${agent.name}-${agent.version}`);

/** What has to stand first in the `PATH` of a program, so that it finds the node that it came with. */
export const binOf = (agent) => join(folderOf(agent), 'node_modules', '.bin');

/** Where the program is when it is installed. */
export const programOf = (agent) => join(binOf(agent), agent.bin);

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
  const packages = [`${agent.package}@${agent.version}`, ...(agent.withNode ? [NODE] : [])];
  const command = npm('install', ...options, ...packages);
  const result = await run(command, { id: `install-${agent.name}`, minutes, cwd: folder });
  if (result.code !== 0) return `npm ended with ${result.code}:\n${tail(result.log, 10)}`;
  if (!existsSync(programOf(agent))) return `the package brought no program ${agent.bin}`;
  if (agent.silent) return done(agent);
  // A package whose part for this machine is missing brings a program that only says so.
  const path = `${binOf(agent)}${delimiter}${process.env.PATH}`;
  const tried = spawnSync(programOf(agent), ['--version'], { timeout: 60_000, env: { PATH: path, HOME: folder } });
  if (tried.status !== 0) return `${agent.bin} --version ended with ${tried.status ?? tried.signal}`;
  return done(agent);
}

function done(agent) {
  writeFileSync(join(folderOf(agent), 'installed'), `${agent.package}@${agent.version}\n`);
  return null;
}
