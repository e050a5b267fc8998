// Images that people and agents show each other: small in the conversation, and large when one is opened.
//
// An image is read when it comes into sight, from Nox and from nowhere else. Nothing is painted before its own head has said
// how large it is: a small file may be a very large picture.
import { useQuery } from '@tanstack/react-query';
import { type SyntheticEvent, useState } from 'react';
import type { Image, ImageBytes } from '@/bindings/nox';
import { NoxError } from '@/bridge/bridge';
import { Button } from '../controls/Button';
import { cx } from '../cx';
import { Dialog } from '../dialog/Dialog';
import { Icon } from '../icons/icons';
import s from './Images.module.css';
import { figures, IMAGE } from './text';

export interface ImagesProps {
  images: readonly Image[];
  /** Where they are shown, as long as that is: an image that is read once is kept under it for a while. */
  place: string;
  read: (image: Image) => Promise<ImageBytes>;
  className?: string | undefined;
}

export function Images({ images, place, read, className }: ImagesProps) {
  const [opened, setOpened] = useState<Image | null>(null);
  const [isOpen, setIsOpen] = useState(false);
  if (images.length === 0) return null;
  const open = (image: Image) => {
    setOpened(image);
    setIsOpen(true);
  };
  return (
    <>
      <ul className={cx(s.images, className)} aria-label={IMAGE.all(images.length)}>
        {images.map((image) => (
          <li key={image.sha256}>
            <Thumbnail image={image} place={place} read={read} onOpen={open} />
          </li>
        ))}
      </ul>
      <Dialog opened={isOpen} onClose={() => setIsOpen(false)} title={opened?.name ?? ''} size="wide" closable>
        {opened && <Large image={opened} place={place} read={read} />}
      </Dialog>
    </>
  );
}

type Read = Pick<ImagesProps, 'place' | 'read'> & { image: Image };

function Thumbnail({ image, place, read, onOpen }: Read & { onOpen: (image: Image) => void }) {
  const { source, problem, again, refuse } = useImage({ image, place, read });
  if (problem) {
    return (
      <div className={s.problem}>
        <Icon name="image" size="sm" />
        <div>
          <p className={s.name}>{image.name}</p>
          <p>{problem}</p>
          {again && (
            <Button size="sm" onClick={again}>
              {IMAGE.tryAgain}
            </Button>
          )}
        </div>
      </div>
    );
  }
  return (
    <button
      type="button"
      className={s.thumbnail}
      aria-label={IMAGE.open(IMAGE.alt(image))}
      aria-busy={!source || undefined}
      title={`${image.name}\n${figures(image)}`}
      onClick={() => onOpen(image)}
    >
      <Picture image={image} source={source} refuse={refuse} most={[240, 160]} />
    </button>
  );
}

function Large({ image, place, read }: Read) {
  const { source, problem, again, refuse } = useImage({ image, place, read });
  return (
    <figure className={s.large}>
      {problem ? (
        <div className={s.problem}>
          <p>{problem}</p>
          {again && <Button onClick={again}>{IMAGE.tryAgain}</Button>}
        </div>
      ) : (
        <Picture image={image} source={source} refuse={refuse} alt={image.name} />
      )}
      <figcaption>{figures(image)}</figcaption>
    </figure>
  );
}

interface PictureProps {
  image: Image;
  source: string | null;
  refuse: () => void;
  /** Its greatest width and height in pixels; else what the window has. */
  most?: readonly [number, number] | undefined;
  alt?: string | undefined;
}

function Picture({ image, source, refuse, most, alt = '' }: PictureProps) {
  const [known, setKnown] = useState(false);
  // A large one fits into the window, but for one so tall that nobody could read it: that is scrolled.
  const ratio = image.width / image.height;
  const large = `max(min(${image.width}px, ${LARGE_HEIGHT} * ${ratio}), min(${image.width}px, var(--dialog)))`;
  const scale = most ? Math.min(1, most[0] / image.width, most[1] / image.height) : 1;
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const loaded = ({ currentTarget: { naturalWidth, naturalHeight } }: SyntheticEvent<HTMLImageElement>) => {
    if (naturalWidth * naturalHeight > MOST_POINTS) refuse();
    else setKnown(true);
  };
  return (
    <span
      className={cx(s.picture, !known && s.waits)}
      style={{ inlineSize: most ? width : large, aspectRatio: `${width} / ${height}` }}
    >
      {source ? (
        <img
          src={source}
          alt={alt}
          width={width}
          height={height}
          decoding="async"
          draggable={false}
          className={known ? undefined : s.unseen}
          onLoad={loaded}
          onError={refuse}
        />
      ) : (
        <span className="visually-hidden">{IMAGE.reading}</span>
      )}
    </span>
  );
}

/** How high a large one is at most. */
const LARGE_HEIGHT = '64dvh';
/** As many as the engine takes; a head that lied to it is seen here. */
const MOST_POINTS = 25_000_000;
/** How long an image stays that nobody looks at. */
const KEPT_MS = 30_000;

function useImage({ image, place, read }: Read) {
  const [refused, setRefused] = useState(false);
  const { data, error, isFetching, refetch } = useQuery({
    queryKey: ['image', place, image.sha256],
    queryFn: () => read(image),
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: KEPT_MS,
    retry: false,
  });
  const gone = error instanceof NoxError && error.code === 'not_found';
  const failed = error && !isFetching;
  return {
    source: data ? `data:image/${data.kind};base64,${data.base64}` : null,
    problem: refused ? IMAGE.broken : failed ? (gone ? IMAGE.missing : `${IMAGE.unread} ${error.message}`) : null,
    again: failed && !gone ? () => void refetch() : null,
    refuse: () => setRefused(true),
  };
}
