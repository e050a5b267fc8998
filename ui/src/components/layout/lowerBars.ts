// Bars along the lower edge of the window: answers, agents. Messages stand above them, never on them.
//
// A bar gives `keepClear` as its ref; how high the highest of them reaches is a length on the root element, which the
// style of the messages adds to its own distance.

const LENGTH = '--lower-bar';

const bars = new Set<HTMLElement>();

/** Pixels from the lower edge of the window to the upper edge of the highest bar that is drawn. */
function height(): number {
  let highest = 0;
  for (const bar of bars) {
    const { top, height: own } = bar.getBoundingClientRect();
    // One that is folded away in a narrow window has no size.
    if (own > 0) highest = Math.max(highest, window.innerHeight - top);
  }
  return Math.ceil(highest);
}

function measure(): void {
  const root = document.documentElement.style;
  const next = `${height()}px`;
  if (root.getPropertyValue(LENGTH) !== next) root.setProperty(LENGTH, next);
}

/** For the `ref` of a bar that stands at the lower edge as long as it is there. */
export function keepClear(bar: HTMLElement | null): (() => void) | undefined {
  if (!bar) return undefined;
  bars.add(bar);
  const sizes = new ResizeObserver(measure);
  sizes.observe(bar);
  measure();
  return () => {
    sizes.disconnect();
    bars.delete(bar);
    measure();
  };
}
