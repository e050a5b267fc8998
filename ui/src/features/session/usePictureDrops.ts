// Images that are dropped on a session: files of the desktop come by the bridge with their paths alone, those of a page in a
// browser as files.
import { type RefObject, useEffect, useRef, useState } from 'react';
import { useNox } from '@/sync/context';
import type { DesktopDrag } from '../../bridge/bridge';
import type { Pictures } from './pictures';

/** Whether something is held over the session around this element. */
export function usePictureDrops(within: RefObject<HTMLElement | null>, pictures: Pictures): boolean {
  const { bridge } = useNox();
  const [over, setOver] = useState(false);
  const latest = useRef(pictures);
  useEffect(() => {
    latest.current = pictures;
  });
  useEffect(() => {
    const place = within.current?.closest<HTMLElement>('section') ?? within.current;
    if (!place) return;
    const isOver = ({ x, y }: { x: number; y: number }) => {
      const { left, right, top, bottom } = place.getBoundingClientRect();
      return x >= left && x < right && y >= top && y < bottom;
    };
    const stop = bridge.onDesktopDrop((drag: DesktopDrag) => {
      const inside = drag.type !== 'leave' && isOver(drag);
      setOver(inside && drag.type !== 'drop');
      if (inside && drag.type === 'drop') void latest.current.addPaths(drag.paths);
    });
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    const onOver = (event: DragEvent) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const onLeave = (event: DragEvent) => {
      if (!(event.relatedTarget instanceof Node && place.contains(event.relatedTarget))) setOver(false);
    };
    const onDrop = (event: DragEvent) => {
      setOver(false);
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      void latest.current.addFiles(files);
    };
    place.addEventListener('dragover', onOver);
    place.addEventListener('dragleave', onLeave);
    place.addEventListener('drop', onDrop);
    return () => {
      stop();
      place.removeEventListener('dragover', onOver);
      place.removeEventListener('dragleave', onLeave);
      place.removeEventListener('drop', onDrop);
    };
  }, [bridge, within]);
  return over;
}
