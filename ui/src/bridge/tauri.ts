/**
 * The bridge of the app: Tauri's commands, one channel for pushes, native drops, dialogs and the opener.
 *
 * With `../bindings`, the only importer of `@tauri-apps`. Each batch of the channel is acknowledged after it was taken
 * in, so that the engine knows how far behind this window is.
 */
import { Channel, invoke } from '@tauri-apps/api/core';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';
import { openPath, openUrl, revealItemInDir } from '@tauri-apps/plugin-opener';
import type { Push } from '../bindings/nox';
import { asNoxError, type Bridge, COMMANDS, type DesktopDrag, type Done, QUERIES } from './bridge';
import { newCommandId } from './ids';

async function call<T>(operation: string, input: Record<string, unknown>): Promise<T> {
  try {
    return await invoke<T>(
      operation.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      input,
    );
  } catch (thrown) {
    throw asNoxError(thrown);
  }
}

function operations() {
  const methods: Record<string, unknown> = {};
  for (const name of COMMANDS) {
    methods[name] = async (input: unknown, command = newCommandId()): Promise<Done> => ({
      ...(await call<Done>(name, { command, input })),
      command,
    });
  }
  for (const name of QUERIES) {
    methods[name] = (input: unknown) => call(name, { input });
  }
  return methods as unknown as Pick<Bridge, (typeof COMMANDS)[number] | (typeof QUERIES)[number]>;
}

function cssPosition(position: { x: number; y: number }) {
  return { x: position.x / window.devicePixelRatio, y: position.y / window.devicePixelRatio };
}

export function tauriBridge(): Bridge {
  return {
    kind: 'tauri',
    ...operations(),
    async subscribe(onPush) {
      let listening = true;
      const pushes = new Channel<Push | Push[]>();
      pushes.onmessage = (batch) => {
        if (listening) {
          for (const push of Array.isArray(batch) ? batch : [batch]) onPush(push);
        }
        // A lost acknowledgement only makes the engine more careful; there is nothing to tell anybody.
        void invoke('acknowledge', { batches: 1 }).catch(() => undefined);
      };
      await call('subscribe', { pushes });
      return () => {
        listening = false;
      };
    },
    watch: (session, on) => call('watch', { session, on }),
    pickFolder: () => open({ directory: true, multiple: false }),
    onDesktopDrop(listener) {
      const unlisten = getCurrentWebview().onDragDropEvent(({ payload }) => {
        const drag: DesktopDrag =
          payload.type === 'leave' ? { type: 'leave' } : { ...payload, ...cssPosition(payload.position) };
        listener(drag);
      });
      return () => void unlisten.then((stop) => stop());
    },
    openExternal: (url) => openUrl(url).catch((thrown) => Promise.reject(asNoxError(thrown))),
    openPath: (path) => openPath(path).catch((thrown) => Promise.reject(asNoxError(thrown))),
    revealPath: (path) => revealItemInDir(path).catch((thrown) => Promise.reject(asNoxError(thrown))),
  };
}
