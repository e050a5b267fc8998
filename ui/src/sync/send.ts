/**
 * Sends a command and draws it as not recorded until its effect is in the mirror.
 */
import { useMemo } from 'react';
import type { TaskId } from '../bindings/nox';
import { asNoxError, type Bridge, type CommandInputs, type CommandName, type Done } from '../bridge/bridge';
import { newCommandId } from '../bridge/ids';
import type { Held } from './board';
import { useNox } from './context';
import type { Mirror } from './mirror';

export interface SendOptions {
  /** Ids of the rows that are drawn with a dashed edge meanwhile. */
  about?: readonly string[];
  /** Where a card is drawn meanwhile. */
  hold?: { task: TaskId; at: Held };
}

export type Send = <Name extends CommandName>(
  name: Name,
  input: CommandInputs[Name],
  options?: SendOptions,
) => Promise<Done>;

/** Throws a `NoxError`; then nothing was changed and nothing stays drawn as if it were. */
export function sender(bridge: Bridge, mirror: Mirror): Send {
  return async (name, input, options = {}) => {
    const command = newCommandId();
    const { hold } = options;
    if (hold) mirror.board.hold(hold.task, hold.at);
    mirror.pending.sent(command, options.about ?? [], () => {
      // A later move of the same card holds it elsewhere by now, and that one stays.
      if (hold && mirror.board.held(hold.task) === hold.at) mirror.board.release(hold.task);
    });
    try {
      // One method of the table by its own name: the compiler cannot pair the two halves of the union by itself.
      const call = bridge[name] as (input: CommandInputs[typeof name], command?: string) => Promise<Done>;
      const done = await call(input, command);
      mirror.pending.answered(done, mirror.seq);
      return done;
    } catch (thrown) {
      mirror.pending.settle(command);
      throw asNoxError(thrown);
    }
  };
}

export function useSend(): Send {
  const { bridge, mirror } = useNox();
  return useMemo(() => sender(bridge, mirror), [bridge, mirror]);
}
