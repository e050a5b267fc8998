// Sessions leave as files and come back. The desktop asks where, says nothing to the page but the chosen file, and takes no
// other. While it takes long a message stays, and its end says where the file is.
import { useMemo, useState } from 'react';
import { navigate } from '@/app/location';
import { routes } from '@/app/routes';
import { asNoxError, type Bridge } from '@/bridge/bridge';
import { toast } from '@/components/feedback/toasts';
import { sizeText } from '@/components/words';
import { type Act, useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useDesktop } from '@/sync/desktop';
import type { ExportFormat, SessionRow } from '../../bindings/nox';
import { EXPORT, IMPORT } from './text';

/** The last part of a path, of any system. */
function fileName(path: string): string {
  return path.split(/[/\\]/).at(-1) || path;
}

function failed(text: string, thrown: unknown): void {
  const { message, hint } = asNoxError(thrown);
  toast({ text, detail: hint ? `${message}. ${hint}` : message, sign: 'failed' });
}

export interface Export {
  /** One is being written. */
  pending: boolean;
  run: (format: ExportFormat) => void;
}

export function useExport(row: SessionRow): Export {
  const { bridge } = useNox();
  const desktop = useDesktop();
  const [pending, setPending] = useState(false);
  const run = async (format: ExportFormat) => {
    let close = () => {};
    setPending(true);
    try {
      const path = await bridge.chooseExport(row.title, format);
      if (path === null) return;
      close = toast({ text: EXPORT.runs(row.title), detail: fileName(path), sign: 'running' });
      // The dialog has asked whether a file that is there may be replaced.
      const done = await bridge.exportSession({ session: row.id, format, path, overwrite: true });
      toast({
        text: EXPORT.done(row.title),
        detail: EXPORT.figures(fileName(done.path), sizeText(done.bytes), done.pruned),
        action: { label: EXPORT.show, run: () => desktop.revealPath(done.path) },
      });
    } catch (thrown) {
      failed(EXPORT.failed(row.title), thrown);
    } finally {
      close();
      setPending(false);
    }
  };
  return { pending, run: (format) => void run(format) };
}

/** Asks for a file and imports the session in it; then it is shown. */
export function useImport(): () => void {
  const { bridge } = useNox();
  const act = useAct();
  return useMemo(() => () => void importOne(bridge, act), [bridge, act]);
}

async function importOne(bridge: Bridge, act: Act): Promise<void> {
  let close = () => {};
  let name = '';
  try {
    const path = await bridge.chooseImport();
    if (path === null) return;
    name = fileName(path);
    close = toast({ text: IMPORT.runs(name), sign: 'running' });
    const { session, undo, command } = await bridge.importSession({ path });
    toast({
      text: IMPORT.done(name),
      detail: IMPORT.readOnly,
      undo: undo ? () => void act('undo', { command }) : undefined,
    });
    if (session) navigate(routes.session(session));
  } catch (thrown) {
    failed(IMPORT.failed(name), thrown);
  } finally {
    close();
  }
}
