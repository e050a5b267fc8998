// Which system packages Nox needs, per operating system, and the exact commands that look for them and install them.
// Pure data and functions: setup.mjs runs what this file says. Debian and Ubuntu are proven by the tests of this
// repository; the others are written from their package lists and are not compiled here (docs/PLATFORMS.md).

/**
 * A platform. `build` is what `npm start` needs, `test` is what the window tests need besides, `chaos` what the chaos
 * suite does. `query` is a command
 * that prints about the packages, `present` reads its output into the set of installed names.
 */
export const PLATFORMS = {
  debian: {
    title: 'Debian, Ubuntu and their relatives',
    proven: true,
    build: [
      'build-essential',
      'pkg-config',
      'libwebkit2gtk-4.1-dev',
      'libayatana-appindicator3-dev',
      'librsvg2-dev',
      'libdbus-1-dev',
    ],
    test: [
      'xvfb',
      'xauth',
      'openbox',
      'xdotool',
      'x11-utils',
      'imagemagick',
      'dbus',
      'dbus-x11',
      'gnome-keyring',
      'libsecret-tools',
      'webkit2gtk-driver',
      'at-spi2-core',
      'fonts-dejavu-core',
      'xdg-utils',
      'python3-dbus',
      'python3-gi',
      'gir1.2-gtk-3.0',
      'procps',
    ],
    chaos: ['strace'],
    query: (names) => ['dpkg-query', '-W', '-f', '${Package} ${db:Status-Status}\n', ...names],
    present: (output) =>
      new Set(
        output
          .split('\n')
          .map((line) => line.trim().split(' '))
          .filter(([, status]) => status === 'installed')
          .map(([name]) => name),
      ),
    install: (names) => [
      ['apt-get', '-o', 'DPkg::Lock::Timeout=120', 'update'],
      ['apt-get', '-o', 'DPkg::Lock::Timeout=120', 'install', '-y', '--no-install-recommends', ...names],
    ],
    asRoot: true,
  },
  fedora: {
    title: 'Fedora',
    proven: false,
    build: ['gcc', 'gcc-c++', 'make', 'pkgconf-pkg-config', 'webkit2gtk4.1-devel', 'libayatana-appindicator-gtk3-devel', 'librsvg2-devel', 'dbus-devel'],
    test: ['xorg-x11-server-Xvfb', 'xorg-x11-xauth', 'openbox', 'xdotool', 'xprop', 'ImageMagick', 'dbus-daemon', 'dbus-x11', 'gnome-keyring', 'libsecret', 'webkit2gtk-driver', 'at-spi2-core', 'dejavu-sans-fonts', 'xdg-utils', 'python3-dbus', 'python3-gobject', 'gtk3', 'procps-ng'],
    chaos: ['strace'],
    query: (names) => ['rpm', '-q', '--qf', '%{NAME}\n', ...names],
    present: (output) => new Set(lines(output).filter((line) => !line.includes(' '))),
    install: (names) => [['dnf', 'install', '-y', '--setopt=install_weak_deps=False', ...names]],
    asRoot: true,
  },
  arch: {
    title: 'Arch Linux',
    proven: false,
    build: ['base-devel', 'pkgconf', 'webkit2gtk-4.1', 'libayatana-appindicator', 'librsvg', 'dbus'],
    test: ['xorg-server-xvfb', 'xorg-xauth', 'openbox', 'xdotool', 'xorg-xprop', 'imagemagick', 'gnome-keyring', 'libsecret', 'at-spi2-core', 'ttf-dejavu', 'xdg-utils', 'python-dbus', 'python-gobject', 'gtk3', 'procps-ng'],
    chaos: ['strace'],
    query: (names) => ['pacman', '-Qq', ...names],
    present: (output) => new Set(lines(output)),
    install: (names) => [['pacman', '-S', '--needed', '--noconfirm', ...names]],
    asRoot: true,
  },
  macos: {
    title: 'macOS',
    proven: false,
    build: ['command-line-tools'],
    test: [],
    chaos: [],
    query: () => ['xcode-select', '-p'],
    present: (output) => new Set(lines(output).length > 0 ? ['command-line-tools'] : []),
    install: () => [['xcode-select', '--install']],
    asRoot: false,
  },
  windows: {
    title: 'Windows',
    proven: false,
    build: ['Microsoft.VisualStudio.2022.BuildTools', 'Microsoft.EdgeWebView2Runtime'],
    test: [],
    chaos: [],
    query: () => ['winget', 'list', '--accept-source-agreements', '--disable-interactivity'],
    present: (output) =>
      new Set(PLATFORMS.windows.build.filter((id) => output.toLowerCase().includes(id.toLowerCase()))),
    install: (names) =>
      names.map((id) => {
        const command = ['winget', 'install', '--exact', '--id', id, '--accept-package-agreements', '--accept-source-agreements'];
        const parts = '--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended';
        return id.endsWith('BuildTools') ? [...command, '--override', parts] : command;
      }),
    asRoot: false,
  },
};

/** The key of `PLATFORMS` for this machine, or null when Nox does not know it. */
export function detect(nodePlatform, osRelease = '') {
  if (nodePlatform === 'darwin') return 'macos';
  if (nodePlatform === 'win32') return 'windows';
  if (nodePlatform !== 'linux') return null;
  const words = [field(osRelease, 'ID'), ...field(osRelease, 'ID_LIKE').split(' ')];
  if (words.some((word) => word === 'debian' || word === 'ubuntu')) return 'debian';
  if (words.includes('fedora')) return 'fedora';
  if (words.includes('arch')) return 'arch';
  return null;
}

/** The packages of the given kinds (`build`, `test`, `chaos`), each once. */
export function packages(platform, kinds) {
  return [...new Set(kinds.flatMap((kind) => PLATFORMS[platform][kind]))];
}

/** What of `wanted` is not installed, from what the platform's query printed. */
export function missing(platform, wanted, queryOutput) {
  const present = PLATFORMS[platform].present(queryOutput);
  return wanted.filter((name) => !present.has(name));
}

/** The commands that install `names`, as argument lists; with `sudo` where they need root and the user has none. */
export function installCommands(platform, names, who) {
  const { install, asRoot } = PLATFORMS[platform];
  const commands = install(names);
  if (!asRoot || who === 'root') return commands;
  return commands.map((command) => (who === 'sudo' ? ['sudo', '-n', ...command] : ['sudo', ...command]));
}

/** A command as a person would type it. */
export function typed(command) {
  return command.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(' ');
}

function field(osRelease, key) {
  const line = osRelease.split('\n').find((text) => text.startsWith(`${key}=`));
  return line ? line.slice(key.length + 1).trim().replace(/^["']|["']$/g, '') : '';
}

function lines(output) {
  return output.split('\n').map((line) => line.trim()).filter(Boolean);
}
