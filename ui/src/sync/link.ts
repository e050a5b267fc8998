/**
 * The window's one connection: a bridge, the mirror that it feeds, and how to connect again.
 *
 * It is begun before anything is drawn (`app/entry.ts`), so that the engine answers while the page still loads its parts.
 * Nothing here knows React.
 */
import type { Bridge, Stop } from '../bridge/bridge';
import { connect } from './connect';
import { Mirror } from './mirror';

export interface Nox {
  bridge: Bridge;
  mirror: Mirror;
  /** Connects again after `mirror.link` says that it failed. */
  reconnect: () => void;
}

export interface Link {
  nox: Nox;
  /** Connects if it is not connected. */
  begin: () => void;
  end: () => void;
}

const links = new WeakMap<Bridge, Link>();

/** The connection over a bridge, the same each time it is asked for. */
export function linkOver(bridge: Bridge): Link {
  const known = links.get(bridge);
  if (known) return known;
  const mirror = new Mirror();
  let stop: Stop | null = null;
  const reconnect = () => {
    stop?.();
    stop = connect(bridge, mirror);
  };
  const link: Link = {
    nox: { bridge, mirror, reconnect },
    begin: () => {
      if (!stop) reconnect();
    },
    end: () => {
      stop?.();
      stop = null;
    },
  };
  links.set(bridge, link);
  return link;
}
