// Asks what runs use, again and again, but only while somebody looks: the place is mounted and the window is seen.
import { useEffect, useState } from 'react';
import { asNoxError, type NoxError } from '@/bridge/bridge';
import { useNox } from '@/sync/context';
import type { ProcessesView, ProcessView } from '../../bindings/nox';

/** Milliseconds between two looks. */
const EVERY_MS = 2_000;
/** The second look comes sooner: the processor is measured between two. */
const SECOND_MS = 600;

export interface Look {
  view: ProcessesView | null;
  /** The look before, for what is measured between two. */
  before: ProcessesView | null;
  error: NoxError | null;
}

export function useProcesses(): Look & { again: () => void } {
  const { bridge } = useNox();
  const [look, setLook] = useState<Look>({ view: null, before: null, error: null });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round begins anew.
  useEffect(() => {
    let here = true;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asking = false;
    let looks = 0;
    const ask = async () => {
      if (asking || document.hidden) return;
      asking = true;
      try {
        const view = await bridge.processes({});
        if (here) setLook((old) => ({ view, before: old.view, error: null }));
      } catch (thrown) {
        if (here) setLook((old) => ({ ...old, error: asNoxError(thrown) }));
      }
      asking = false;
      looks += 1;
      if (here && !document.hidden) timer = setTimeout(() => void ask(), looks === 1 ? SECOND_MS : EVERY_MS);
    };
    const onVisibility = () => {
      clearTimeout(timer);
      if (!document.hidden) void ask();
    };
    document.addEventListener('visibilitychange', onVisibility);
    void ask();
    return () => {
      here = false;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [bridge, round]);
  return { ...look, again: () => setRound((old) => old + 1) };
}

interface Spent {
  cpu_ms: number;
}

/** Per cent of one core between two looks; null when there is nothing to compare with. */
export function cpuBetween(now: Spent, nowAt: number, before: Spent | undefined, beforeAt: number | undefined) {
  if (before === undefined || beforeAt === undefined || nowAt <= beforeAt) return null;
  // What ended meanwhile may be missing from the sum: less than nothing was not used.
  return Math.max(0, ((now.cpu_ms - before.cpu_ms) / (nowAt - beforeAt)) * 100);
}

/** The same process, and not a later one with its number. */
export function sameProcess(list: readonly ProcessView[] | undefined, process: ProcessView): ProcessView | undefined {
  return list?.find(({ pid, started_at }) => pid === process.pid && started_at === process.started_at);
}
