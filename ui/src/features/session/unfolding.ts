// Which entries somebody has opened, and which were seen at work. Rows come and go while the log scrolls; this stays.
import { createContext, use, useCallback, useSyncExternalStore } from 'react';
import type { ItemId } from '../../bindings/nox';

export class Unfolding {
  readonly #open = new Set<ItemId>();
  readonly #worked = new Set<ItemId>();
  readonly #listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  isOpen(id: ItemId): boolean {
    return this.#open.has(id);
  }

  toggle(id: ItemId) {
    if (!this.#open.delete(id)) this.#open.add(id);
    for (const listener of [...this.#listeners]) listener();
  }

  /** It was seen running: its output keeps the height that it had then. */
  worked(id: ItemId) {
    this.#worked.add(id);
  }

  hasWorked(id: ItemId): boolean {
    return this.#worked.has(id);
  }
}

export const UnfoldingContext = createContext(new Unfolding());

export function useUnfolded(id: ItemId): [boolean, () => void, Unfolding] {
  const unfolding = use(UnfoldingContext);
  const open = useSyncExternalStore(unfolding.subscribe, () => unfolding.isOpen(id));
  const toggle = useCallback(() => unfolding.toggle(id), [unfolding, id]);
  return [open, toggle, unfolding];
}
