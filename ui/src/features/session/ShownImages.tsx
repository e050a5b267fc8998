// The images of an item, or of a prompt that waits for its turn: read from its session when they come into sight.
import { Images, type ImagesProps } from '@/components/image/Images';
import { useNox } from '@/sync/context';
import type { Image } from '../../bindings/nox';

interface ShownImagesProps extends Pick<ImagesProps, 'className'> {
  session: string;
  /** None for a prompt that waits. */
  item: string | null;
  images: readonly Image[] | undefined;
}

export function ShownImages({ session, item, images = [], className }: ShownImagesProps) {
  const { bridge } = useNox();
  return (
    <Images
      images={images}
      place={item ?? session}
      read={({ sha256 }) => bridge.readImage({ session, item, sha256 })}
      className={className}
    />
  );
}
