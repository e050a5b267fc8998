/**
 * An agent program for the window tests: it says a version, opens a conversation as Claude Code does, and answers nothing.
 * Real programs are tried by `tests/contract`.
 */
import { chmodSync, mkdirSync, renameSync } from 'node:fs';
import path from 'node:path';

const CLAUDE = `
if (process.argv.includes('--version')) {
  console.log('2.1.329 (Claude Code)');
  process.exit(0);
}
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const frame = JSON.parse(line);
  if (frame.request?.subtype !== 'initialize') return;
  const response = {
    hooks_applied: true,
    claude_code_version: '2.1.329',
    commands: [{ name: 'compact', description: 'Makes the conversation shorter', argumentHint: '' }],
    models: [{ value: 'sonnet', displayName: 'Sonnet', description: '' }, { value: 'opus', displayName: 'Opus', description: '' }],
  };
  console.log(JSON.stringify({ type: 'control_response', response: { subtype: 'success', request_id: frame.request_id, response } }));
});
`;

/** Puts a program into the user's own folder of programs; returns its path. */
function install(desk, name, text) {
  const folder = path.join(desk.world.env.HOME, '.local', 'bin');
  mkdirSync(folder, { recursive: true });
  const file = desk.world.write(path.join(folder, name), text);
  chmodSync(file, 0o755);
  return file;
}

/** A program that stands. */
export const installClaude = (desk) => install(desk, 'claude', `#!${process.execPath}\n${CLAUDE}`);

/** The same, whose version comes only when the function is called that this returns. */
export function installWaitingClaude(desk) {
  const standing = installClaude(desk);
  const sign = `${standing}.answers`;
  const waiting = `#!/bin/sh\nwhile [ ! -e '${sign}' ]; do sleep 0.05; done\nexec '${standing}.standing' "$@"\n`;
  renameSync(standing, `${standing}.standing`);
  install(desk, 'claude', waiting);
  return () => desk.world.write(sign, '');
}

/** One that is older than what Nox was tested with, and that nobody is signed in to. */
export const installOldCodex = (desk) => install(desk, 'codex', '#!/bin/sh\necho codex-cli 0.101.0\n');
