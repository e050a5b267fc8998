/**
 * Gives components the bridge and the mirror, and keeps the two connected while the window is there.
 */
import { createContext, type ReactNode, useContext, useLayoutEffect } from 'react';
import type { Bridge } from '../bridge/bridge';
import { linkOver, type Nox } from './link';

const Context = createContext<Nox | null>(null);

export function NoxProvider({ bridge, children }: { bridge: Bridge; children: ReactNode }) {
  const link = linkOver(bridge);
  useLayoutEffect(() => {
    link.begin();
    return link.end;
  }, [link]);
  return <Context.Provider value={link.nox}>{children}</Context.Provider>;
}

export function useNox(): Nox {
  const nox = useContext(Context);
  if (!nox) throw new Error('useNox is called outside of NoxProvider');
  return nox;
}
