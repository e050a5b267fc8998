import { act, fireEvent, screen } from '@testing-library/react';
import { describe, expect, test } from 'vitest';
import { renderThemed } from '@/test/render';
import { Terminal, type TerminalLine, type TerminalSource } from './Terminal';

class Lines implements TerminalSource {
  lines: TerminalLine[] = [];
  version = 0;
  dropped = 0;
  #listeners = new Set<() => void>();
  subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
  add(...texts: string[]) {
    for (const text of texts) this.lines.push({ number: this.dropped + this.lines.length, text });
    this.tell();
  }
  drop(count: number) {
    this.lines.splice(0, count);
    this.dropped += count;
    this.tell();
  }
  tell() {
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

/** jsdom lays nothing out: these are the measures of a box that shows `shown` lines of 18 px. */
function give(box: HTMLElement, source: Lines, shown: number) {
  Object.defineProperty(box, 'clientHeight', { configurable: true, value: shown * 18 });
  Object.defineProperty(box, 'scrollHeight', { configurable: true, get: () => source.lines.length * 18 });
}

describe('Terminal', () => {
  test('draws only what is in sight of many lines', () => {
    const source = new Lines();
    source.add(...Array.from({ length: 10_000 }, (_, index) => `line ${index}`));
    renderThemed(<Terminal source={source} height={4} />);
    const box = screen.getByRole('group', { name: 'Output' });
    give(box, source, 4);
    act(() => source.tell());
    expect(box.scrollTop).toBe(10_000 * 18);
    fireEvent.scroll(box, { target: { scrollTop: 5000 * 18 } });
    expect(box.textContent).toContain('line 5000');
    expect(box.querySelectorAll('pre > div').length).toBeLessThan(60);
  });

  test('stays where it is when somebody scrolled up, and says how much is new', () => {
    const source = new Lines();
    source.add(...Array.from({ length: 100 }, (_, index) => `line ${index}`));
    renderThemed(<Terminal source={source} height={4} />);
    const box = screen.getByRole('group', { name: 'Output' });
    give(box, source, 4);
    act(() => source.tell());
    fireEvent.scroll(box, { target: { scrollTop: 0 } });
    act(() => source.add('a', 'b', 'c'));
    expect(box.scrollTop).toBe(0);
    fireEvent.click(screen.getByRole('button', { name: '3 new' }));
    expect(box.scrollTop).toBe(103 * 18);
    fireEvent.scroll(box, { target: { scrollTop: 99 * 18 } });
    expect(screen.queryByRole('button')).toBeNull();
  });

  test('keeps colours right after the first lines were dropped', () => {
    const source = new Lines();
    source.add('\u001b[31mred begins', 'goes on', 'ends\u001b[0m', 'plain');
    const { container } = renderThemed(<Terminal source={source} height={4} />);
    act(() => source.drop(1));
    const looks = [...container.querySelectorAll('pre > div > span')].map((span) => [span.textContent, span.className]);
    expect(looks).toEqual([
      ['goes on', 'red'],
      ['ends', 'red'],
      ['plain', ''],
    ]);
    expect(screen.getByText('1 earlier lines are in the file only')).toBeTruthy();
  });
});
