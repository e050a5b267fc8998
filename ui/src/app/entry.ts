// Where the page begins. The engine is asked first; while it answers, the page loads what draws.
import { chooseBridge } from '@/bridge/choose';
import { linkOver } from '@/sync/link';

const drawing = import('./main');
const bridge = await chooseBridge();
linkOver(bridge).begin();
(await drawing).draw(bridge);
