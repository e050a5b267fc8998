/**
 * One desktop for one test: a display, a session bus, a window manager, a tray, notifications, a keychain if asked for, and
 * the real app in it, driven through WebDriver. Used by `story.mjs` and `screenshots.mjs`.
 *
 * Invariants: two desks share nothing and can run at the same time; nothing the user owns is read or written; everything that
 * was started is gone after `stop`. A desk knows no journey: tests say what to do and what must be seen.
 */
import { execFile, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, readdirSync, readlinkSync, realpathSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { Builder, Capabilities } from 'selenium-webdriver';
import { copiedElsewhere, copyFrom } from './copying.mjs';
import { dragFrom, dragInPage } from './dragging.mjs';
import { DesktopFakes } from './fakes.mjs';
import { Page } from './page.mjs';
import { Processes } from './processes.mjs';
import { until } from './until.mjs';
import { OUTPUT, REPOSITORY, WINDOW_TESTS, World, program, pythonWithGtk } from './world.mjs';

const run = promisify(execFile);

/** Generous, since a machine may be busy: only a safety net, nothing here waits longer than it must. */
const START_LIMIT_MS = 20_000;
const COMMAND_LIMIT_MS = 30_000;

const TARGET = path.join(REPOSITORY, 'target', 'debug');

/** The app and the command line under test; `NOX_TEST_APP` and `NOX_TEST_CLI` name others. */
export const APP = process.env.NOX_TEST_APP ?? path.join(TARGET, 'nox-desktop');
export const CLI = process.env.NOX_TEST_CLI ?? path.join(TARGET, 'nox');

/** Reads from a pipe until its first line end. */
function firstLine(stream, what) {
  return new Promise((resolve, reject) => {
    let text = '';
    const late = setTimeout(() => reject(new Error(`${what} did not start in ${START_LIMIT_MS} ms`)), START_LIMIT_MS);
    const end = (act) => {
      clearTimeout(late);
      act();
    };
    stream.setEncoding('utf8');
    stream.on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) end(() => resolve(text.split('\n')[0].trim()));
    });
    stream.once('end', () => end(() => reject(new Error(`${what} ended before it was ready`))));
  });
}

/** A port that nobody listens on now. */
async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Whether somebody listens on a port. */
function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

/**
 * @typedef {object} DeskOptions
 * @property {[number, number]} [screen] size of the display in px
 * @property {boolean} [keyring] whether there is a keychain
 * @property {string[]} [shell] what the desktop has, of 'tray' and 'notifications'
 * @property {boolean} [open] whether the app is opened at once
 * @property {string} [app] the program under test
 * @property {string[]} [args] its arguments
 * @property {Record<string, string>} [env] more environment for it
 */

export class Desk extends Page {
  #stopped = false;

  /**
   * @param {string} title of the test; names the evidence
   * @param {DeskOptions} options
   */
  constructor(title, options = {}) {
    super();
    this.title = title;
    this.options = { screen: [1360, 900], keyring: false, shell: ['tray', 'notifications'], open: true, app: APP, args: [], ...options };
    this.world = new World();
    this.processes = new Processes(path.basename(this.world.root), this.world.root, this.world.logs);
  }

  /** The home folder of Nox in this test. */
  get home() {
    return this.world.noxHome;
  }

  /** The environment of everything on this desk. */
  get env() {
    return { ...this.world.env, ...this.options.env };
  }

  async start() {
    const { world, processes, options } = this;
    if (!existsSync(options.app)) throw new Error(`there is no ${options.app}; build it first (\`npm run build\`)`);
    const [width, height] = options.screen;
    const screen = processes.start('display', program('Xvfb'), ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp', '-noreset'], {
      env: world.env, stdio: ['ignore', 'log', 'log', 'pipe'],
    });
    const busConfig = world.write(path.join(world.root, 'bus.xml'), busConfigText(path.join(world.root, 'bus')));
    const bus = processes.start('bus', program('dbus-daemon'), [`--config-file=${busConfig}`, '--nofork', '--nopidfile', '--print-address=3'], {
      env: world.env, stdio: ['ignore', 'log', 'log', 'pipe'],
    });
    const [display, address] = await Promise.all([firstLine(screen.stdio[3], 'the display'), firstLine(bus.stdio[3], 'the session bus')]);
    Object.assign(world.env, { DISPLAY: `:${display}`, DBUS_SESSION_BUS_ADDRESS: address });

