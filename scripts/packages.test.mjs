// Installing system packages, on a machine of little programs.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, test } from 'node:test';
import { fakeRepository } from './lib/fixture.mjs';
import { detect } from './platforms.mjs';

const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : '';
const debian = detect(process.platform, osRelease) === 'debian';
const root = process.getuid?.() === 0;
const options = { skip: !debian && 'Debian’s package manager only' };
const DISPLAY = { DISPLAY: ':77' };
let repository;
beforeEach(() => (repository = fakeRepository()));
afterEach(() => repository.close());

const apt = () => repository.calls().filter((call) => call.startsWith('apt-get'));

test('what is missing is installed, and only that', { skip: options.skip || (!root && 'needs root') }, async () => {
  repository.write('.machine/absent', 'librsvg2-dev\nlibdbus-1-dev\nxvfb\n');
  assert.equal((await repository.run('start.mjs', [], DISPLAY)).code, 0);
  const [update, install, ...rest] = apt();
  assert.match(update, / update$/);
  assert.match(install, / install -y --no-install-recommends librsvg2-dev libdbus-1-dev$/);
  assert.deepEqual(rest, []);
});

test('when nothing is missing the package manager is left alone', options, async () => {
  await repository.run('start.mjs', [], DISPLAY);
  assert.deepEqual(apt(), []);
});

test('a package manager that fails is quoted, with the command to try by hand', { skip: options.skip || (!root && 'needs root') }, async () => {
  repository.write('.machine/absent', 'librsvg2-dev\n');
  repository.write('.machine/broken-apt', '');
  const result = await repository.run('start.mjs', [], DISPLAY);
  assert.equal(result.code, 1);
  assert.match(result.output, /Unable to fetch some archives/);
  assert.match(result.output, /apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends librsvg2-dev/);
});

test('without root and without sudo the exact command is printed and nothing is built', options, async () => {
  repository.write('.machine/absent', 'librsvg2-dev\n');
  repository.write('.machine/user.mjs', 'process.getuid = () => 1000;\n');
  const result = await repository.run('start.mjs', [], { ...DISPLAY, NODE_OPTIONS: `--import ${repository.root}/.machine/user.mjs` });
  assert.equal(result.code, 1);
  assert.match(result.output, /System packages are missing: librsvg2-dev/);
  assert.match(result.output, /^ {2}sudo apt-get .*update && sudo apt-get .*install -y --no-install-recommends librsvg2-dev$/m);
  assert.ok(!repository.exists('target'));
});
