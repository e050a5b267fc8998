/**
 * One session's items, as far as they were asked for, the output of its tool calls, and what can be done with it while it
 * runs.
 *
 * `open` watches first and reads afterwards, so that nothing is missed between the two; an item that was pushed is newer
 * than the same one read. Only watched sessions have one of these; closing forgets it.
 */
import type { ControlsRow, Item, ItemId, OutputPiece, SessionId } from '../bindings/nox';
import { asNoxError, type Bridge, type NoxError } from '../bridge/bridge';
import { type Frame, Signal } from './frame';
import { OutputLog } from './output';
import { Table } from './table';

/** Items that are asked for at once. */
export const PAGE = 200;

export class Conversation {
  readonly session: SessionId;
  readonly items: Table<Item>;
  readonly #frame: Frame;
  readonly #bridge: Bridge;
  readonly #outputs = new Map<ItemId, OutputLog>();
  readonly #signal: Signal;
  /** Items that were pushed since `open` began: newer than what it reads. */
  readonly #pushed = new Set<ItemId>();
  #controls: ControlsRow | null = null;
  readonly #controlsSignal: Signal;
  #order: readonly ItemId[] = [];
  #view: ConversationView = { state: 'loading', order: [], more: false, loadingEarlier: false, error: null };
  #loadingEarlier = false;
  #more = false;
  #state: ConversationView['state'] = 'loading';
  #error: NoxError | null = null;

  constructor(session: SessionId, bridge: Bridge, frame: Frame) {
    this.session = session;
    this.#bridge = bridge;
    this.#frame = frame;
    this.items = new Table(frame);
    this.#signal = new Signal(frame);
    this.subscribe = this.#signal.subscribe;
    this.#controlsSignal = new Signal(frame);
    this.subscribeControls = this.#controlsSignal.subscribe;
  }

  /** Listens to what can be done with the session. */
  readonly subscribeControls: (listener: () => void) => () => void;

  /** What its program offers, and the prompts that wait; null until that is known. */
  get controls(): ControlsRow | null {
    return this.#controls;
  }

  readonly subscribe: (listener: () => void) => () => void;

  /** What a list needs: the ids in order and whether there are earlier ones. The same object until it changes. */
  view(): ConversationView {
    return this.#view;
  }

  /** Begins watching and reads the end of the conversation. */
  async open() {
    this.#pushed.clear();
    this.#controls = null;
    try {
      await this.#bridge.watch(this.session, true);
      const [controls, page] = await Promise.all([
        this.#bridge.readControls({ session: this.session }),
        this.#bridge.readItems({ session: this.session, limit: PAGE }),
      ]);
      // One that was pushed meanwhile is newer.
      if (this.#controls === null) this.putControls(controls);
      this.#more = page.more;
      this.#state = 'ready';
      this.#error = null;
      this.#merge(page.items);
    } catch (thrown) {
      this.#state = 'failed';
      this.#error = asNoxError(thrown);
    }
    this.#changed();
  }

  close() {
    // The window is about to forget the session; that the engine could not be told changes nothing here.
    void this.#bridge.watch(this.session, false).catch(() => undefined);
  }

  /** Reads the page before the earliest item. */
  async loadEarlier() {
    const first = this.#order[0];
    const before = first === undefined ? undefined : this.items.get(first)?.ord;
    if (this.#loadingEarlier || !this.#more || before === undefined) return;
    this.#loadingEarlier = true;
    this.#changed();
    try {
      const page = await this.#bridge.readItems({ session: this.session, before, limit: PAGE });
      this.#more = page.more;
      this.#merge(page.items);
    } catch (thrown) {
      this.#error = asNoxError(thrown);
    } finally {
      this.#loadingEarlier = false;
      this.#changed();
    }
  }

  /** An item was pushed. */
  put(item: Item) {
    const known = this.items.get(item.id);
    this.#pushed.add(item.id);
    this.items.put(item.id, item);
    if (!known || known.ord !== item.ord) this.#reorder();
  }

  /** What can be done with the session changed. */
  putControls(row: ControlsRow) {
    this.#controls = row;
    this.#controlsSignal.raise();
  }

  /** The output of a tool call; made when it is first asked for or when it first writes. */
  output(item: ItemId): OutputLog {
    let log = this.#outputs.get(item);
    if (!log) {
      log = new OutputLog(this.#frame);
      this.#outputs.set(item, log);
    }
    return log;
  }

  /** Reads what a tool call wrote so far, once. */
  fillOutput(item: ItemId) {
    return this.output(item).fill((from) => this.#bridge.readOutput({ session: this.session, item, from }));
  }

  push(item: ItemId, pieces: readonly OutputPiece[]) {
    this.output(item).push(pieces);
  }

  #merge(items: readonly Item[]) {
    for (const item of items) {
      if (!this.#pushed.has(item.id)) this.items.put(item.id, item);
    }
    this.#reorder();
  }

  #reorder() {
    this.#order = [...this.items.all()].sort((a, b) => a.ord - b.ord).map(({ id }) => id);
    this.#changed();
  }

  #changed() {
    this.#view = {
      state: this.#state,
      order: this.#order,
      more: this.#more,
      loadingEarlier: this.#loadingEarlier,
      error: this.#error,
    };
    this.#signal.raise();
  }
}

export interface ConversationView {
  state: 'loading' | 'ready' | 'failed';
  order: readonly ItemId[];
  more: boolean;
  loadingEarlier: boolean;
  error: NoxError | null;
}
