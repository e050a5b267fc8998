/**
 * The bridge of the app: Tauri's commands, one channel for pushes, native drops, dialogs and the opener.
 *
 * With `../bindings`, the only importer of `@tauri-apps`. The messages of the channel are counted from 1, and each is
 * acknowledged by its number after it was taken in, so that the engine knows how far behind this window is.
 */
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';
import type { Push } from '../bindings/nox';
import { asNoxError, type Bridge, COMMANDS, type DesktopDrag, type Done, QUERIES, type ShellSays } from './bridge';
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
      let taken = 0;
      const pushes = new Channel<Push | Push[]>();
      pushes.onmessage = (batch) => {
        if (listening) {
          for (const push of Array.isArray(batch) ? batch : [batch]) onPush(push);
        }
        taken += 1;
        // A lost acknowledgement only makes the engine more careful; there is nothing to tell anybody.
        void invoke('acknowledge', { batches: taken }).catch(() => undefined);
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
    onShell(listener) {
      let listening = true;
      const say = (says: ShellSays) => {
        if (listening) listener(says);
      };
      const unlisten = listen<ShellSays>('shell-event', ({ payload }) => say(payload));
      // What was said while the page was being loaded waits until it is asked for.
      void unlisten
        .then(() => invoke<ShellSays[]>('page_listens'))
        .then((missed) => missed.forEach(say))
        .catch((thrown) => console.error(thrown));
      return () => {
        listening = false;
        void unlisten.then((stop) => stop());
      };
    },
    quitQuestionShown: () => call('quit_question_shown', {}),
    answerQuit: (leaves) => call('answer_quit', { leaves }),
    openExternal: (link) => call('open_link', { link }),
    openPath: (path) => call('open_file', { path }),
    revealPath: (path) => call('show_path', { path }),
  };
}
