/**
 * The order of the board: per column the tasks' ids by rank, kept up with single changes in columns of thousands.
 *
 * The column and the rank come from the engine. A card that was just moved stands where it was put until the engine's
 * answer is here (`hold`, `release`); that is the only thing the window adds, and such a card is drawn as not recorded.
 */
import type { Card, Column, ColumnCount, TaskId } from '../bindings/nox';
import { type Frame, Signal } from './frame';

/** Where a card was put that is not recorded yet. */
export interface Held {
  column: Column;
  /** The card above it; null is the top, undefined the end. */
  after: TaskId | null | undefined;
}

class ColumnList {
  readonly members = new Set<TaskId>();
  readonly signal: Signal;
  order: readonly TaskId[] | null = null;

  constructor(frame: Frame) {
    this.signal = new Signal(frame);
  }

  stale() {
    this.order = null;
    this.signal.raise();
  }
}

const COLUMNS: readonly Column[] = ['backlog', 'todo', 'working', 'needs_you', 'review', 'done'];

export class BoardOrder {
  readonly #card: (id: TaskId) => Card | undefined;
  readonly #columns: Record<Column, ColumnList>;
  readonly #held = new Map<TaskId, Held>();
  readonly #any: Signal;
  /** How many cards the columns have, while not all are here. */
  #expected: ReadonlyMap<Column, ColumnCount> | null = null;

  constructor(frame: Frame, card: (id: TaskId) => Card | undefined) {
    this.#card = card;
    this.#any = new Signal(frame);
    const lists = COLUMNS.map((column) => [column, new ColumnList(frame)] as const);
    this.#columns = Object.fromEntries(lists) as Record<Column, ColumnList>;
    this.subscribeAny = this.#any.subscribe;
  }

  /** A card came, changed or went; `before` is what it was. */
  changed(id: TaskId, before: Card | undefined, after: Card | undefined) {
    if (before && before.column !== after?.column) {
      this.#columns[before.column].members.delete(id);
      this.#stale(before.column);
    }
    if (!after) return;
    if (before?.column !== after.column) {
      this.#columns[after.column].members.add(id);
      this.#stale(after.column);
    } else if (!before || listed(before) !== listed(after)) {
      this.#stale(after.column);
    }
  }

  /** The ids of a column in the board's order; the same array until it changes. */
  column(column: Column): readonly TaskId[] {
    const list = this.#columns[column];
    list.order ??= this.#sorted(column, list);
    return list.order;
  }

  /** How many cards a column has, also while some of them are on their way. */
  count(column: Column): number {
    return Math.max(this.column(column).length, this.#expected?.get(column)?.count ?? 0);
  }

  /** What there will be, while not all cards are here; the same map until it changes. */
  get expected() {
    return this.#expected;
  }

  /** Says how many cards there will be; null when all are here. */
  expect(columns: readonly ColumnCount[] | null) {
    this.#expected = columns && new Map(columns.map((found) => [found.column, found]));
    this.#any.raise();
  }

  subscribe(column: Column, listener: () => void) {
    return this.#columns[column].signal.subscribe(listener);
  }

  /** Listens to all columns. */
  readonly subscribeAny: (listener: () => void) => () => void;

  /** Draws a card where it was put, until it is released. */
  hold(id: TaskId, held: Held) {
    this.release(id);
    this.#held.set(id, held);
    this.#stale(held.column);
    const card = this.#card(id);
    if (card) this.#stale(card.column);
  }

  /** Draws it again where the engine says. */
  release(id: TaskId) {
    const held = this.#held.get(id);
    if (!held) return;
    this.#held.delete(id);
    this.#stale(held.column);
    const card = this.#card(id);
    if (card) this.#stale(card.column);
  }

  held(id: TaskId): Held | undefined {
    return this.#held.get(id);
  }

  #stale(column: Column) {
    this.#columns[column].stale();
    this.#any.raise();
  }

  #sorted(column: Column, list: ColumnList): readonly TaskId[] {
    const ranked: { id: TaskId; rank: string }[] = [];
    for (const id of list.members) {
      const card = this.#card(id);
      if (card && !this.#held.has(id)) ranked.push({ id, rank: card.task.rank });
    }
    ranked.sort((a, b) => compare(a.rank, b.rank) || compare(a.id, b.id));
    const order = ranked.map(({ id }) => id);
    for (const [id, held] of this.#held) {
      if (held.column !== column) continue;
      const above = held.after ? order.indexOf(held.after) : -1;
      order.splice(held.after === undefined || (held.after && above < 0) ? order.length : above + 1, 0, id);
    }
    return order;
  }
}

function compare(a: string, b: string) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What decides a card's place and whether a filter shows it; the rest of a card does not touch the lists. */
function listed({ task }: Card) {
  return JSON.stringify([task.rank, task.title, task.agent, task.project, task.status, task.tags]);
}