    processes.start('window-manager', program('openbox'), ['--sm-disable'], { env: world.env });
    const fakes = processes.start('fakes', pythonWithGtk(), [path.join(WINDOW_TESTS, 'fakes', 'desktop.py'), ...options.shell], {
      env: world.env, stdio: ['pipe', 'pipe', 'log'],
    });
    this.desktop = new DesktopFakes(fakes);
    await Promise.all([
      this.desktop.ready(path.join(REPOSITORY, 'icons')),
      until(() => spawnSync(program('xprop'), ['-root', '_NET_SUPPORTING_WM_CHECK'], { env: world.env, encoding: 'utf8' }).stdout.includes('window id'),
        'the window manager', START_LIMIT_MS),
    ]);
    if (options.keyring) await this.#startKeychain();
    await this.#startDriver();
    if (options.open) await this.openApp();
  }

  async #startKeychain() {
    const keychain = this.processes.start('keychain', program('gnome-keyring-daemon'), ['--foreground', '--unlock', '--components=secrets'], {
      env: this.world.env, stdio: ['pipe', 'log', 'log'],
    });
    keychain.stdin.end('\n'); // The password is empty, but its line end must be there.
    await this.desktop.hasName('org.freedesktop.secrets', START_LIMIT_MS);
  }

  async #startDriver() {
    const installed = path.join(REPOSITORY, '.nox-setup', 'tools', 'bin', 'tauri-driver');
    const driver = program('tauri-driver', process.env.NOX_TAURI_DRIVER, installed, path.join(process.env.HOME ?? '', '.cargo', 'bin', 'tauri-driver'));
    const [port, nativePort] = [await freePort(), await freePort()];
    this.driverAddress = `http://127.0.0.1:${port}/`;
    this.processes.start('app', driver, ['--port', port, '--native-port', nativePort, '--native-driver', program('WebKitWebDriver')], { env: this.env });
    await until(async () => (await listens(port)) && (await listens(nativePort)), 'the WebDriver', START_LIMIT_MS);
  }

  /** Opens the app (again) and waits until its page has been drawn. */
  async openApp() {
    this.driver = await new Builder()
      .disableEnvironmentOverrides()
      .usingServer(this.driverAddress)
      .withCapabilities(new Capabilities({ browserName: 'wry', 'tauri:options': { application: this.options.app, args: this.options.args } }))
      .build();
    await this.driver.manage().setTimeouts({ script: 10_000, pageLoad: START_LIMIT_MS });
    await until(() => this.run('return document.readyState === "complete" && document.body.innerText.trim().length > 0'), 'the page to be drawn', START_LIMIT_MS);
  }

  /** Ends the app as the driver does, without asking it; it can be opened again on the same home. */
  async closeApp() {
    await this.driver?.quit().catch(() => {});
    this.driver = undefined;
    await until(() => this.appProcesses().length === 0, 'the app to end', START_LIMIT_MS).catch(async (error) => {
      this.appProcesses().forEach(({ pid }) => process.kill(pid, 'SIGKILL'));
      throw error;
    });
  }

  /** Kills the app with SIGKILL, as a crash would; it can be opened again on the same home. */
  async killApp() {
    for (const { pid } of this.appProcesses()) process.kill(pid, 'SIGKILL');
    await this.closeApp();
  }

  /** The living processes of the app's program, as {pid, command}. */
  appProcesses() {
    const app = realpathSync(this.options.app);
    return this.processes.alive().filter(({ pid, command }) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`) === app || command.split(' ').includes(app);
      } catch {
        return false;
      }
    });
  }

  /** Starts the app a second time beside the first and waits for its end: {code, signal}. */
  async startSecond(args = []) {
    const second = this.processes.start('second', this.options.app, args, { env: this.env });
    const late = new Promise((resolve) => setTimeout(resolve, START_LIMIT_MS, null).unref());
    const ended = await Promise.race([second.exited, late]);
    if (!ended) throw new Error(`the second start did not end in ${START_LIMIT_MS} ms`);
    return ended;
  }

  /** Runs the command line on this desk's home: {code, out, err}. It is ended after a while. */
  async nox(args, { input, limitMs = COMMAND_LIMIT_MS, cwd } = {}) {
    const child = this.startNox(args, { cwd });
    child.stdin.end(input ?? '');
    const late = setTimeout(() => this.processes.endOne(child), limitMs);
    const { code } = await child.exited;
    clearTimeout(late);
    return { code, out: child.text.out, err: child.text.err };
  }

  /** Starts the command line and lets it run; `text.out` and `text.err` grow, `exited` is its end. */
  startNox(args, { cwd } = {}) {
    return this.#startText(CLI, args, cwd);
  }

  /** The same in a terminal: what it shows is `text.out`, what is typed is written to `stdin`. */
  startNoxInTerminal(args, { cwd } = {}) {
    const line = [CLI, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return this.#startText(program('script'), ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], cwd);
  }

  #startText(command, args, cwd) {
    const child = this.processes.start('nox', command, args, { env: this.env, cwd: cwd ?? this.world.files, stdio: ['pipe', 'pipe', 'pipe'] });
    child.text = { out: '', err: '' };
    child.stdout.setEncoding('utf8').on('data', (chunk) => (child.text.out += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk) => (child.text.err += chunk));
    child.stdin.on('error', () => {}); // It may end without reading.
    return child;
  }

  /** Runs a program of the desktop (xdotool, xprop …) and returns its output. */
  async tool(name, ...args) {
    const { stdout } = await run(program(name), args.map(String), { env: this.env, timeout: COMMAND_LIMIT_MS });
    return stdout;
  }

  // The window, seen from the desktop.

  /** The X windows of the app that are visible now, biggest first: [{id, x, y, width, height}] with the place of their inside. */
  async windows() {
    const found = [];
    for (const { pid } of this.appProcesses()) {
      const ids = await this.tool('xdotool', 'search', '--onlyvisible', '--pid', pid).catch(() => '');
      for (const id of ids.split('\n').filter(Boolean)) {
        const facts = await this.tool('xwininfo', '-id', id).catch(() => '');
        const figure = (label) => Number(facts.match(new RegExp(`${label}:\\s+(-?\\d+)`))?.[1]);
        const [x, y, width, height] = ['Absolute upper-left X', 'Absolute upper-left Y', 'Width', 'Height'].map(figure);
        if (width > 1 && height > 1) found.push({ id, x, y, width, height });
      }
    }
    return found.sort((a, b) => b.width * b.height - a.width * a.height);
  }

  /** The window's place on the screen and the page's place in it. */
  async window() {
    const [largest] = await until(async () => {
      const all = await this.windows();
      return all.length && all;
    }, 'the app to have a window');
    const page = await this.run('return { width: innerWidth, height: innerHeight, scale: devicePixelRatio }');
    // What the window holds above or left of the page (a menu bar) moves the page's origin.
    return { ...largest, pageX: largest.x + largest.width - page.width * page.scale, pageY: largest.y + largest.height - page.height * page.scale, scale: page.scale };
  }

  /** Gives the page this size. */
  async resize(width, height) {
    const size = () => this.run('return { width: innerWidth, height: innerHeight }');
    let wanted = { width, height };
    await until(async () => {
      await this.driver.manage().window().setRect(wanted);
      const now = await size();
      // What the window has beside its page (a menu bar) is added once it is known.
      if (now.width !== width || now.height !== height) wanted = { width: wanted.width + width - now.width, height: wanted.height + height - now.height };
      return now.width === width && now.height === height;
    }, `the page to be ${width} × ${height} px`);
  }

  /**
   * Closes the window as its close button does. The first key that a display is sent makes the window manager take its keys
   * anew, and what comes in that moment is lost; so the keys are pressed again while the window is still there.
   */
  async closeWindow() {
    await until(async () => {
      const [{ id } = {}] = await this.windows();
      if (!id) return true;
      await this.tool('xdotool', 'windowactivate', '--sync', id);
      await this.tool('xdotool', 'key', '--clearmodifiers', 'alt+F4');
      return until(async () => (await this.windows()).length === 0, 'the window to be closed', 1000);
    }, 'the window to be closed', 10_000);
  }

  /** The id of the X window that has the focus. */
  async activeWindow() {
    return (await this.tool('xdotool', 'getactivewindow').catch(() => '')).trim();
  }

  // Drops from another application.

  /**
   * Drops real files, from another X client, on an element or a page point.
   * @param {string[]} paths
   * @param {{hover?: () => Promise<void>}} options `hover` runs over the target before the button is let go
   * @returns {Promise<{sent: string[], action: string[]}>} the formats that the app asked for, and what it agreed to
   */
  dropFiles(paths, target, options) {
    return dragFrom(this, 'files', paths, target, options);
  }

  dropText(text, target, options) {
    return dragFrom(this, 'text', [text], target, options);
  }

  dropLink(address, target, options) {
    return dragFrom(this, 'links', [address], target, options);
  }

  /** Copies an image in another application, which keeps it in the clipboard as long as the desk stands. */
  copyImage(file) {
    return copyFrom(this, 'image', [file]);
  }

  /** Copies files in a file manager, with the same. */
  copyFiles(files) {
    return copyFrom(this, 'files', files);
  }

  /** The addresses that another application finds in the clipboard now. */
  copied() {
    return copiedElsewhere(this);
  }

  /** Drags one element of the page onto another, with the pointer of the display. */
  dragInPage(element, target) {
    return dragInPage(this, element, target);
  }

  /** Everything that the app has logged. */
  logText() {
    const folder = path.join(this.home, 'logs');
    if (!existsSync(folder)) return '';
    return readdirSync(folder).sort().map((name) => readFileSync(path.join(folder, name), 'utf8')).join('');
  }

  // Evidence and end.

  /** Writes a picture of the whole screen to `output/` and returns its path. */
  async screenshot(name) {
    mkdirSync(OUTPUT, { recursive: true });
    const file = path.join(OUTPUT, `${name}.png`);
    await this.tool('import', '-window', 'root', file);
    return file;
  }

  /** Keeps what helps to understand a failure: the screen, the page, logs, what the desktop saw. Never fails. */
  async keepEvidence() {
    const folder = path.join(OUTPUT, this.title.replace(/[^\w]+/g, '-').replace(/^-|-$/g, '').slice(0, 80));
    mkdirSync(folder, { recursive: true });
    const attempt = (act) => Promise.resolve().then(act).catch(() => {});
    await attempt(() => this.tool('import', '-window', 'root', path.join(folder, 'screen.png')));
    await attempt(async () => writeFileSync(path.join(folder, 'page.html'), await this.run('return document.documentElement.outerHTML')));
    await attempt(() => writeFileSync(path.join(folder, 'desktop.json'), JSON.stringify(this.desktop.events, null, 1)));
    await attempt(() => writeFileSync(path.join(folder, 'processes.txt'), this.processes.alive().map((each) => `${each.pid} ${each.command}`).join('\n')));
    for (const log of readdirSync(this.world.logs)) await attempt(() => copyFileSync(path.join(this.world.logs, log), path.join(folder, log)));
    await attempt(() => cpSync(path.join(this.home, 'logs'), path.join(folder, 'nox-logs'), { recursive: true }));
    return folder;
  }

  /** Ends everything and removes the world. Fails when something outlived the app or was written into the user's own folders. */
  async stop() {
    if (this.#stopped) return;
    this.#stopped = true;
    const touched = this.world.touchedHome(this.processes.alive().map(({ pid }) => pid));
    const limit = new Promise((resolve) => setTimeout(resolve, 3000).unref());
    await Promise.race([this.driver?.quit().catch(() => {}), limit]);
    const orphans = await this.processes.end();
    touched.push(...this.world.touchedHome([]).filter((file) => !touched.includes(file)));
    this.world.remove();
    if (orphans.length) throw new Error(`still running after the app had ended: ${orphans.map(({ command }) => command).join(' | ')}`);
    if (touched.length) throw new Error(`the test wrote into the user's own folders: ${touched.join(', ')}`);
  }
}

/** A session bus that starts no services by itself: what a test has on its bus, it has put there. */
function busConfigText(socket) {
  return `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=${socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`;
}
