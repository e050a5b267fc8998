import { afterEach, expect, test, vi } from 'vitest';
import { ariaShortcut, formatCombo, matches } from './combo';
import { listenToKeys } from './keyboard';
import { registerActions } from './registry';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
  document.body.replaceChildren();
});

const press = (target: EventTarget, init: KeyboardEventInit) =>
  target.dispatchEvent(new KeyboardEvent('keydown', { bubbles: true, cancelable: true, ...init }));

function bind(combo: string, more: { whileTyping?: boolean; enabled?: () => boolean; id?: string } = {}) {
  const run = vi.fn();
  ends.push(registerActions([{ id: more.id ?? combo, label: combo, group: 'Everywhere', combo, run, ...more }]));
  return run;
}

test('combinations match exactly', () => {
  const key = (init: KeyboardEventInit) => new KeyboardEvent('keydown', init);
  expect(matches('Mod+K', key({ key: 'k', ctrlKey: true }))).toBe(true);
  expect(matches('Mod+K', key({ key: 'k' }))).toBe(false);
  expect(matches('C', key({ key: 'C', shiftKey: true }))).toBe(false);
  expect(matches('?', key({ key: '?', shiftKey: true }))).toBe(true);
  expect(formatCombo('Mod+Enter')).toBe('Ctrl ↵');
  expect(ariaShortcut('Mod+K')).toBe('Control+K');
});

test('a plain key does nothing while somebody types, one with Mod may', () => {
  ends.push(listenToKeys());
  const create = bind('C');
  const palette = bind('Mod+K', { whileTyping: true });
  const input = document.body.appendChild(document.createElement('input'));
  press(input, { key: 'c' });
  press(input, { key: 'k', ctrlKey: true });
  expect(create).not.toHaveBeenCalled();
  expect(palette).toHaveBeenCalledOnce();
  press(document.body, { key: 'c' });
  expect(create).toHaveBeenCalledOnce();
});

test('an open dialog has the keys for itself', () => {
  ends.push(listenToKeys());
  const run = bind('C');
  const dialog = document.body.appendChild(document.createElement('div'));
  dialog.setAttribute('aria-modal', 'true');
  press(document.body, { key: 'c' });
  expect(run).not.toHaveBeenCalled();
});

test('the later registration goes first, and what is not enabled steps aside', () => {
  ends.push(listenToKeys());
  const general = bind('N', { id: 'general' });
  let enabled = true;
  const special = bind('N', { id: 'special', enabled: () => enabled });
  press(document.body, { key: 'n' });
  enabled = false;
  press(document.body, { key: 'n' });
  expect(special).toHaveBeenCalledOnce();
  expect(general).toHaveBeenCalledOnce();
});
