import { act, fireEvent, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { NoxError } from '@/bridge/bridge';
import { faultsOf } from '@/test/axe';
import { inFreshWindow, open, pane } from '@/test/lives';

inFreshWindow();

const PNG = Uint8Array.from(
  atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='),
  (letter) => letter.charCodeAt(0),
);

const png = (name: string, more = 0) => new File([PNG, new Uint8Array(more)], name, { type: 'image/png' });
const box = () => pane().findByRole('textbox', { name: 'Message to Docs' });
const row = async (count: number) =>
  within(
    await pane().findByRole('list', {
      name: count === 1 ? 'An image goes with this message' : `${count} images go with this message`,
    }),
  );
/** Waits until the engine has taken all of them. */
const taken = () => waitFor(() => expect(pane().queryByText('Adding…')).toBeNull());
const paste = async (...files: File[]) => pasteWith('', ...files);
/** Answers whether the words are left to the box. */
const pasteWith = async (words: string, ...files: File[]) =>
  fireEvent.paste(await box(), { clipboardData: { files, types: ['Files'], getData: () => words } });

describe('images of a message', () => {
  it('do not come from a clipboard that holds words', async () => {
    await open('Waits for a message');
    expect(await pasteWith('3 rows of a sheet', png('sheet.png'))).toBe(true);
    expect(pane().queryByText('sheet.png')).toBeNull();
    expect(await pasteWith('', png('one.png'))).toBe(false);
    await (await row(1)).findByText('one.png');
  });

  it('come from a clipboard that names nothing, as that of WebKitGTK', async () => {
    await open('Waits for a message');
    const writing = await box();
    const nothing = { files: [], types: [], getData: () => '' };
    const item = { types: ['text/html', 'image/png'], getType: async () => new Blob([PNG], { type: 'image/png' }) };
    const clipboard = { read: vi.fn(async () => [item]) };
    vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue(clipboard as unknown as Clipboard);
    fireEvent.paste(writing, { clipboardData: { ...nothing, types: ['text/html'] } });
    expect(clipboard.read).not.toHaveBeenCalled();
    let hand = (_: (typeof item)[]) => {};
    clipboard.read.mockReturnValueOnce(new Promise((resolve) => (hand = resolve)));
    fireEvent.paste(writing, { clipboardData: nothing });
    // It counts from the first moment on, so that no message goes without it.
    await pane().findByText('Adding…');
    hand([item]);
    await (await row(1)).findByText('pasted image');
    await taken();
    // Nothing at all, or not to be read: as if nothing had been pasted.
    clipboard.read.mockRejectedValueOnce(new DOMException('no', 'NotAllowedError'));
    clipboard.read.mockResolvedValueOnce([]);
    for (const calls of [2, 3]) {
      fireEvent.paste(writing, { clipboardData: nothing });
      expect(clipboard.read).toHaveBeenCalledTimes(calls);
      await row(2);
      await row(1);
    }
    vi.restoreAllMocks();
  });

  it('come from files that were copied elsewhere; others are written by their paths', async () => {
    const { bridge } = await open('Waits for a message');
    const writing = (await box()) as HTMLTextAreaElement;
    const addresses = { files: [], types: ['text/uri-list'], getData: () => '' };
    fireEvent.change(writing, { target: { value: 'Look: ' } });
    bridge.copied = ['/home/you/one two.PNG', '/home/you/notes.txt', 'https://example.org/far.png', '/home/you/b.jpeg'];
    expect(fireEvent.paste(writing, { clipboardData: addresses })).toBe(false);
    // It counts from the first moment on.
    pane().getByText('Adding…');
    await (await row(2)).findByText('one two.PNG');
    await (await row(2)).findByText('b.jpeg');
    await taken();
    await waitFor(() => expect(writing.value).toBe('Look: /home/you/notes.txt\nhttps://example.org/far.png'));
    bridge.copied = [];
    fireEvent.paste(writing, { clipboardData: addresses });
    await pane().findByText('What was copied is not there any more. Copy it once more.');
    await row(2);
  });

  it('go along when they are pasted, with words or without', async () => {
    const { bridge, id, user } = await open('Waits for a message');
    await paste(png('one.png'));
    await (await row(1)).findByText('one.png');
    await taken();
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(pane().getByRole('button', { name: 'Send' }));
    await pane().findByRole('list', { name: 'Image' });
    expect(bridge.sent.at(-1)).toMatchObject({
      name: 'promptSession',
      input: { session: id, text: '', images: [{ name: 'one.png', kind: 'png' }] },
    });
    expect(pane().queryByText('one.png', { selector: 'span' })).toBeNull();
  });

  it('are chosen, dropped, and removed by keys', async () => {
    const { bridge, id, user } = await open('Waits for a message');
    const read = vi.spyOn(bridge, 'readImage');
    const writing = await box();
    vi.spyOn(Element.prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, 800, 600));
    await user.upload(screen.getByTestId('add-pictures'), [png('one.png'), png('two.png', 3)]);
    await row(2);
    act(() => bridge.drag({ type: 'over', x: 20, y: 20 }));
    await pane().findByText('Drop images here to show them with your message');
    act(() => bridge.drag({ type: 'drop', x: 20, y: 20, paths: ['/home/you/three.png'] }));
    const list = await row(3);
    await taken();
    // Its bytes come from the engine, so that it is seen as the others are.
    expect(read).toHaveBeenCalledExactlyOnceWith({ session: id, item: null, sha256: expect.any(String) });
    expect(pane().queryByText(/^Drop images/)).toBeNull();
    const middle = list.getByRole('button', { name: 'Remove two.png' });
    middle.focus();
    await user.keyboard('{Enter}');
    await row(2);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Remove three.png');
    await user.click(writing);
    await user.keyboard('{Backspace}');
    await (await row(1)).findByText('one.png');
    await user.keyboard('{Backspace}');
    await waitFor(() => expect(pane().queryByRole('list', { name: /goes? with this message/ })).toBeNull());
    vi.restoreAllMocks();
  });

  it('stay when somebody leaves and comes back, and when the message is refused', async () => {
    const { bridge, id, user } = await open('Waits for a message');
    await paste(png('one.png'));
    await row(1);
    await taken();
    act(() => {
      window.location.hash = '#/board';
    });
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Conversation' })).toBeNull());
    act(() => {
      window.location.hash = `#/sessions/${id}`;
    });
    await screen.findByRole('heading', { name: 'Waits for a message', level: 1 });
    await row(1);
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: null, field: null }));
    await user.click(pane().getByRole('button', { name: 'Send' }));
    await pane().findByText('Not sent. What you wrote is kept here.');
    await (await row(1)).findByText('one.png');
  });

  it('say why one is not added, and what comes after is', async () => {
    await open('Waits for a message');
    await paste(new File(['only words'], 'notes.txt', { type: 'text/plain' }));
    await pane().findByText(/notes\.txt is not added: it is no image/);
    await paste(png('large.png', 3_500_000));
    await pane().findByText(/large\.png is larger than 3\.5 MB/);
    await paste(...Array.from({ length: 11 }, (_, at) => png(`${at}.png`, at)));
    await pane().findByText(/at most 10 images/);
    await row(10);
  });

  it('are refused in words where the program takes none', async () => {
    const { bridge, id } = await open('Waits for a message');
    const controls = bridge.state.controls.get(id);
    if (!controls) throw new Error('no controls');
    await act(async () => {
      bridge.state.controls.set(id, { ...controls, offers: { ...controls.offers, images: false } });
      await bridge.setSessionMode({ session: id, mode: 'plan' });
    });
    await waitFor(async () => {
      await paste(png('one.png'));
      expect(pane().queryByText(/^Its program takes no images/)).not.toBeNull();
    });
    expect(pane().queryByRole('list', { name: /with this message/ })).toBeNull();
  });

  it('are counted on what waits, and are not said into the turn', async () => {
    const { bridge, id, user } = await open('Works, two messages wait');
    await user.type(await box(), 'Look');
    await paste(png('one.png'));
    await row(1);
    await taken();
    expect(pane().getByRole('button', { name: 'Say now' })).toHaveProperty('disabled', true);
    await user.click(pane().getByRole('button', { name: 'Queue' }));
    const list = within(await screen.findByRole('region', { name: 'Messages that wait' }));
    await list.findByTitle('one.png');
    const waiting = bridge.state.controls.get(id)?.waiting ?? [];
    expect(waiting.at(-1)).toMatchObject({ text: 'Look', images: [{ name: 'one.png' }] });
    await user.click(list.getByRole('button', { name: 'Change “Look”' }));
    await user.type(list.getByRole('textbox'), ' here');
    await user.click(list.getByRole('button', { name: 'Save' }));
    await list.findByText('Look here');
    expect(bridge.state.controls.get(id)?.waiting.at(-1)).toMatchObject({ images: [{ name: 'one.png' }] });
  });
});
