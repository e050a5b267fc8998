/**
 * The scripted model server of the Rust tests, for a desk, and how each agent program calls its own tools. What is said here
 * in scripts is what a model would say; the programs are real.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { REPOSITORY } from './world.mjs';

const SERVER = path.join(REPOSITORY, 'target', 'debug', 'nox-model-server');

/** Starts a server that gives these replies; resolves to its address. It ends with the desk. */
export async function startModel(desk, replies) {
  if (!existsSync(SERVER)) throw new Error(`there is no ${SERVER}; \`npm run test:contract -- --window\` builds it`);
  const script = desk.world.write(path.join(desk.world.root, 'model.json'), JSON.stringify({ replies }));
  const server = desk.processes.start('model', SERVER, [script], { env: desk.env, stdio: ['pipe', 'pipe', 'log'] });
  for await (const line of createInterface({ input: server.stdout })) return line;
  throw new Error('the model server ended before it was ready; see model.log');
}

const call = (name, input) => ({ call: { name, input } });

/**
 * The runtimes, each with the program that is tried: the lines of its `agent.toml`, what its model calls to read a file and to
 * change one line of it, and whether the program tells what a turn cost.
 */
export const RUNTIMES = [
  {
    program: 'claude',
    runtime: 'claude',
    name: 'Claude Code',
    key: 'ANTHROPIC_API_KEY',
    read: (file) => call('Read', { file_path: file }),
    edit: (file, old, now) => call('Edit', { file_path: file, old_string: old, new_string: now }),
    tellsCost: true,
  },
  {
    program: 'goose',
    runtime: 'acp',
    name: 'goose',
    key: 'OPENAI_API_KEY',
    settings: ['preset = "goose"', 'provider = "openai"', 'model = "scripted"'],
    edit: (file, old, now) => call('edit', { path: file, before: old, after: now }),
    tellsCost: false,
  },
  {
    program: 'codex',
    runtime: 'codex',
    name: 'Codex',
    key: 'OPENAI_API_KEY',
    // Its newer models are only offered a tool that runs scripts.
    settings: ['model = "gpt-5.5"'],
    edit: (file, old, now) => call('apply_patch', `*** Begin Patch\n*** Update File: ${file}\n@@\n-${old}\n+${now}\n*** End Patch\n`),
    tellsCost: false,
  },
  {
    program: 'llm',
    runtime: 'llm',
    name: 'Sonnet',
    key: 'ANTHROPIC_API_KEY',
    settings: ['provider = "anthropic"', 'model = "claude-sonnet-4-5"'],
    read: (file) => call('read', { path: file }),
    edit: (file, old, now) => call('edit', { path: file, old, new: now }),
    tellsCost: true,
  },
];

/** The `agent.toml` of an agent that this program carries; `command` is null for what Nox carries itself. */
export function agentToml({ runtime, name, key, settings = [] }, { command, address }) {
  const program = [command && `command = "${command}"`, `address = "${address}"`, ...settings, `pass_environment = ["${key}"]`];
  return `schema = 1\nname = "${name}"\nruntime = "${runtime}"\nenabled = true\n\n[program]\n${program.filter(Boolean).join('\n')}\n`;
}
