// Short messages at the lower right. What succeeded goes after eight seconds unless it is pointed at or has the focus;
// what failed stays until it is closed. As long as one is pointed at or has the focus, none goes by itself: what is under the
// pointer must stay what it is. The newest `Undo` is also what Ctrl/⌘Z does.
import { useSyncExternalStore } from 'react';
import type { SignName } from '../status/StatusSign';
import { announce } from './announce';

export interface ToastAction {
  label: string;
  run: () => void;
}

export interface Toast {
  /** One sentence. */
  text: string;
  /** A second, smaller line: what to do. */
  detail?: string | undefined;
  /** `failed` stays until it is closed, `running` until what it tells of is over. */
  sign?: SignName | undefined;
  /** Takes back what the text says; shown as `Undo` and bound to Ctrl/⌘Z while it is the newest. */
  undo?: (() => void) | undefined;
  /** One more button. */
  action?: ToastAction | undefined;
}

/** What keeps one, and with it all of them. */
export type Hold = 'pointer' | 'focus';

export interface ShownToast extends Toast {
  id: number;
}

/** More would cover the place; the oldest that may go, goes. While one is held there may be more, and those below it stay. */
const MOST = 4;
const MOST_HELD = 8;
/** A pointer or a focus that goes from one to the next is nowhere for a moment; nothing may go away under it then. */
export const LET_GO_MS = 400;
/** How far back Ctrl/⌘Z reaches after the toasts are gone. */
const UNDO_DEPTH = 20;

let shown: readonly ShownToast[] = [];
/** The one that is pointed at and the one that has the focus, and those that would have gone meanwhile. */
const held: Record<Hold, number | null> = { pointer: null, focus: null };
const leaving: Record<Hold, ReturnType<typeof setTimeout> | undefined> = { pointer: undefined, focus: undefined };
const late = new Set<number>();
let nextId = 1;
const undos: { id: number; run: () => void }[] = [];
const listeners = new Set<() => void>();

function set(next: readonly ShownToast[]): void {
  shown = next;
  for (const listener of listeners) listener();
}

/** Shows a message; the answer closes it. */
export function toast(message: Toast): () => void {
  const id = nextId;
  nextId += 1;
  if (message.undo) {
    undos.push({ id, run: message.undo });
    if (undos.length > UNDO_DEPTH) undos.shift();
  }
  announce(
    message.detail ? `${message.text}. ${message.detail}` : message.text,
    message.sign === 'failed' || message.sign === 'needs_you' ? 'assertive' : 'polite',
  );
  set(fewer([...shown, { ...message, id }]));
  return () => {
    if (isHeld()) late.add(id);
    else closeToast(id);
  };
}

const isHeld = () => held.pointer !== null || held.focus !== null;

/** As many as may be shown; the newest is always among them. A new one comes on top, so what goes above a held one moves nothing. */
function fewer(all: readonly ShownToast[]): readonly ShownToast[] {
  const extra = all.length - (isHeld() ? MOST_HELD : MOST);
  if (extra <= 0) return all;
  const above = 1 + Math.max(...Object.values(held).map((id) => all.findIndex((each) => each.id === id)));
  const victims = all.slice(above, -1).filter(({ sign }) => sign !== 'failed' && sign !== 'running');
  return all.filter((each) => !victims.slice(0, extra).includes(each));
}

/** A person closes it, or its time is over. */
export function closeToast(id: number): void {
  set(shown.filter((other) => other.id !== id));
  // No pointer leaves what is not there any more.
  forget('pointer', id);
  forget('focus', id);
}

/** It is pointed at or has the focus. */
export function holdToast(hold: Hold, id: number): void {
  clearTimeout(leaving[hold]);
  held[hold] = id;
  set(shown);
}

/** It is no longer; counts when nothing else is soon. */
export function letGoOfToast(hold: Hold, id: number): void {
  clearTimeout(leaving[hold]);
  leaving[hold] = setTimeout(() => forget(hold, id), LET_GO_MS);
}

function forget(hold: Hold, id: number): void {
  if (held[hold] !== id) return;
  held[hold] = null;
  if (isHeld()) return;
  const stay = fewer(shown.filter((each) => !late.has(each.id)));
  late.clear();
  set(stay);
}

/** Takes back what a toast offered to take back, once. */
export function runUndo(id: number): void {
  const at = undos.findIndex((entry) => entry.id === id);
  const [entry] = at < 0 ? [] : undos.splice(at, 1);
  closeToast(id);
  entry?.run();
}

/** What Ctrl/⌘Z does: the newest thing that can be taken back. False when there is none. */
export function undoLast(): boolean {
  const last = undos.at(-1);
  if (!last) return false;
  runUndo(last.id);
  return true;
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useToasts(): readonly ShownToast[] {
  return useSyncExternalStore(subscribe, () => shown);
}

/** Whether one is pointed at or has the focus. */
export function useToastsHeld(): boolean {
  return useSyncExternalStore(subscribe, isHeld);
}

/** For tests: as if the window had just been opened. */
export function forgetToasts(): void {
  undos.length = 0;
  held.pointer = null;
  held.focus = null;
  late.clear();
  set([]);
}
