// Where the page begins. The engine is asked first; while it answers, the page loads what draws, and its font: a first
// layout without it would look up every font of the fallback in every size, which takes a fifth of a second, and then jump.
import './fonts.css';
import { chooseBridge } from '@/bridge/choose';
import { linkOver } from '@/sync/link';

/** A font that does not come holds up nobody for longer, in milliseconds. */
const FONT_LIMIT_MS = 300;

const font = Promise.race([
  document.fonts.load('1em "Inter Variable"').catch(() => undefined),
  new Promise((go) => setTimeout(go, FONT_LIMIT_MS)),
]);
const drawing = import('./main');
const bridge = await chooseBridge();
linkOver(bridge).begin();
const { draw } = await drawing;
await font;
draw(bridge);
