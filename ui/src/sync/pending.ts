/**
 * What was sent and is not recorded yet, by the thing that it is about: cards and rows draw it with a dashed edge.
 *
 * A command stays pending until the push that it caused is applied, or until it was refused.
 */
import type { CommandId } from '../bindings/nox';
import type { Done } from '../bridge/bridge';
import { type Frame, Signal } from './frame';

interface Sent {
  about: readonly string[];
  settled: (() => void) | undefined;
  /** Where the log recorded it; unknown until the answer is here. */
  seq: number | null;
}

export class Pending {
  readonly #sent = new Map<CommandId, Sent>();
  readonly #counts = new Map<string, number>();
  readonly #signal: Signal;

  constructor(frame: Frame) {
    this.#signal = new Signal(frame);
    this.subscribe = this.#signal.subscribe;
  }

  readonly subscribe: (listener: () => void) => () => void;

  has(id: string): boolean {
    return this.#counts.has(id);
  }

  /** A command leaves; `settled` is called once when its effect is in the mirror or it was refused. */
  sent(command: CommandId, about: readonly string[], settled?: () => void) {
    this.#sent.set(command, { about, settled, seq: null });
    for (const id of about) this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    this.#signal.raise();
  }

  /** The engine's answer; `appliedSeq` is how far the mirror is. */
  answered(done: Done, appliedSeq: number) {
    const sent = this.#sent.get(done.command);
    if (!sent) return;
    sent.seq = done.seq;
    this.applied(appliedSeq, null);
  }

  /** The mirror is at `seq`, and its newest change was caused by `command`. */
  applied(seq: number, command: CommandId | null) {
    if (command) this.settle(command);
    for (const [id, sent] of this.#sent) {
      if (sent.seq !== null && sent.seq <= seq) this.settle(id);
    }
  }

  /** Refused, or its effect is here. */
  settle(command: CommandId) {
    const sent = this.#sent.get(command);
    if (!sent) return;
    this.#sent.delete(command);
    for (const id of sent.about) {
      const left = (this.#counts.get(id) ?? 1) - 1;
      if (left > 0) this.#counts.set(id, left);
      else this.#counts.delete(id);
    }
    sent.settled?.();
    this.#signal.raise();
  }
}
