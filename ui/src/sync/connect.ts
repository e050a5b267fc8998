/**
 * Keeps a mirror in step with the engine: attach first, then ask for the snapshot, then apply what came meanwhile.
 *
 * A gap mark means that pushes were left out because this window was slow: the same again, without attaching anew.
 */
import type { Push } from '../bindings/nox';
import { asNoxError, type Bridge, type Stop } from '../bridge/bridge';
import type { Mirror } from './mirror';

/** Begins; the answer ends it. Failures stand in `mirror.link`; call it again to try again. */
export function connect(bridge: Bridge, mirror: Mirror): Stop {
  let stopped = false;
  let early: Push[] | null = [];
  let stop: Stop = () => undefined;

  const load = async () => {
    const snapshot = await bridge.snapshot({});
    if (stopped) return;
    mirror.fill(snapshot);
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
