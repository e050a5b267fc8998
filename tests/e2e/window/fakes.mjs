/**
 * The test's end of `fakes/desktop.py`: a tray, a notification daemon and a view of the keychain.
 *
 * `DesktopFakes` keeps everything that was ever reported, so a test may ask after the fact; the waiting methods look at the
 * past first and then at what comes. What a tray item's icon and words mean is derived here, nowhere else.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { until } from './until.mjs';

/** An answer that is later than this never comes: the fakes wait for nobody longer than half of it. */
const ANSWER_LIMIT_MS = 20_000;

/** The states of the tray, worst first, with the words by which an item's icon, title or label says them. */
const STATES = [
  ['failed', /failed|error/i],
  ['needs-you', /needs?[-_ ]you/i],
  ['running', /running/i],
  ['idle', /idle/i],
];

/** The state that a name or title says, or undefined. */
export function stateOf(text) {
  return STATES.find(([, word]) => word.test(text))?.[0];
}

export class DesktopFakes {
  events = [];
  #child;
  #waiting = new Map();
  #number = 0;
  #pictures = {};

  constructor(child) {
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line)));
    child.exited.then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error('the desktop fakes ended; see fakes.log'));
      this.#waiting.clear();
    });
  }

  #hear(message) {
    if (message.event) {
      this.events.push(message);
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.reply) ?? {};
    this.#waiting.delete(message.reply);
    if (message.error) reject?.(new Error(message.error));
    else resolve?.(message);
  }

  /** Sends one command and returns its answer. */
  ask(what, fields = {}) {
    const id = ++this.#number;
    return new Promise((resolve, reject) => {
      const limit = setTimeout(() => this.#hear({ reply: id, error: `the desktop fakes did not answer “${what}” within ${ANSWER_LIMIT_MS} ms` }), ANSWER_LIMIT_MS);
      const settle = (settled) => (value) => {
        clearTimeout(limit);
        settled(value);
      };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.#child.stdin.write(`${JSON.stringify({ id, do: what, ...fields })}\n`);
    });
  }

  /** Waits until the fakes own their names, then learns the product's own tray pictures, so that it can tell an icon by its pixels. */
  async ready(iconFolder) {
    await until(() => this.events.some((event) => event.event === 'ready'), 'the desktop fakes to start', 10_000);
    const paths = [];
    const collect = (folder) => {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const file = path.join(folder, entry.name);
        if (entry.isDirectory()) collect(file);
        else if (entry.name.endsWith('.png') && stateOf(entry.name)) paths.push(file);
      }
    };
    try {
      collect(iconFolder);
    } catch {
      return; // Without pictures the words have to do.
    }
    const { digests } = await this.ask('pictures', { paths });
    this.#pictures = Object.fromEntries(Object.entries(digests).map(([file, digest]) => [digest, stateOf(path.basename(file))]));
  }

  // The tray.

  /**
   * What the tray has shown, oldest first: {at, state, icon, label, …}. `state` is what the icon's picture is; for an icon
   * that is none of the product's pictures, what its file name, title, label or tooltip says. It is undefined when the
   * picture was replaced before it could be read.
   */
  trayHistory() {
    const says = (event) => [path.basename(event.icon), event.title, event.label, String(event.tooltip)].map(stateOf).find(Boolean);
    return this.events
      .filter((event) => event.event === 'tray')
      .map((event) => {
        const replaced = path.isAbsolute(event.icon) && !event.picture;
        return { ...event, state: replaced ? undefined : (this.#pictures[event.picture] ?? says(event)) };
      });
  }

  /** The words beside the tray's icon now. */
  trayLabel() {
    return this.trayHistory().at(-1)?.label ?? '';
  }

  /** The distinct states in order, each once until it changes: ['idle', 'running', …]. */
  trayStates() {
    const states = this.trayHistory().map((seen) => seen.state).filter(Boolean);
    return states.filter((state, index) => state !== states[index - 1]);
  }

  /** Waits until the tray shows this state now. */
  async trayIs(state, limitMs = 5000) {
    await until(() => this.trayHistory().findLast((seen) => seen.state)?.state === state, `the tray to be “${state}”`, limitMs);
  }

  /** The tray's menu as nested {id, label, enabled, visible, kind, children}. */
  async trayMenu() {
    return (await this.ask('menu')).menu;
  }

  /** Clicks the first menu entry whose label fits; `label` is a string (whole label, dots aside) or a RegExp. */
  async clickTray(label) {
    const flat = (entries) => entries.flatMap((entry) => [entry, ...flat(entry.children)]);
    const fits = (entry) => (label instanceof RegExp ? label.test(entry.label) : entry.label.replace(/…$/, '') === label);
    const entries = flat(await this.trayMenu());
    const entry = entries.find(fits);
    if (!entry) throw new Error(`no tray entry ${label}; there are: ${entries.map((each) => each.label).join(' | ')}`);
    if (!entry.enabled) throw new Error(`the tray entry “${entry.label}” cannot be chosen now`);
    await this.ask('click-menu', { entry: entry.id });
    return entry;
  }

  // Notifications.

  /** All notifications so far: {id, summary, body, actions, hints, at}. */
  notifications() {
    return this.events.filter((event) => event.event === 'notification');
  }

  /** Waits for a notification whose summary and body, joined by a line end, match. */
  async notification(pattern, limitMs = 5000) {
    return until(
      () => this.notifications().find((note) => pattern.test(`${note.summary}\n${note.body}`)),
      `a notification like ${pattern}`,
      limitMs,
    );
  }

  /** Clicks a notification: its body (`default`), or the action of this key. */
  async clickNotification(notification, key = 'default') {
    await this.ask('invoke', { notification: notification.id, key });
  }

  /** Lets a notification end as if the user had dismissed it. */
  async dismissNotification(notification) {
    await this.ask('close', { notification: notification.id, reason: 2 });
  }

  // The keychain.

  /** Every secret in the session's keychain: {label, attributes, secret}. */
  async keychain() {
    return (await this.ask('keychain')).secrets;
  }

  /** Waits until somebody owns this name on the session bus. */
  async hasName(name, limitMs = 5000) {
    await until(async () => (await this.ask('has-name', { name })).owned, `${name} on the bus`, limitMs);
  }
}
