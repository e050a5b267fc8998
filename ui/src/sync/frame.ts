/**
 * Tells subscribers at most once per animation frame that something changed, however often it did.
 *
 * A hidden page gets no animation frames; then a timer stands in, so that the tray's window title and live regions stay
 * right. Subscribers are called in no particular order; one that throws does not keep the others from hearing.
 */
export class Frame {
  #waiting = new Set<() => void>();
  #scheduled = false;

  /** Calls `tell` in the next frame, once, also when it is asked for several times until then. */
  add(tell: () => void) {
    this.#waiting.add(tell);
    if (this.#scheduled) return;
    this.#scheduled = true;
    if (document.hidden) setTimeout(() => this.flush(), 100);
    else requestAnimationFrame(() => this.flush());
  }

  /** Tells everybody now. Tests use it to step over the frame. */
  flush() {
    this.#scheduled = false;
    const now = this.#waiting;
    this.#waiting = new Set();
    for (const tell of now) {
      try {
        tell();
      } catch (thrown) {
        console.error(thrown);
      }
    }
  }
}

/** A set of listeners that is told through a frame. */
export class Signal {
  readonly #frame: Frame;
  readonly #listeners = new Set<() => void>();
  readonly #tell = () => {
    for (const listener of [...this.#listeners]) listener();
  };

  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** Listens; the answer ends it. Stable, so that React can take it as it is. */
  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

  /** Something changed. */
  raise() {
    if (this.#listeners.size > 0) this.#frame.add(this.#tell);
  }

  get heard() {
    return this.#listeners.size > 0;
  }
}
