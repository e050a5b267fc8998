// What somebody has begun to write and not sent, by what it is about. It outlives leaving the place; it is gone when it
// was sent, or with the window.
import { useSyncExternalStore } from 'react';

/** Of each kind so many are kept; the one that was written longest ago goes first. */
const MOST = 200;

type Change<Value> = Value | ((now: Value) => Value);

export interface Keeping<Value> {
  /** What is kept under a key, or `none`; and how to change it. */
  use: (key: string) => [Value, (change: Change<Value>) => void];
}

const forgets: (() => void)[] = [];

/** Keeps values of one kind; what equals `none` is not kept. */
export function keeping<Value>(none: Value): Keeping<Value> {
  const kept = new Map<string, Value>();
  const listeners = new Set<() => void>();
  forgets.push(() => kept.clear());
  const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  };
  const read = (key: string): Value => kept.get(key) ?? none;
  const write = (key: string, change: Change<Value>) => {
    const next = typeof change === 'function' ? (change as (now: Value) => Value)(read(key)) : change;
    kept.delete(key);
    if (next !== none) kept.set(key, next);
    const [oldest] = kept.keys();
    if (kept.size > MOST && oldest !== undefined) kept.delete(oldest);
    for (const listener of [...listeners]) listener();
  };
  return {
    use: (key) => [useSyncExternalStore(subscribe, () => read(key)), (change) => write(key, change)],
  };
}

/** For tests: as if the window had just been opened. */
export function forgetKept(): void {
  for (const forget of forgets) forget();
}
