// Where the window is, kept in the hash of its address: path and question mark both, so that a reload by the app's own
// scheme finds them. `wouter` takes these hooks in place of the browser's.
import { useSyncExternalStore } from 'react';

function current(): string {
  return window.location.hash.replace(/^#/, '') || '/';
}

function subscribe(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

/** Goes to a path with its question mark, such as `/board?project=x`. */
export function navigate(to: string, options: { replace?: boolean } = {}): void {
  const hash = `#${to.startsWith('/') ? to : `/${to}`}`;
  if (hash === window.location.hash) return;
  if (options.replace) {
    // `replaceState` tells nobody, and so the event is made here.
    history.replaceState(history.state, '', hash);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    window.location.hash = hash;
  }
}

export function useHashPath(): [string, typeof navigate] {
  const path = useSyncExternalStore(subscribe, () => current().split('?')[0] ?? '/');
  return [path, navigate];
}

export function useHashSearch(): string {
  return useSyncExternalStore(subscribe, () => current().split('?').slice(1).join('?'));
}

/** The whole of it, for comparing. */
export function useHashLocation(): string {
  return useSyncExternalStore(subscribe, current);
}
