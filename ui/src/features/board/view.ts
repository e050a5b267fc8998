/**
 * What the board shows beyond its rows: the focused card, the selected ones, what is in the hand and where it would land.
 *
 * A store of its own instead of React state: a pointer that moves over the board draws the column and the card it
 * touches, not all of them.
 */
import { createContext, useContext, useSyncExternalStore } from 'react';
import type { Column, TaskId } from '@/bindings/nox';

/** Where something would land. `below` is under the column's last card, where the hand hides what stands there. */
export type Landing =
  | { kind: 'column'; column: Column; after: TaskId | null; before: TaskId | null; below: boolean }
  | { kind: 'agent'; agent: string }
  | { kind: 'card'; task: TaskId };

/** What is dragged. */
export type InHand =
  | { kind: 'card'; task: TaskId; from: Column }
  /** Files by their names, or text. */
  | { kind: 'desktop'; names: readonly string[] };

export interface BoardState {
  focused: TaskId | null;
  selected: ReadonlySet<TaskId>;
  hand: InHand | null;
  landing: Landing | null;
  doneOpen: boolean;
}

type Listener = () => void;

export class BoardView {
  #state: BoardState = { focused: null, selected: new Set(), hand: null, landing: null, doneOpen: false };
  readonly #listeners = new Set<Listener>();
  /** The card that takes the focus as soon as it is drawn. */
  wanted: TaskId | null = null;
  /** The card that has the focus now. A card that is drawn anew in another column takes it along. */
  held: TaskId | null = null;
  /** Scrolls a column to a place in it; set by the columns. */
  readonly scroll = new Map<Column, (index: number) => void>();

  get state() {
    return this.#state;
  }

  set(change: Partial<BoardState>) {
    this.#state = { ...this.#state, ...change };
    for (const listener of [...this.#listeners]) listener();
  }

  /** Gives a card the focus, also when it is not drawn yet. */
  focus(task: TaskId, column: Column, index: number) {
    this.scroll.get(column)?.(index);
    this.want(task);
  }

  /** The same for a card that is about to be drawn somewhere. */
  want(task: TaskId) {
    this.wanted = task;
    this.set({ focused: task });
  }

  toggle(task: TaskId) {
    const selected = new Set(this.#state.selected);
    if (!selected.delete(task)) selected.add(task);
    this.set({ selected });
  }

  readonly subscribe = (listener: Listener) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };
}

export function sameLanding(a: Landing | null, b: Landing | null): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

const Context = createContext<BoardView | null>(null);

export const BoardViewProvider = Context.Provider;

export function useBoardView(): BoardView {
  const view = useContext(Context);
  if (!view) throw new Error('useBoardView is called outside of the board');
  return view;
}

/** A value out of the view; draws again only when it changes, so let it be a primitive or a kept object. */
export function useView<T>(read: (state: BoardState) => T): T {
  const view = useBoardView();
  return useSyncExternalStore(view.subscribe, () => read(view.state));
}
