/**
 * Sends a command for a button: says what was done with `Undo` when it can be taken back, and keeps a failure in sight.
 *
 * Forms that show an error beside a field use `useSend` and catch; everything else uses this.
 */
import { useMemo } from 'react';
import { asNoxError, type CommandInputs, type CommandName, type Done } from '../bridge/bridge';
import { toast } from '../components/feedback/toasts';
import { useNox } from './context';
import { type Send, type SendOptions, sender } from './send';

export interface ActOptions extends SendOptions {
  /** One sentence when it is recorded; without it success is silent. */
  done?: string | undefined;
  /** Called when it is recorded, and again when it was taken back: for what is read on demand and is stale now. */
  changed?: (() => void) | undefined;
}

/** Null when it was refused; the reason is then in a toast. */
export type Act = <Name extends CommandName>(
  name: Name,
  input: CommandInputs[Name],
  options?: ActOptions,
) => Promise<Done | null>;

export function actor(send: Send): Act {
  const act: Act = async (name, input, { done: text, changed, ...options } = {}) => {
    try {
      const done = await send(name, input, options);
      changed?.();
      if (text !== undefined) {
        const undo = () => void act('undo', { command: done.command }, { changed });
        toast({ text, undo: done.undo ? undo : undefined });
      }
      return done;
    } catch (thrown) {
      const { message, hint } = asNoxError(thrown);
      toast({ text: message, detail: hint ?? undefined, sign: 'failed' });
      return null;
    }
  };
  return act;
}

export function useAct(): Act {
  const { bridge, mirror } = useNox();
  return useMemo(() => actor(sender(bridge, mirror)), [bridge, mirror]);
}
