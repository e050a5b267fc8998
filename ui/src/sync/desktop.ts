/**
 * Opens files and addresses outside of the window; that it did not work is told, since nothing else would show it.
 */
import { useMemo } from 'react';
import { asNoxError, type Bridge } from '../bridge/bridge';
import { toast } from '../components/feedback/toasts';
import { useNox } from './context';

export type Desktop = { [Name in 'openPath' | 'revealPath' | 'openExternal']: (what: string) => void };

export function useDesktop(): Desktop {
  const { bridge } = useNox();
  return useMemo(() => desktopOf(bridge), [bridge]);
}

function desktopOf(bridge: Bridge): Desktop {
  const telling = (open: (what: string) => Promise<void>) => (what: string) => {
    open(what).catch((thrown: unknown) => {
      const { message, hint } = asNoxError(thrown);
      toast({ text: message, detail: hint ?? what, sign: 'failed' });
    });
  };
  return {
    openPath: telling((path) => bridge.openPath(path)),
    revealPath: telling((path) => bridge.revealPath(path)),
    openExternal: telling((url) => bridge.openExternal(url)),
  };
}
