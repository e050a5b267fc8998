// What the start of the engine found; it is asked once for each start.
import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { useNox } from '@/sync/context';
import { useEngine } from '@/sync/hooks';

const LOOK_MS = 1_000;

export function useRecovery() {
  const { bridge } = useNox();
  const engine = useEngine();
  return useQuery({
    queryKey: ['recovery', engine?.started_at],
    queryFn: () => bridge.recovery({}),
    enabled: engine !== null,
    staleTime: Number.POSITIVE_INFINITY,
    // A damaged database is read in the background; until that is over the figures grow.
    refetchInterval: ({ state }) => (state.data?.database?.under_way ? LOOK_MS : false),
  });
}

const KEY = 'nox.recovery.seen';
const listeners = new Set<() => void>();

/** Whether what a start found was put away in this window, and how to do so. */
export function useSeen(start: number | undefined): [boolean, () => void] {
  const seen = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => localStorage.getItem(KEY),
  );
  const put = () => {
    localStorage.setItem(KEY, String(start));
    for (const listener of [...listeners]) listener();
  };
  return [seen === String(start), put];
}
