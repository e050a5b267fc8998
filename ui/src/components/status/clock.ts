// One timer for all ages in the window. It ticks once a second while something is mounted and the window is seen.
import { useSyncExternalStore } from 'react';

let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now();
  for (const listener of listeners) listener();
}

function run(): void {
  const wanted = listeners.size > 0 && !document.hidden;
  if (wanted && timer === undefined) timer = setInterval(tick, 1000);
  if (!wanted && timer !== undefined) {
    clearInterval(timer);
    timer = undefined;
  }
}

document.addEventListener('visibilitychange', () => {
  document.documentElement.toggleAttribute('data-hidden', document.hidden);
  if (!document.hidden && listeners.size > 0) tick();
  run();
});

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) now = Date.now();
  listeners.add(listener);
  run();
  return () => {
    listeners.delete(listener);
    run();
  };
}

/** A value derived from the time; the component draws again only when that value changes. */
export function useClock<T>(derive: (now: number) => T): T {
  return useSyncExternalStore(subscribe, () => derive(now));
}
