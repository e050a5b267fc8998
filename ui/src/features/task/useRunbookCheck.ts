/** Asks the engine what a text would run, a moment after the last letter was typed. */
import { useEffect, useState } from 'react';
import type { RunbookCheck } from '@/bindings/nox';
import { useNox } from '@/sync/context';

const QUIET_MS = 200;

export function useRunbookCheck(body: string): RunbookCheck | null {
  const { bridge } = useNox();
  const [check, setCheck] = useState<RunbookCheck | null>(null);
  useEffect(() => {
    let here = true;
    const timer = setTimeout(() => {
      // Without an answer the last one stays: starting the task checks again and says what is wrong.
      bridge.checkRunbook({ body }).then(
        (answer) => here && setCheck(answer),
        () => undefined,
      );
    }, QUIET_MS);
    return () => {
      here = false;
      clearTimeout(timer);
    };
  }, [bridge, body]);
  return check;
}
