// F6 walks over the panes that are in sight: the places, then each `data-pane` of the place, then from the beginning.

const FOCUSABLE =
  'a[href], button:not([disabled]), input:not([disabled]), textarea:not([disabled]), select:not([disabled]), [tabindex="0"]';

export function nextPane(step: 1 | -1): void {
  const panes = [...document.querySelectorAll<HTMLElement>('[data-pane]')].filter(isSeen);
  const main = document.querySelector<HTMLElement>('main');
  if (main && !panes.some((pane) => main.contains(pane))) panes.push(main);
  const here = panes.findIndex((pane) => pane.contains(document.activeElement));
  const to = here < 0 && step < 0 ? panes.length - 1 : (here + step + panes.length) % Math.max(1, panes.length);
  const pane = panes[to];
  if (!pane) return;
  // Where the selection is, else the first thing that takes the focus, else the pane itself.
  const target =
    pane.querySelector<HTMLElement>('[aria-current="page"], [role="listbox"][tabindex="0"]') ??
    pane.querySelector<HTMLElement>(FOCUSABLE) ??
    pane;
  target.focus();
}

function isSeen(element: HTMLElement): boolean {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.height > 0;
}
