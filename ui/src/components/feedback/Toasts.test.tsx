import { act, fireEvent, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import { keepClear } from '../layout/lowerBars';
import { Toasts } from './Toasts';
import { forgetToasts, LET_GO_MS, toast, undoLast } from './toasts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  act(forgetToasts);
  vi.useRealTimers();
});

describe('Toasts', () => {
  test('what succeeded goes after eight seconds, what failed stays', () => {
    renderThemed(<Toasts />);
    act(() => {
      toast({ text: 'Task deleted' });
      toast({ text: 'Not saved: the disk is full', sign: 'failed' });
    });
    act(() => vi.advanceTimersByTime(8000));
    expect(screen.queryAllByRole('button', { name: 'Close' })).toHaveLength(1);
    expect(document.querySelector('section')?.textContent).toContain('the disk is full');
  });

  test('it stays while it is pointed at or has the focus', () => {
    renderThemed(<Toasts />);
    act(() => {
      toast({ text: 'Task deleted', undo: vi.fn() });
    });
    const undo = screen.getByRole('button', { name: 'Undo' });
    act(() => undo.focus());
    act(() => vi.advanceTimersByTime(60_000));
    expect(screen.queryByRole('button', { name: 'Undo' })).not.toBeNull();
    // From one of its buttons to the next is not away from it.
    act(() => screen.getByRole('button', { name: 'Close' }).focus());
    act(() => vi.advanceTimersByTime(60_000));
    expect(screen.queryByRole('button', { name: 'Undo' })).not.toBeNull();
    act(() => screen.getByRole('button', { name: 'Close' }).blur());
    act(() => vi.advanceTimersByTime(LET_GO_MS));
    act(() => vi.advanceTimersByTime(8000));
    expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  });

  test('what is pointed at stays where it is: others go later, and a new one comes on top', () => {
    renderThemed(<Toasts />);
    const texts = () => [...document.querySelectorAll('section p')].map((each) => each.textContent);
    let over = () => {};
    act(() => {
      over = toast({ text: 'Works', sign: 'running' });
      for (const text of ['One', 'Two', 'Three']) toast({ text });
    });
    expect(texts()).toEqual(['Three', 'Two', 'One', 'Works']);
    const two = screen.getByTitle('Two').parentElement?.parentElement as HTMLElement;
    fireEvent.pointerEnter(two);
    act(() => {
      toast({ text: 'Four' });
      over();
      vi.advanceTimersByTime(60_000);
    });
    expect(texts()).toEqual(['Four', 'Three', 'Two', 'One', 'Works']);
    // On its way to the next one the pointer is nowhere for a moment.
    fireEvent.pointerLeave(two);
    const three = screen.getByTitle('Three').parentElement?.parentElement as HTMLElement;
    fireEvent.pointerEnter(three);
    act(() => vi.advanceTimersByTime(LET_GO_MS));
    expect(texts()).toEqual(['Four', 'Three', 'Two', 'One', 'Works']);
    fireEvent.pointerLeave(three);
    act(() => vi.advanceTimersByTime(LET_GO_MS));
    expect(texts()).toEqual(['Four', 'Three', 'Two', 'One']);
    // One that is closed under the pointer holds the others no longer.
    fireEvent.pointerEnter(two);
    fireEvent.click(within(two).getByRole('button', { name: 'Close' }));
    act(() => vi.advanceTimersByTime(8000));
    expect(texts()).toEqual([]);
  });

  test('they do not pile up above one that is pointed at, and what is below it stays', () => {
    renderThemed(<Toasts />);
    const texts = () => [...document.querySelectorAll('section p')].map((each) => each.textContent);
    act(() => {
      toast({ text: 'Below' });
      toast({ text: 'Pointed at' });
    });
    fireEvent.pointerEnter(screen.getByTitle('Pointed at').parentElement?.parentElement as HTMLElement);
    act(() => {
      toast({ text: 'Failed', sign: 'failed' });
      for (let n = 1; n <= 20; n += 1) toast({ text: `Message ${n}` });
    });
    expect(texts()).toEqual([
      'Message 20',
      'Message 19',
      'Message 18',
      'Message 17',
      'Message 16',
      'Failed',
      'Pointed at',
      'Below',
    ]);
  });

  test('Undo is done once, by its button or by the key, the newest first, also after the message is gone', () => {
    renderThemed(<Toasts />);
    const [first, second] = [vi.fn(), vi.fn()];
    act(() => {
      toast({ text: 'One', undo: first });
      toast({ text: 'Two', undo: second });
    });
    const [newest] = screen.getAllByRole('button', { name: 'Undo' });
    if (newest) fireEvent.click(newest);
    expect(second).toHaveBeenCalledOnce();
    act(() => vi.advanceTimersByTime(8000));
    act(() => {
      expect(undoLast()).toBe(true);
      expect(undoLast()).toBe(false);
    });
    expect(first).toHaveBeenCalledOnce();
  });

  test('they stand above the bars at the lower edge, as long as there is one', () => {
    const bar = document.createElement('div');
    bar.getBoundingClientRect = () => ({ top: window.innerHeight - 52, height: 52 }) as DOMRect;
    const folded = document.createElement('div');
    folded.getBoundingClientRect = () => ({ top: 0, height: 0 }) as DOMRect;
    const length = () => document.documentElement.style.getPropertyValue('--lower-bar');
    const forget = [keepClear(folded), keepClear(bar)];
    expect(length()).toBe('52px');
    for (const each of forget) each?.();
    expect(length()).toBe('0px');
  });

  test('a long command stands in two lines, with the whole of it in the title', () => {
    renderThemed(<Toasts />);
    const text = `Backend asks: ${'rm -r very/long/path '.repeat(40)}`;
    act(() => {
      toast({ text, detail: 'A task' });
    });
    const words = screen.getByTitle(text, { normalizer: (title) => title });
    expect(words.textContent).toBe(text);
  });

  test('is announced, a failure at once', async () => {
    const { container } = renderThemed(<Toasts />);
    act(() => {
      toast({ text: 'Not saved', sign: 'failed' });
    });
    expect(document.querySelector('[aria-live="assertive"]')?.textContent).toContain('Not saved');
    vi.useRealTimers();
    expect(await faultsOf(container)).toEqual([]);
  });
});
