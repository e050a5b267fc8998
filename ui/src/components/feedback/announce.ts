// What screen readers are told without moving the focus: approvals and failures at once, finished work politely,
// streamed text never.

export type Urgency = 'polite' | 'assertive';

const regions: Partial<Record<Urgency, HTMLElement>> = {};

/** Says the text once. The same text twice is said twice. */
export function announce(text: string, urgency: Urgency = 'polite'): void {
  prepareAnnouncements();
  const line = document.createElement('p');
  line.textContent = text;
  regions[urgency]?.append(line);
  // Kept long enough to be read out, then removed, so that nobody walks into it with the reading cursor.
  setTimeout(() => line.remove(), 10_000);
}

/** Both regions must be in the page before the first text, or readers miss it. */
export function prepareAnnouncements(): void {
  regions.polite ??= makeRegion('polite');
  regions.assertive ??= makeRegion('assertive');
}

function makeRegion(urgency: Urgency): HTMLElement {
  const region = document.createElement('div');
  region.className = 'visually-hidden';
  region.setAttribute('aria-live', urgency);
  region.setAttribute('aria-atomic', 'false');
  region.dataset.announcements = urgency;
  document.body.append(region);
  return region;
}
