// The table of platforms: which one is recognised, what is missing, and the exact command a person is told to type.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PLATFORMS, detect, installCommands, missing, packages, typed } from './platforms.mjs';

const RECOGNISED = [
  ['linux', 'ID=debian\nVERSION_ID="12"\n', 'debian'],
  ['linux', 'ID=ubuntu\nID_LIKE=debian\n', 'debian'],
  ['linux', 'ID=linuxmint\nID_LIKE="ubuntu debian"\n', 'debian'],
  ['linux', 'ID=fedora\n', 'fedora'],
  ['linux', 'ID="nobara"\nID_LIKE="rhel centos fedora"\n', 'fedora'],
  ['linux', 'ID=arch\n', 'arch'],
  ['linux', 'ID=endeavouros\nID_LIKE=arch\n', 'arch'],
  ['linux', 'ID=void\n', null],
  ['linux', '', null],
  ['darwin', '', 'macos'],
  ['win32', '', 'windows'],
  ['freebsd', '', null],
];

for (const [platform, osRelease, expected] of RECOGNISED) {
  test(`${platform} with ${JSON.stringify(osRelease)} is ${expected}`, () => {
    assert.equal(detect(platform, osRelease), expected);
  });
}

const MISSING = [
  ['debian', ['a', 'b', 'c'], 'a installed\nb config-files\n', ['b', 'c']],
  ['fedora', ['gcc', 'make'], 'gcc\npackage make is not installed\n', ['make']],
  ['arch', ['dbus', 'librsvg'], "dbus\nerror: package 'librsvg' was not found\n", ['librsvg']],
  ['macos', ['command-line-tools'], '', ['command-line-tools']],
  ['macos', ['command-line-tools'], '/Library/Developer/CommandLineTools\n', []],
  ['windows', PLATFORMS.windows.build, 'WebView2  Microsoft.EdgeWebView2Runtime  130\n', ['Microsoft.VisualStudio.2022.BuildTools']],
];

for (const [platform, wanted, output, expected] of MISSING) {
  test(`${platform}: of ${wanted.join(' ')} it lacks ${expected.join(' ') || 'nothing'}`, () => {
    assert.deepEqual(missing(platform, wanted, output), expected);
  });
}

const COMMANDS = [
  ['debian', ['xvfb'], 'root', ['apt-get -o DPkg::Lock::Timeout=120 update', 'apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends xvfb']],
  ['debian', ['xvfb'], 'sudo', ['sudo -n apt-get -o DPkg::Lock::Timeout=120 update', 'sudo -n apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends xvfb']],
  ['fedora', ['gcc', 'make'], 'nobody', ['sudo dnf install -y --setopt=install_weak_deps=False gcc make']],
  ['arch', ['dbus'], 'nobody', ['sudo pacman -S --needed --noconfirm dbus']],
  ['macos', ['command-line-tools'], 'nobody', ['xcode-select --install']],
  ['windows', ['Microsoft.EdgeWebView2Runtime'], 'nobody', ['winget install --exact --id Microsoft.EdgeWebView2Runtime --accept-package-agreements --accept-source-agreements']],
  ['windows', ['Microsoft.VisualStudio.2022.BuildTools'], 'nobody', ["winget install --exact --id Microsoft.VisualStudio.2022.BuildTools --accept-package-agreements --accept-source-agreements --override '--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended'"]],
];

for (const [platform, names, who, expected] of COMMANDS) {
  test(`${platform} as ${who} installs ${names.join(' ')}`, () => {
    assert.deepEqual(installCommands(platform, names, who).map(typed), expected);
  });
}

test('the test packages come on top of the build packages, each once', () => {
  const all = packages('debian', ['build', 'test', 'build']);
  assert.equal(new Set(all).size, all.length);
  assert.ok(all.includes('libwebkit2gtk-4.1-dev') && all.includes('xvfb'));
  assert.ok(!packages('debian', ['build']).includes('xvfb'));
});

test('docs/PLATFORMS.md names every package of every platform and what is not compiled here', () => {
  const page = readFileSync(new URL('../docs/PLATFORMS.md', import.meta.url), 'utf8');
  for (const [key, platform] of Object.entries(PLATFORMS)) {
    const start = page.indexOf(`## ${platform.title}`);
    assert.ok(start >= 0, `no chapter for ${key}`);
    const end = page.indexOf('\n## ', start + 1);
    const chapter = page.slice(start, end < 0 ? undefined : end);
    for (const name of [...platform.build, ...platform.test]) assert.ok(chapter.includes(name), `${key} lacks ${name}`);
    assert.equal(chapter.includes('Not compiled here'), !platform.proven, `${key}: proven or not`);
  }
});
