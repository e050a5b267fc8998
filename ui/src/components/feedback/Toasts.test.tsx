import { act, fireEvent, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import { Toasts } from './Toasts';
import { forgetToasts, toast, undoLast } from './toasts';

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
    act(() => undo.blur());
    act(() => vi.advanceTimersByTime(8000));
    expect(screen.queryByRole('button', { name: 'Undo' })).toBeNull();
  });

  test('Undo is done once, by its button or by the key, the newest first, also after the message is gone', () => {
    renderThemed(<Toasts />);
    const [first, second] = [vi.fn(), vi.fn()];
    act(() => {
      toast({ text: 'One', undo: first });
      toast({ text: 'Two', undo: second });
    });
    const [, newest] = screen.getAllByRole('button', { name: 'Undo' });
    if (newest) fireEvent.click(newest);
    expect(second).toHaveBeenCalledOnce();
    act(() => vi.advanceTimersByTime(8000));
    act(() => {
      expect(undoLast()).toBe(true);
      expect(undoLast()).toBe(false);
    });
    expect(first).toHaveBeenCalledOnce();
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
