/**
 * Gives components the bridge and the mirror, and keeps the two connected while the window is there.
 */
import { createContext, type ReactNode, useContext, useEffect, useMemo } from 'react';
import type { Bridge, Stop } from '../bridge/bridge';
import { connect } from './connect';
import { Mirror } from './mirror';

export interface Nox {
  bridge: Bridge;
  mirror: Mirror;
  /** Connects again after `mirror.link` says that it failed. */
  reconnect: () => void;
}

const Context = createContext<Nox | null>(null);

export function NoxProvider({ bridge, children }: { bridge: Bridge; children: ReactNode }) {
  const link = useMemo(() => {
    const mirror = new Mirror();
    let stop: Stop = () => undefined;
    const reconnect = () => {
      stop();
      stop = connect(bridge, mirror);
    };
    return { nox: { bridge, mirror, reconnect }, end: () => stop() };
  }, [bridge]);
  useEffect(() => {
    link.nox.reconnect();
    return link.end;
  }, [link]);
  return <Context.Provider value={link.nox}>{children}</Context.Provider>;
}

export function useNox(): Nox {
  const nox = useContext(Context);
  if (!nox) throw new Error('useNox is called outside of NoxProvider');
  return nox;
}
