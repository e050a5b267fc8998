// Work that can wait until the page stands: it must not make the first paint late.
import { useEffect, useState } from 'react';

/** At the latest so long after the page was painted, also when it never rests. */
const LATEST_MS = 1_500;

/** False until the page is painted and has nothing to do. */
export function useIdle(): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    const rests = () => setIdle(true);
    let cancel: () => void = () => undefined;
    // Two frames after this one the page is on the screen. Not every web view tells when it rests.
    const look = (frames: number) => {
      const frame = requestAnimationFrame(() => {
        if (frames > 0) return look(frames - 1);
        if ('requestIdleCallback' in window) {
          const waits = requestIdleCallback(rests, { timeout: LATEST_MS });
          cancel = () => cancelIdleCallback(waits);
        } else {
          const waits = setTimeout(rests);
          cancel = () => clearTimeout(waits);
        }
      });
      cancel = () => cancelAnimationFrame(frame);
    };
    look(1);
    return () => cancel();
  }, []);
  return idle;
}
