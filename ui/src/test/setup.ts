// Before every test file: what jsdom lacks and Mantine or our own parts ask the browser for.
import { cleanup, configure } from '@testing-library/react';
import { afterEach } from 'vitest';

afterEach(cleanup);

// A safety net, no pace: what is waited for may take seconds where two cores do other work as well.
configure({ asyncUtilTimeout: 15_000 });

window.matchMedia ??= (query: string) =>
  ({
    matches: false,
    media: query,
    onchange: null,
    addEventListener: () => undefined,
    removeEventListener: () => undefined,
    addListener: () => undefined,
    removeListener: () => undefined,
    dispatchEvent: () => false,
  }) as MediaQueryList;

class NoResizeObserver implements ResizeObserver {
  observe() {}
  unobserve() {}
  disconnect() {}
}

globalThis.ResizeObserver ??= NoResizeObserver;
Element.prototype.scrollIntoView ??= () => undefined;
// Text areas that grow with their text measure again when a font arrives.
if (!('fonts' in document)) Object.defineProperty(document, 'fonts', { value: new EventTarget() });
