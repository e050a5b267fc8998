/**
 * The folders and the environment of one test. Used by `desk.mjs`.
 *
 * Nothing in a world is the user's: home, XDG folders, temporary folder, runtime folder and Nox's home lie in one temporary
 * folder, and the environment is made from nothing, not inherited. `touchedHome` shows afterwards whether that held.
 */
import { accessSync, constants, mkdirSync, mkdtempSync, readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execFileSync } from 'node:child_process';

export const REPOSITORY = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
export const WINDOW_TESTS = path.dirname(fileURLToPath(import.meta.url));
/** Where evidence and pictures are kept; `NOX_TEST_OUTPUT` names another folder, for two runs at the same time. */
export const OUTPUT = process.env.NOX_TEST_OUTPUT ?? path.join(WINDOW_TESTS, 'output');

/** Where Debian and others put programs; a test finds the same ones whoever runs it. */
const PROGRAM_FOLDERS = ['/usr/local/bin', '/usr/bin', '/bin', '/usr/local/sbin', '/usr/sbin', '/sbin'];

/** Names that the app, its web view or the desktop's programs would use if they wrote to the user's own folders. */
const SUSPICIOUS = /nox|webkit|tauri|keyring|openbox|dconf|gtk-[34]/i;

/** Where programs keep their files for the real user. */
const USER_FOLDERS = ['.config', '.local/share', '.local/state', '.cache'].map((folder) => path.join(os.homedir(), folder));

function runs(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Finds a program by name; `candidates` are tried first. The error says what is missing and how it is set up. */
export function program(name, ...candidates) {
  const places = [...candidates, ...[...(process.env.PATH ?? '').split(':'), ...PROGRAM_FOLDERS].map((folder) => path.join(folder, name))];
  const found = places.find((file) => file && runs(file));
  if (!found) throw new Error(`the window tests need the program “${name}”; \`npm test\` sets it up`);
  return found;
}

let python;
/** A Python that has GTK and D-Bus; a version manager's own often has not. */
export function pythonWithGtk() {
  python ??= [process.env.NOX_TEST_PYTHON, '/usr/bin/python3', 'python3'].filter(Boolean).find((candidate) => {
    try {
      execFileSync(candidate, ['-c', 'import gi, dbus; gi.require_version("Gtk", "3.0")'], { stdio: 'ignore', timeout: 20_000 });
      return true;
    } catch {
      return false;
    }
  });
  if (!python) throw new Error('the window tests need Python with the modules gi (GTK 3) and dbus; `npm test` sets them up');
  return python;
}

export class World {
  constructor() {
    this.root = mkdtempSync(path.join(os.tmpdir(), 'nox-desk-'));
    const inside = (...parts) => {
      const folder = path.join(this.root, ...parts);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return folder;
    };
    this.home = inside('home');
    this.noxHome = path.join(this.root, 'nox');
    this.logs = inside('logs');
    this.files = inside('files');
    this.runtime = inside('run');
    this.env = {
      DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent',
      GSETTINGS_BACKEND: 'memory',
      HOME: this.home,
      LANG: 'C.UTF-8',
      LIBGL_ALWAYS_SOFTWARE: '1',
      NOX_HOME: this.noxHome,
      NO_AT_BRIDGE: '1',
      PATH: PROGRAM_FOLDERS.join(':'),
      RUST_BACKTRACE: '1',
      TMPDIR: inside('tmp'),
      TZ: 'UTC',
      XDG_CACHE_HOME: inside('cache'),
      XDG_CONFIG_HOME: inside('config'),
      XDG_DATA_DIRS: '/usr/local/share:/usr/share',
      XDG_DATA_HOME: inside('data'),
      XDG_RUNTIME_DIR: this.runtime,
      XDG_STATE_HOME: inside('state'),
    };
    this.homeBefore = userEntries();
  }

  /** Writes a file for a test to drop or to edit; returns its absolute path. */
  write(name, text) {
    const file = path.isAbsolute(name) ? name : path.join(this.files, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  }

  /**
   * What appeared in the real user's folders since this world began and could come from it, and what its living processes
   * hold open there. A change of something that was there before is no sign: the user may be using the product meanwhile.
   * @param {number[]} pids
   */
  touchedHome(pids) {
    const held = pids.flatMap(openFiles).filter((file) => USER_FOLDERS.some((folder) => file.startsWith(`${folder}/`)));
    const appeared = [...userEntries()].filter((file) => !this.homeBefore.has(file));
    return [...new Set([...held, ...appeared])];
  }

  remove() {
    rmSync(this.root, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });
  }
}

/** Suspicious names in the real user's folders. */
function userEntries() {
  const seen = new Set();
  const look = (folder, depth) => {
    let entries = [];
    try {
      entries = readdirSync(folder, { withFileTypes: true });
    } catch {
      return; // It does not exist, or is not ours to read.
    }
    for (const entry of entries) {
      const file = path.join(folder, entry.name);
      if (SUSPICIOUS.test(entry.name)) seen.add(file);
      if (entry.isDirectory() && depth > 1) look(file, depth - 1);
    }
  };
  look(os.homedir(), 1);
  for (const folder of USER_FOLDERS) look(folder, 2);
  return seen;
}

/** The files that a process has open. */
function openFiles(pid) {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return '';
      }
    });
  } catch {
    return []; // It has ended.
  }
}
