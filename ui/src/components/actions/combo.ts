// Key combinations: written once as text (`Mod+K`, `Shift+Tab`, `?`), matched against events, shown to people.

/** Whether the Mac's way of writing and pressing applies. */
export const IS_MAC = /Mac|iP(hone|ad|od)/.test(navigator.platform);

interface Combo {
  mod: boolean;
  shift: boolean;
  alt: boolean;
  key: string;
}

const cache = new Map<string, Combo>();

function parse(text: string): Combo {
  const known = cache.get(text);
  if (known) return known;
  const parts = text.split('+');
  const key = parts.pop() ?? '';
  const combo = {
    mod: parts.includes('Mod'),
    shift: parts.includes('Shift'),
    alt: parts.includes('Alt'),
    key: key.toLowerCase(),
  };
  cache.set(text, combo);
  return combo;
}

/** Whether the event is this combination, on this system. */
export function matches(text: string, event: KeyboardEvent): boolean {
  const combo = parse(text);
  const mod = IS_MAC ? event.metaKey : event.ctrlKey;
  const other = IS_MAC ? event.ctrlKey : event.metaKey;
  if (mod !== combo.mod || other || event.altKey !== combo.alt) return false;
  if (event.key.toLowerCase() !== combo.key) return false;
  // A sign such as `?` needs Shift on some keyboards and not on others; only letters and named keys are strict.
  const strict = combo.key.length > 1 || /^\p{L}$/u.test(combo.key);
  return !strict || event.shiftKey === combo.shift;
}

const MAC: Record<string, string> = { Mod: '⌘', Shift: '⇧', Alt: '⌥' };
const OTHER: Record<string, string> = { Mod: 'Ctrl', Shift: 'Shift', Alt: 'Alt' };
const KEYS: Record<string, string> = {
  Enter: '↵',
  Escape: 'Esc',
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
  Delete: 'Del',
};

/** As it stands in a key box: `Ctrl K`, `⌘K`, `↵`. */
export function formatCombo(text: string): string {
  const parts = text.split('+');
  const key = parts.pop() ?? '';
  const shown = parts.map((part) => (IS_MAC ? MAC : OTHER)[part] ?? part);
  shown.push(KEYS[key] ?? (key.length === 1 ? key.toUpperCase() : key));
  return shown.join(IS_MAC ? '' : ' ');
}

/** As `aria-keyshortcuts` wants it: `Control+K`. */
export function ariaShortcut(text: string): string {
  return text.replace('Mod', IS_MAC ? 'Meta' : 'Control');
}
