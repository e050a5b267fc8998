// How long a start takes is measured up to the first paint of a place with its data in it.
import { useEffect } from 'react';
import { useNox } from '@/sync/context';

/** For what is drawn once the first snapshot is here. */
export function useReportUsable(): void {
  const { bridge } = useNox();
  useEffect(() => {
    // The place comes in a chunk of its own; two frames after it stands, it is on the screen.
    let frame = 0;
    const look = (framesLeft: number) => {
      frame = requestAnimationFrame(() => {
        const stands = document.querySelector('main h1') !== null;
        if (stands && framesLeft === 0) void bridge.reportUsable().catch((thrown) => console.error(thrown));
        else look(stands ? framesLeft - 1 : 1);
      });
    };
    look(1);
    return () => cancelAnimationFrame(frame);
  }, [bridge]);
}
