// The steps of `npm test`, in the order they are wanted. Cargo's steps share one lane, since cargo locks its folder;
// the window's own steps run beside them. Everything is compiled once for running and once, without code, for clippy.
import { CARGO_ENV } from './lib/build.mjs';
import { built } from './lib/paths.mjs';
import { npm } from './lib/run.mjs';

const locked = process.env.CI ? ['--locked'] : [];

/** `reader` names who counts the tests in results.mjs; a step without one is a single check. */
export const STEPS = [
  {
    id: 'fmt',
    group: 'rust',
    title: 'Rust is formatted (else: run cargo fmt --all)',
    lane: 'cargo',
    command: () => ['cargo', 'fmt', '--all', '--check', '--', '-l'],
  },
  {
    id: 'ui-build',
    group: 'ui',
    title: 'Building the window',
    lane: 'node',
    command: () => npm('run', 'build', '-w', 'ui'),
    build: true,
  },
  {
    id: 'rust-build',
    group: 'rust',
    title: 'Building the engine, the app and their tests',
    lane: 'cargo',
    needs: ['ui-build'],
    command: () => ['cargo', 'build', '--workspace', '--bins', '--tests', ...locked],
    env: CARGO_ENV,
    build: true,
    minutes: 60,
  },
  {
    id: 'ui-types',
    group: 'ui',
    title: 'Types of the window',
    lane: 'node',
    needs: ['ui-build'],
    command: () => npm('run', 'typecheck', '-w', 'ui'),
  },
  {
    id: 'ui-lint',
    group: 'ui',
    title: 'Lints of the window',
    lane: 'node',
    needs: ['ui-build'],
    command: () => npm('run', 'lint', '-w', 'ui'),
  },
  {
    id: 'ui-tests',
    group: 'ui',
    title: 'Tests of the window in parts',
    lane: 'node',
    needs: ['ui-build'],
    command: () => npm('test', '-w', 'ui'),
    reader: 'vitest',
  },
  {
    id: 'scripts',
    group: 'scripts',
    title: 'Tests of these scripts',
    lane: 'node',
    command: () => [process.execPath, '--test', ...SCRIPT_TESTS],
    reader: 'nodeTest',
  },
  {
    id: 'tidy',
    group: 'tidy',
    title: 'Tidy rules: floors, spawning, Tauri, words, headers',
    lane: 'cargo',
    needs: ['rust-build'],
    command: () => [built('xtask'), 'tidy'],
  },
  {
    id: 'bindings',
    group: 'bindings',
    title: 'Bindings are fresh (else: run npm run bindings)',
    lane: 'cargo',
    needs: ['rust-build'],
    command: () => [built('xtask'), 'bindings', '--check'],
  },
  {
    id: 'rust-tests',
    group: 'rust',
    title: 'Tests of the engine',
    lane: 'cargo',
    needs: ['rust-build'],
    command: () => ['cargo', 'nextest', 'run', '--workspace', '--no-fail-fast', ...locked],
    reader: 'nextest',
  },
  {
    id: 'clippy',
    group: 'rust',
    title: 'Lints of the engine',
    lane: 'cargo',
    needs: ['ui-build'],
    command: () => ['cargo', 'clippy', '--workspace', '--all-targets', ...locked, '--', '-D', 'warnings'],
    env: CARGO_ENV,
    minutes: 60,
  },
  {
    id: 'chaos',
    group: 'chaos',
    title: 'Chaos: kills, failing disks, damaged files, floods, crowds',
    lane: 'chaos',
    alone: true,
    needs: ['rust-build'],
    command: () => [built('nox-chaos')],
    reader: 'closing',
    minutes: 10,
  },
  {
    id: 'window',
    group: 'window',
    title: 'Tests in the real window',
    lane: 'window',
    alone: true,
    needs: ['rust-build'],
    command: () => npm('run', 'test:window', '-w', 'tests/e2e'),
    reader: 'closing',
  },
];

/** Every test file of the scripts; a new one is added here, and a test fails when it was forgotten. */
export const SCRIPT_TESTS = [
  'scripts/chaos.test.mjs',
  'scripts/contract.test.mjs',
  'scripts/fingerprint.test.mjs',
  'scripts/packages.test.mjs',
  'scripts/platforms.test.mjs',
  'scripts/results.test.mjs',
  'scripts/run.test.mjs',
  'scripts/schedule.test.mjs',
  'scripts/setup.test.mjs',
  'scripts/start.test.mjs',
  'scripts/test.test.mjs',
];
