// A request that has just appeared takes no answer for half a second: the hand may have meant what was there before.
import { useEffect, useState } from 'react';

export const GUARD_MS = 500;

/** False for half a second after this request came into sight. */
export function useGuard(request: string): boolean {
  const [passed, setPassed] = useState<string | null>(null);
  useEffect(() => {
    const timer = setTimeout(() => setPassed(request), GUARD_MS);
    return () => clearTimeout(timer);
  }, [request]);
  return passed === request;
}
