/**
 * The output of one item as lines, taken in outside of React.
 *
 * Pieces come in bursts of thousands of lines a second; they are appended to plain arrays here, and whoever shows them
 * is told once per frame. What is older than `KEEP_LINES` is dropped from memory and counted: the spool has it all.
 */
import type { OutputPage, OutputPiece, OutputStream } from '../bindings/nox';
import { type Frame, Signal } from './frame';

/** Lines that stay in memory per item: more than anybody scrolls through while it streams. */
export const KEEP_LINES = 10_000;

export interface OutputLine {
  /** Counted over the whole output, from 0: a stable key for rows. */
  number: number;
  stream: OutputStream;
  text: string;
}

export class OutputLog {
  readonly #signal: Signal;
  readonly #early: OutputPiece[] = [];
  #lines: OutputLine[] = [];
  #open = false;
  #next = 0;
  #filled: 'no' | 'filling' | 'yes' = 'no';
  #read: ((from: number | null) => Promise<OutputPage>) | null = null;
  #count = 0;
  /** Goes up with every change: what React compares. */
  version = 0;
  /** Lines that are no longer in memory. */
  dropped = 0;
  /** Whether bytes before the first line were left out by the engine. */
  clipped = false;

  constructor(frame: Frame) {
    this.#signal = new Signal(frame);
    this.subscribe = this.#signal.subscribe;
  }

  readonly subscribe: (listener: () => void) => () => void;

  /** The lines that are in memory, oldest first. The array is the same object while it grows; compare `version`. */
  get lines(): readonly OutputLine[] {
    return this.#lines;
  }

  /** Live pieces. Until what was written before is here they wait, since only then their place is known. */
  push(pieces: readonly OutputPiece[]) {
    if (this.#filled !== 'yes') {
      this.#early.push(...pieces);
      return;
    }
    const first = pieces[0];
    if (first && first.offset > this.#next && this.#read) {
      // Pieces in between were left out: they are read before these are shown.
      this.#early.push(...pieces);
      this.#filled = 'no';
      void this.fill(this.#read).catch(() => undefined);
      return;
    }
    for (const piece of pieces) this.#take(piece);
    this.#changed();
  }

  /** Reads what is in the spool, once; live pieces go on from there. */
  async fill(read: (from: number | null) => Promise<OutputPage>) {
    if (this.#filled !== 'no') return;
    this.#filled = 'filling';
    let from: number | null = this.#read ? this.#next : null;
    this.#read = read;
    try {
      for (;;) {
        const page: OutputPage = await read(from);
        if (from === null) {
          this.clipped = page.clipped;
          this.#next = page.pieces[0]?.offset ?? 0;
        }
        for (const piece of page.pieces) this.#take(piece);
        if (page.complete || page.pieces.length === 0) break;
        from = page.next;
      }
      this.#filled = 'yes';
      for (const piece of this.#early.splice(0)) this.#take(piece);
    } catch (thrown) {
      this.#filled = 'no';
      if (from === null) this.#read = null;
      throw thrown;
    } finally {
      this.#changed();
    }
  }

  #take(piece: OutputPiece) {
    if (piece.offset + piece.bytes <= this.#next && piece.bytes > 0) return;
    this.#next = piece.offset + piece.bytes;
    const parts = piece.text.split('\n');
    for (const [index, text] of parts.entries()) {
      const last = index === parts.length - 1;
      const current = this.#lines.at(-1);
      if (this.#open && current && current.stream === piece.stream) {
        if (text !== '') this.#lines[this.#lines.length - 1] = { ...current, text: current.text + text };
      } else if (text !== '' || !last) {
        this.#lines.push({ number: this.#count, stream: piece.stream, text });
        this.#count += 1;
      }
      this.#open = last && (text !== '' || (this.#open && current?.stream === piece.stream));
    }
    if (this.#lines.length > KEEP_LINES * 1.25) {
      const cut = this.#lines.length - KEEP_LINES;
      this.#lines.splice(0, cut);
      this.dropped += cut;
    }
  }

  #changed() {
    this.version += 1;
    this.#signal.raise();
  }
}
