/**
 * The bridge of the app: Tauri's commands, one channel for pushes, native drops and dialogs.
 *
 * With `../bindings`, the only importer of `@tauri-apps`. Each batch of the channel is acknowledged by its number
 * after it was taken in, so that the engine knows how far behind this window is.
 */
import { Channel } from '@tauri-apps/api/core';
import { getCurrentWebview } from '@tauri-apps/api/webview';
import { open } from '@tauri-apps/plugin-dialog';
import { type ApiError, type Batch, type CommandId, commands, events, type Recorded } from '../bindings/nox';
import { asNoxError, type Bridge, COMMANDS, type DesktopDrag, type Done, QUERIES, type ShellSays } from './bridge';
import { newCommandId } from './ids';

type Answer<T> = { status: 'ok'; data: T } | { status: 'error'; error: ApiError };

/** What was answered; every failure, ours or Tauri's own, is thrown as a `NoxError`. */
async function answered<T>(answer: Promise<Answer<T>>): Promise<T> {
  const result = await answer.catch((thrown) => Promise.reject(asNoxError(thrown)));
  if (result.status === 'error') throw asNoxError(result.error);
  return result.data;
}

/** The same for commands that cannot be refused. */
async function done(answer: Promise<unknown>): Promise<void> {
  await answer.catch((thrown) => Promise.reject(asNoxError(thrown)));
}

type AnyCommand = (command: CommandId, input: unknown) => Promise<Answer<Recorded>>;
type AnyQuery = (input: unknown) => Promise<Answer<unknown>>;

/** One method per operation; that inputs and answers fit is held by the types of the bridge and the bindings. */
function operations() {
  const methods: Record<string, unknown> = {};
  for (const name of COMMANDS) {
    const send = commands[name] as AnyCommand;
    methods[name] = async (input: unknown, command = newCommandId()): Promise<Done> => ({
      ...(await answered(send(command, input))),
      command,
    });
  }
  for (const name of QUERIES) {
    const ask = commands[name] as AnyQuery;
    methods[name] = (input: unknown) => answered(ask(input));
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
      const pushes = new Channel<Batch>();
      pushes.onmessage = (batch) => {
        if (listening) batch.pushes.forEach(onPush);
        // A lost acknowledgement only makes the engine more careful; there is nothing to tell anybody.
        void commands.acknowledge(batch.number).catch(() => undefined);
      };
      await answered(commands.subscribe(pushes));
      return () => {
        listening = false;
      };
    },
    watch: (session, on) => done(commands.watch(session, on)),
    reportUsable: () => done(commands.reportUsable()),
    chooseExport: (title, format) => answered(commands.chooseExport(title, format)),
    chooseImport: () => answered(commands.chooseImport()),
    copiedFiles: () => commands.copiedFiles().catch((thrown) => Promise.reject(asNoxError(thrown))),
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
      const unlisten = events.shellEvent.listen(({ payload }) => say(payload));
      // What was said while the page was being loaded waits until it is asked for.
      void unlisten
        .then(() => commands.pageListens())
        .then((missed) => missed.forEach(say))
        .catch((thrown) => console.error(thrown));
      return () => {
        listening = false;
        void unlisten.then((stop) => stop());
      };
    },
    desktopStatus: () => commands.desktopStatus().catch((thrown) => Promise.reject(asNoxError(thrown))),
    quitQuestionShown: () => done(commands.quitQuestionShown()),
    answerQuit: (leaves) => done(commands.answerQuit(leaves)),
    openExternal: async (link) => void (await answered(commands.openLink(link))),
    openPath: async (path) => void (await answered(commands.openPath(path))),
    revealPath: async (path) => void (await answered(commands.revealPath(path))),
  };
}
