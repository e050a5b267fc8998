// Words of images.
import type { Image } from '@/bindings/nox';
import { sizeText } from '../words';

const KINDS: Record<Image['kind'], string> = { png: 'PNG', jpeg: 'JPEG', gif: 'GIF', webp: 'WebP' };

/** What an image is besides its name. */
export function figures({ kind, width, height, size_bytes }: Image): string {
  return `${KINDS[kind]}, ${width} × ${height}, ${sizeText(size_bytes)}`;
}

export const IMAGE = {
  all: (count: number) => (count === 1 ? 'Image' : `${count} images`),
  open: (name: string) => `Open image ${name}`,
  alt: (image: Image) => `${image.name} (${figures(image)})`,
  reading: 'Image is read',
  missing: 'This image is not on this computer any more.',
  unread: 'This image could not be read.',
  broken: 'This image is damaged or too large to show.',
  tryAgain: 'Try again',
};
