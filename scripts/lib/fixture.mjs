// For the tests of these scripts: a small repository with these scripts in it, and a machine whose cargo, npm and
// package manager are little programs that note how they were called and make the files that the real ones would.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { SCRIPT_TESTS } from '../steps.mjs';
import { ROOT } from './paths.mjs';

const CARGO = `
case "$1" in
  build)
    [ -e "$MACHINE/broken-build" ] && { echo "error: could not compile"; exit 101; }
    printf 'Building [=> ] 1/2: serde\\r'
    mkdir -p target/debug
    for name in nox-desktop nox-shim nox xtask; do
      printf '#!/bin/sh\\necho "%s $*"\\n' "$name" > "target/debug/$name"; chmod +x "target/debug/$name"
    done
    printf '#!/bin/sh\\necho "nox-chaos $*"\\n[ -e "$MACHINE/broken-promise" ] && { echo "3 passed, 1 failed"; exit 1; }\\necho "4 passed, 0 failed"\\n' > target/debug/nox-chaos
    chmod +x target/debug/nox-chaos ;;
  nextest)
    [ "$2" = --version ] && exit 0
    [ -e "$MACHINE/broken-test" ] && { echo "Summary [ 1s] 3 tests run: 2 passed, 1 failed, 0 skipped"; exit 100; }
    echo "Summary [ 1s] 3 tests run: 3 passed, 0 skipped" ;;
  *) echo "cargo 1.95.0" ;;
esac`;

const NPM = `
const { mkdirSync, writeFileSync, copyFileSync, appendFileSync } = require('node:fs');
const words = process.argv.slice(2).join(' ');
appendFileSync(process.env.MACHINE + '/calls', 'npm ' + words + '\\n');
if (words.startsWith('ci')) { mkdirSync('node_modules', { recursive: true }); copyFileSync('package-lock.json', 'node_modules/.package-lock.json'); }
if (words.includes('run build')) { mkdirSync('ui/dist', { recursive: true }); writeFileSync('ui/dist/index.html', ''); }
if (words.startsWith('test')) console.log(' Test Files  1 passed (1)\\n      Tests  5 passed (5)');
if (words.includes('test:window')) console.log('2 passed, 0 failed');
`;

/** Makes the repository and the machine; `close` removes them. */
export function fakeRepository() {
  const root = mkdtempSync(join(tmpdir(), 'nox-scripts-'));
  const machine = join(root, '.machine');
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  const program = (name, body) => {
    write(`.machine/bin/${name}`, `#!/bin/sh\necho "${name} $*" >> "$MACHINE/calls"\n${body}\n`);
    chmodSync(join(machine, 'bin', name), 0o755);
  };
  cpSync(join(ROOT, 'scripts'), join(root, 'scripts'), { recursive: true });
  write('Cargo.toml', 'rust-version = "1.95"\n');
  write('package-lock.json', '{"packages":{"node_modules/react":{"version":"19.2.0"}}}\n');
  write('ui/src/main.tsx', 'one\n');
  // The script's own tests are no matter of this repository; one stands for all.
  for (const path of SCRIPT_TESTS) write(path, "import { test } from 'node:test';\ntest('x', () => {});\n");
  write('.machine/npm.cjs', NPM);
  write('.machine/calls', '');
  write('.nox-setup/tools/bin/tauri-driver', '');
  program('cargo', CARGO);
  program('rustc', 'echo "rustc 1.95.0"');
  // The package manager knows what the file says; a name that was never installed is not mentioned.
  program('dpkg-query', 'shift 3; for name in "$@"; do grep -qx "$name" "$MACHINE/absent" 2>/dev/null || echo "$name installed"; done');
  program('apt-get', '[ -e "$MACHINE/broken-apt" ] && { echo "E: Unable to fetch some archives"; exit 100; }; case "$*" in *install*) rm -f "$MACHINE/absent" ;; esac; exit 0');
  program('sudo', 'exit 1');

  return {
    root,
    write,
    program,
    remove: (path) => rmSync(join(root, path), { recursive: true, force: true }),
    exists: (path) => existsSync(join(root, path)),
    /** How the programs of the machine were called since the last time. */
    calls: () => {
      const text = readFileSync(join(machine, 'calls'), 'utf8');
      writeFileSync(join(machine, 'calls'), '');
      return text.split('\n').filter(Boolean);
    },
    /** Runs a script to its end. */
    run: (script, args = [], env = {}) =>
      new Promise((resolve) => {
        const child = spawn(process.execPath, [join(root, 'scripts', script), ...args], {
          cwd: root,
          env: {
            HOME: process.env.HOME,
            PATH: `${join(machine, 'bin')}${delimiter}${process.env.PATH}`,
            MACHINE: machine,
            CI: 'true',
            npm_execpath: join(machine, 'npm.cjs'),
            ...env,
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let output = '';
        child.stdout.on('data', (chunk) => (output += chunk));
        child.stderr.on('data', (chunk) => (output += chunk));
        child.on('close', (code) => resolve({ code, output }));
      }),
    close: () => rmSync(root, { recursive: true, force: true }),
  };
}
