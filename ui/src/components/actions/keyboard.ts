// One listener for the window's keys. Whatever handled a key before (a dialog, a menu, a card with the focus) marks it
// as handled; then it does nothing here.
import { matches } from './combo';
import { type Action, combosOf, currentActions } from './registry';

/** Whether keys typed now are text. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true;
  return target instanceof HTMLInputElement && !['checkbox', 'radio', 'button', 'range'].includes(target.type);
}

/** Whether a dialog or menu is open, which has its own keys. One that was closed and still fades is not. */
export function isModalOpen(): boolean {
  return document.querySelector('[aria-modal="true"]:not([data-closing]), [role="menu"]') !== null;
}

function wanted(action: Action, event: KeyboardEvent, typing: boolean): boolean {
  if (typing && !action.whileTyping) return false;
  if (!combosOf(action).some((combo) => matches(combo, event))) return false;
  return action.enabled?.() ?? true;
}

function onKeyDown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || isModalOpen()) return;
  const typing = isTyping(event.target);
  // The newest registration first: a place's own key goes before the window's.
  const action = currentActions().findLast((candidate) => wanted(candidate, event, typing));
  if (!action) return;
  event.preventDefault();
  action.run();
}

/** Begins to listen; the answer ends it. */
export function listenToKeys(): () => void {
  window.addEventListener('keydown', onKeyDown);
  return () => window.removeEventListener('keydown', onKeyDown);
}
