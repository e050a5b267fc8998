import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { fireEvent, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import type { Image, ImageBytes } from '@/bindings/nox';
import { NoxError } from '@/bridge/bridge';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import { Images } from './Images';

const image = (number: number, given: Partial<Image> = {}): Image => ({
  sha256: String(number).padStart(64, '0'),
  kind: 'png',
  size_bytes: 2048,
  width: 640,
  height: 480,
  name: `picture ${number}.png`,
  ...given,
});

const BYTES: ImageBytes = { kind: 'png', base64: 'AAAA' };
const gone = new NoxError({ code: 'not_found', message: 'There is no such image.', hint: null, field: null });

function show(images: readonly Image[], read: (image: Image) => Promise<ImageBytes>) {
  return renderThemed(
    <QueryClientProvider client={new QueryClient()}>
      <Images images={images} place="itm_1" read={read} />
    </QueryClientProvider>,
  );
}

/** The page of these tests reads no images: it is said here what its head told. */
function loads(picture: HTMLElement, width: number, height: number) {
  Object.defineProperties(picture, { naturalWidth: { value: width }, naturalHeight: { value: height } });
  fireEvent.load(picture);
}

describe('images', () => {
  it('are shown small with their name and size, open large by key, and give the focus back', async () => {
    const read = vi.fn(async () => BYTES);
    const { baseElement } = show([image(1)], read);
    const name = 'Open image picture 1.png (PNG, 640 × 480, 2.0 KB)';
    const thumbnail = await screen.findByRole('button', { name });
    const picture = await waitFor(() => within(thumbnail).getByRole('presentation', { hidden: true }));
    expect(picture.getAttribute('src')).toBe('data:image/png;base64,AAAA');
    loads(picture, 640, 480);
    expect(picture.className).toBe('');
    const user = userEvent.setup();
    thumbnail.focus();
    await user.keyboard('{Enter}');
    const dialog = await screen.findByRole('dialog', { name: 'picture 1.png' });
    loads(within(dialog).getByRole('img', { name: 'picture 1.png' }), 640, 480);
    within(dialog).getByText('PNG, 640 × 480, 2.0 KB');
    expect(read).toHaveBeenCalledTimes(1);
    expect(await faultsOf(baseElement)).toEqual([]);
    await user.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await waitFor(() => expect(document.activeElement).toBe(thumbnail));
  });

  it('that are not there any more say so, and the others are shown', async () => {
    show([image(1), image(2)], async ({ name }) => {
      if (name.includes('1')) throw gone;
      return BYTES;
    });
    await screen.findByText('This image is not on this computer any more.');
    screen.getByText('picture 1.png');
    expect(screen.queryByRole('button', { name: 'Try again' })).toBeNull();
    await screen.findByRole('button', { name: /picture 2.png/ });
  });

  it('that could not be read are read again when a person says so', async () => {
    const busy = new NoxError({ code: 'overloaded', message: 'Too much is asked.', hint: null, field: null });
    const read = vi.fn().mockRejectedValueOnce(busy).mockResolvedValue(BYTES);
    show([image(1)], read);
    await screen.findByText('This image could not be read. Too much is asked.');
    await userEvent.setup().click(screen.getByRole('button', { name: 'Try again' }));
    await screen.findByRole('button', { name: /picture 1.png/ });
  });

  it('are not painted when they are damaged, or far larger than it was said', async () => {
    show([image(1), image(2, { kind: 'gif', width: 1, height: 1 })], async () => BYTES);
    const [damaged, large] = await waitFor(() => {
      const found = screen.getAllByRole('presentation', { hidden: true });
      expect(found).toHaveLength(2);
      return found;
    });
    expect(large?.className).not.toBe('');
    fireEvent.error(damaged as HTMLElement);
    loads(large as HTMLElement, 65_535, 65_535);
    expect(screen.getAllByText('This image is damaged or too large to show.')).toHaveLength(2);
    expect(screen.queryByRole('presentation', { hidden: true })).toBeNull();
  });
});
