/**
 * Rows of one kind by id, with one subscription per row and one for the list.
 *
 * A change of a row draws what subscribed to that row, not what subscribed to its neighbours. Rows are replaced, never
 * changed in place, so that comparing references is enough.
 */
import { type Frame, Signal } from './frame';

export class Table<Row> {
  readonly #frame: Frame;
  readonly #rows = new Map<string, Row>();
  readonly #signals = new Map<string, Signal>();
  readonly #list: Signal;
  #cached: readonly Row[] | null = null;

  constructor(frame: Frame) {
    this.#frame = frame;
    this.#list = new Signal(frame);
    this.subscribeList = this.#list.subscribe;
  }

  get(id: string): Row | undefined {
    return this.#rows.get(id);
  }

  get size() {
    return this.#rows.size;
  }

  /** All rows in the order in which they came; the same array until something changes. */
  all(): readonly Row[] {
    this.#cached ??= [...this.#rows.values()];
    return this.#cached;
  }

  put(id: string, row: Row) {
    this.#rows.set(id, row);
    this.#changed(id);
  }

  remove(id: string) {
    if (this.#rows.delete(id)) this.#changed(id);
  }

  /** Makes these all the rows there are. */
  replace(rows: Iterable<[string, Row]>) {
    const gone = new Set(this.#rows.keys());
    for (const [id, row] of rows) {
      gone.delete(id);
      this.put(id, row);
    }
    for (const id of gone) this.remove(id);
  }

  /** Listens to the list; any change of any row is a change of the list. */
  readonly subscribeList: (listener: () => void) => () => void;

  /** Listens to one row, also before it is there and after it is gone. */
  subscribe(id: string, listener: () => void) {
    let signal = this.#signals.get(id);
    if (!signal) {
      signal = new Signal(this.#frame);
      this.#signals.set(id, signal);
    }
    const heard = signal;
    const stop = heard.subscribe(listener);
    return () => {
      stop();
      if (!heard.heard) this.#signals.delete(id);
    };
  }

  #changed(id: string) {
    this.#cached = null;
    this.#signals.get(id)?.raise();
    this.#list.raise();
  }
}
