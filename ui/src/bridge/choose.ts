/**
 * Which bridge this page has: the app's inside a Tauri window, else the fake one (`?fake=full|empty|problems|lives|big`).
 *
 * Each is loaded only when it is needed, so that the app never carries the fake one's code in its first chunk.
 */
import type { Bridge } from './bridge';

export async function chooseBridge(): Promise<Bridge> {
  if ('__TAURI_INTERNALS__' in window) {
    const { tauriBridge } = await import('./tauri');
    return tauriBridge();
  }
  const { fakeBridge, sampleNamed } = await import('./fake/fake');
  return fakeBridge(sampleNamed(new URLSearchParams(window.location.search).get('fake')));
}
