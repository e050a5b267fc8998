// jsdom draws nothing: everything stands at the same point and is of no size. Here the page has a layout, so that lists draw
// their rows and a menu finds the button that it belongs to in sight.
import { vi } from 'vitest';

/** An entry of a list that draws only what is in sight. */
const ENTRY_HEIGHT = 96;
const WIDTH = 700;

/** For one test: the log is so high, and every entry is taken for as high as it is guessed. */
export function layOut(height: number): void {
  const prototype = HTMLElement.prototype;
  vi.spyOn(prototype, 'offsetHeight', 'get').mockImplementation(function (this: HTMLElement) {
    return this.dataset.index === undefined ? height : ENTRY_HEIGHT;
  });
  vi.spyOn(prototype, 'offsetWidth', 'get').mockReturnValue(WIDTH);
  vi.spyOn(prototype, 'clientHeight', 'get').mockReturnValue(height);
  vi.spyOn(prototype, 'clientWidth', 'get').mockReturnValue(WIDTH);
  // What has no size counts as out of sight, and what floats beside it is hidden as soon as its place was computed.
  vi.spyOn(prototype, 'getBoundingClientRect').mockReturnValue(new DOMRect(0, 0, 96, 24));
}
