/**
 * What a test does inside the page: finding by role and name, clicking, typing, dragging. The base of `Desk`.
 *
 * Names are the product's contract (see README of this folder), so nothing here looks for a class, an id or a position in
 * the document. Every method that finds waits until a deadline; a stale element is found again.
 */
import { readFileSync } from 'node:fs';
import { Key, Origin } from 'selenium-webdriver/lib/input.js';
import { until } from './until.mjs';

const FIND = readFileSync(new URL('./roles.js', import.meta.url), 'utf8').replace(/^\/\*\*[\s\S]*?\*\/\s*/, '');

/** Where a drag's small first steps lead, in px: drag libraries want some distance before they believe it. */
const FIRST_STEPS_PX = [2, 5, 9, 14];
const DRAG_STEPS = 12;
const STEP_MS = 16;

const KEYS = {
  Alt: Key.ALT, ArrowDown: Key.ARROW_DOWN, ArrowLeft: Key.ARROW_LEFT, ArrowRight: Key.ARROW_RIGHT, ArrowUp: Key.ARROW_UP,
  Backspace: Key.BACK_SPACE, Control: Key.CONTROL, Delete: Key.DELETE, End: Key.END, Enter: Key.ENTER, Escape: Key.ESCAPE,
  F6: Key.F6, Home: Key.HOME, Meta: Key.META, PageDown: Key.PAGE_DOWN, PageUp: Key.PAGE_UP, Shift: Key.SHIFT, Space: ' ',
  Tab: Key.TAB,
};

const asName = (name) => {
  if (name == null) return null;
  return name instanceof RegExp ? { pattern: name.source, flags: name.flags } : { text: String(name) };
};

export class Page {
  /** @type {import('selenium-webdriver').WebDriver} */
  driver;

  /** Runs a function's text in the page and returns its result. */
  run(script, ...args) {
    return this.driver.executeScript(script, ...args);
  }

  /**
   * All visible elements of this role and name, now. A string is the whole name (case aside, a final “…” aside); with
   * `counted`, a count may follow (“Approvals 2”, “To do, 4 tasks”). A RegExp matches anywhere.
   */
  findAll(role, name, { within, counted = false } = {}) {
    return this.run(`${FIND}; return findByRole(...arguments)`, within ?? null, role, asName(name), { counted });
  }

  /** The first element of this role and name, as soon as there is one. */
  async find(role, name, { limitMs = 5000, ...options } = {}) {
    let last = [];
    try {
      return await until(async () => {
        const found = await this.findAll(role, name, options);
        if (!found.length) last = await this.run(`${FIND}; return findByRole(...arguments)`, options.within ?? null, role, asName(name), { names: true });
        return found[0];
      }, `a ${role} “${name ?? ''}”`, limitMs);
    } catch (error) {
      throw new Error(`${error.message}; each ${role} there: ${last.map((each) => `“${each}”`).join(', ') || 'none'}`);
    }
  }

  /** Waits until no such element is left. */
  async gone(role, name, { limitMs = 5000, ...options } = {}) {
    await until(async () => (await this.findAll(role, name, options)).length === 0, `no ${role} “${name ?? ''}” to be left`, limitMs);
  }

  /** Clicks with the real pointer as soon as the element is there and can be used. Returns the element. */
  async click(role, name, options = {}) {
    const { limitMs = 5000, ...rest } = options;
    const deadline = Date.now() + limitMs;
    const element = await this.find(role, name, options);
    return until(async () => {
      const [current] = await this.findAll(role, name, rest);
      const target = current ?? element;
      if ((await target.getAttribute('aria-disabled')) === 'true' || !(await target.isEnabled())) return false;
      await target.click();
      return target;
    }, `the ${role} “${name}” to take a click`, Math.max(deadline - Date.now(), 500));
  }

  // The names of the contract.

  /** A place's link in the navigation. */
  place(word, options) {
    return this.find('link', word, { counted: true, ...options });
  }

  /** Goes to a place by its link and waits until the link says that this is where we are. */
  async goTo(word) {
    await this.click('link', word, { counted: true });
    await until(async () => (await (await this.place(word)).getAttribute('aria-current')) === 'page', `the place ${word} to be shown`);
  }

  /** A column of the board. */
  column(word, options) {
    return this.find('region', word, { counted: true, ...options });
  }

  /** A task's card, anywhere or in the column of this word. */
  async card(title, { in: word, limitMs = 5000 } = {}) {
    if (!word) return this.find('article', title, { limitMs });
    return until(async () => {
      const [column] = await this.findAll('region', word, { counted: true });
      return column && (await this.findAll('article', title, { within: column }))[0];
    }, `the card “${title}” in ${word}`, limitMs);
  }

  /** A dialog by its name. */
  dialog(name, options) {
    return this.find('dialog', name, options);
  }

  /** An element's text as it is drawn. The driver's own `getText` leaves out words in a box that may cut them. */
  text(element) {
    return this.run('return arguments[0].innerText', element);
  }

  /** Waits until an element's text matches. */
  async says(element, pattern, limitMs = 5000) {
    let text = '';
    await until(async () => pattern.test((text = await this.text(element))), `a text like ${pattern}`, limitMs).catch((error) => {
      throw new Error(`${error.message}; it says: ${text.slice(0, 400)}`);
    });
  }

