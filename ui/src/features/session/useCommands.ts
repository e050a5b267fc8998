// The commands of an agent's program while one is being written: a message that begins with a stroke lists those that fit.
import { useEffect, useId, useState } from 'react';
import { announce } from '@/components/feedback/announce';
import type { Offer } from '../../bindings/nox';
import { COMMANDS } from './text';

/** So many are listed at once. */
const MOST = 8;

export interface Commands {
  /** Those that fit; none while no command is being written. */
  found: readonly Offer[];
  /** The one that Enter and Tab take. */
  active: number;
  listId: string;
  optionId: (index: number) => string;
  move: (step: 1 | -1) => void;
  /** The message with this command in it. */
  taken: (offer: Offer) => string;
  close: () => void;
}

/** What is written of a command: null when the message is none, or has gone on behind it. */
function written(text: string): string | null {
  const match = /^\/(\S*)$/.exec(text);
  return match ? (match[1] ?? '') : null;
}

export function useCommands(text: string, offers: readonly Offer[]): Commands {
  const listId = useId();
  const [active, setActive] = useState(0);
  const [closedAt, setClosedAt] = useState<string | null>(null);
  const word = written(text);
  const fits = (offer: Offer) => (offer.name ?? '').toLowerCase().includes((word ?? '').toLowerCase());
  const found = word === null || closedAt === text ? [] : offers.filter(fits).slice(0, MOST);
  const count = found.length;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each further letter begins at the first one again.
  useEffect(() => setActive(0), [text]);
  useEffect(() => {
    if (count > 0) announce(COMMANDS.found(count));
  }, [count]);
  return {
    found,
    active: Math.min(active, Math.max(0, count - 1)),
    listId,
    optionId: (index) => `${listId}-${index}`,
    move: (step) => setActive((now) => (now + step + count) % Math.max(1, count)),
    taken: (offer) => `/${offer.name} `,
    close: () => setClosedAt(text),
  };
}
