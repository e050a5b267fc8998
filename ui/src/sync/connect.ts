/**
 * Keeps a mirror in step with the engine: attach first, then ask for what is in sight, then apply what came meanwhile. The
 * cards that are out of sight follow in pages, between frames, so that thousands of them hold up nobody.
 *
 * A gap mark means that pushes were left out because this window was slow: the same again, without attaching anew.
 */
import type { Push, TaskId } from '../bindings/nox';
import { asNoxError, type Bridge, type Stop } from '../bridge/bridge';
import type { Mirror } from './mirror';

/** Cards in a page: some milliseconds of the page's time. */
const PAGE = 400;

/** Begins; the answer ends it. Failures stand in `mirror.link`; call it again to try again. */
export function connect(bridge: Bridge, mirror: Mirror): Stop {
  let stopped = false;
  let early: Push[] | null = [];
  let stop: Stop = () => undefined;
  let round = 0;

  const load = async () => {
    const first = await bridge.firstLook({});
    if (stopped) return;
    const { snapshot } = first;
    mirror.fill(first);
    round += 1;
    if (!first.is_whole) loadRest(round).catch(fail);
    const waiting = early ?? [];
    early = null;
    for (const [index, push] of waiting.entries()) {
      if (push.push === 'gap') {
        early = waiting.slice(index + 1);
        await load();
        return;
      }
      if (push.push !== 'changed' || push.seq > snapshot.cursor.seq) mirror.apply(push);
      else mirror.pending.applied(mirror.seq, push.command);
    }
    mirror.setLink({ state: 'ready' });
  };

  /** The other cards, until a newer first look begins anew. */
  const loadRest = async (mine: number) => {
    let after: TaskId | null = null;
    do {
      await frame();
      const page = await bridge.readCards({ after, limit: PAGE });
      if (stopped || mine !== round) return;
      mirror.addCards(page.cards);
      after = page.next;
    } while (after);
    mirror.isWhole();
  };

  const fail = (thrown: unknown) => {
    if (!stopped) mirror.setLink({ state: 'failed', error: asNoxError(thrown) });
  };

  const onPush = (push: Push) => {
    if (stopped) return;
    if (early) {
      early.push(push);
    } else if (push.push === 'gap') {
      early = [];
      load()
        .then(() => mirror.reopenConversations())
        .catch(fail);
    } else {
      mirror.apply(push);
    }
  };

  const begin = async () => {
    mirror.setLink({ state: 'connecting' });
    stop = await bridge.subscribe(onPush);
    if (stopped) stop();
    else await load();
  };
  begin().catch(fail);

  return () => {
    stopped = true;
    stop();
  };
}

/** Lets the page draw and hear keys before more is taken in. A hidden page gets no frames. */
function frame(): Promise<void> {
  return new Promise((go) => {
    if (document.hidden) setTimeout(go, 20);
    else requestAnimationFrame(() => setTimeout(go, 0));
  });
}