  /** Waits until the page's whole text matches. */
  async shows(pattern, limitMs = 5000) {
    await until(async () => pattern.test(await this.run('return document.body.innerText')), `the page to show ${pattern}`, limitMs);
  }

  // Keys.

  /** Presses chords in turn: 'Control+K', 'Escape', '?', 'M'. A single letter is typed as it is. */
  async keys(...chords) {
    for (const chord of chords) {
      const parts = chord === '+' ? ['+'] : chord.split('+');
      const codes = parts.map((part) => KEYS[part] ?? (part.length === 1 ? part.toLowerCase() : undefined));
      if (codes.includes(undefined)) throw new Error(`no such key: ${chord}`);
      const actions = this.driver.actions();
      codes.forEach((code) => actions.keyDown(code));
      codes.toReversed().forEach((code) => actions.keyUp(code));
      await actions.perform();
    }
  }

  /** Types text where the focus is; a line end is the Enter key. */
  async type(text) {
    await this.driver.actions().sendKeys(text.replaceAll('\n', Key.ENTER)).perform();
  }

  /** Replaces a field's content by typing. */
  async fill(element, text) {
    await element.click();
    await this.keys('Control+A', 'Delete');
    await element.sendKeys(text);
  }

  /** Gives the keyboard focus to an element, as Tab would in the end. */
  async focus(element) {
    await this.run('arguments[0].focus({ focusVisible: true })', element);
  }

  /** Role, name and text of the focused element: {tag, role, label, text}. */
  focused() {
    return this.run(`
      const e = document.activeElement;
      return { tag: e.localName, role: e.getAttribute('role'), label: e.getAttribute('aria-label'), text: (e.innerText ?? '').slice(0, 200) };`);
  }

  // The pointer.

  /** The middle of an element in page pixels, scrolled into view; a point is returned as it is. */
  async point(target) {
    if (typeof target.x === 'number') return target;
    return this.run(`
      arguments[0].scrollIntoView({ block: 'nearest', inline: 'nearest' });
      const r = arguments[0].getBoundingClientRect();
      const bottom = Math.min(r.bottom, innerHeight), right = Math.min(r.right, innerWidth);
      return { x: Math.round((Math.max(r.left, 0) + right) / 2), y: Math.round((Math.max(r.top, 0) + bottom) / 2) };`, target);
  }

  /**
   * Drags with the pointer inside the page, in steps as a hand does. `from` and `to` are elements or points.
   * @param {{hover?: () => Promise<void>}} options `hover` runs over the target while the button is still down
   */
  async pointerDrag(from, to, { hover } = {}) {
    const start = await this.point(from);
    const end = await this.point(to);
    const actions = () => this.driver.actions({ async: true });
    const move = (x, y) => ({ x: Math.round(x), y: Math.round(y), duration: STEP_MS, origin: Origin.VIEWPORT });
    const length = Math.hypot(end.x - start.x, end.y - start.y) || 1;
    let way = actions().move(move(start.x, start.y)).press();
    for (const px of FIRST_STEPS_PX) way = way.move(move(start.x + ((end.x - start.x) * px) / length, start.y + ((end.y - start.y) * px) / length));
    for (let step = 1; step <= DRAG_STEPS; step++) {
      const part = step / DRAG_STEPS;
      way = way.move(move(start.x + (end.x - start.x) * part, start.y + (end.y - start.y) * part));
    }
    // A last twitch, since the target may have made room under the pointer.
    await way.move(move(end.x + 1, end.y + 1)).move(move(end.x, end.y)).perform();
    await hover?.();
    await actions().release().perform();
  }

  // Looks.

  /** Waits until nothing moves or fades any more; what turns for ever is left out. */
  async atRest() {
    await until(() => this.run(`
      const moves = () => document.getAnimations().some((each) => each.playState === 'running' && each.effect?.getTiming().iterations !== Infinity);
      return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(!moves()), 50))));`), 'the page to be at rest');
  }

  /** Shows the page in light or dark, by the attribute that all tokens hang on, and waits until what fades over has done so. */
  async setTheme(theme) {
    await this.run("document.documentElement.setAttribute('data-mantine-color-scheme', arguments[0]);", theme);
    await this.atRest();
  }

  /**
   * A picture of the page as PNG bytes, once its fonts are there. WebKit takes it with the next frame that it draws, and a page
   * at rest may draw none; so a dot that nobody sees changes until the picture is there.
   */
  async picture() {
    await this.run(`
      const dot = Object.assign(document.createElement('i'), { id: 'window-tests-dot', ariaHidden: 'true' });
      dot.style.cssText = 'position: fixed; inset: 0 auto auto 0; inline-size: 1px; block-size: 1px; pointer-events: none';
      document.body.append(dot);
      let lit = false;
      dot.timer = setInterval(() => { dot.style.backgroundColor = (lit = !lit) ? '#00000001' : '#00000000'; }, 50);
      return document.fonts.ready.then(() => true);`);
    try {
      return Buffer.from(await this.driver.takeScreenshot(), 'base64');
    } finally {
      await this.run(`
        const dot = document.getElementById('window-tests-dot');
        if (dot) { clearInterval(dot.timer); dot.remove(); }`);
    }
  }
}
