/**
 * Which bridge this page has: the app's inside a Tauri window, else the fake one (`?fake=full|empty|problems|lives|big`).
 *
 * The app's is in the first chunk, since nothing can be asked without it; the fake one is loaded only when it is needed.
 */
import type { Bridge } from './bridge';
import { tauriBridge } from './tauri';

export async function chooseBridge(): Promise<Bridge> {
  if ('__TAURI_INTERNALS__' in window) return tauriBridge();
  const { fakeBridge, sampleNamed } = await import('./fake/fake');
  return fakeBridge(sampleNamed(new URLSearchParams(window.location.search).get('fake')));
}
