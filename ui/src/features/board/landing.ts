/**
 * Where a pointer's place on the page would put a card, and what would happen there. The first reads the page's boxes,
 * the second is pure.
 */
import type { Card, Column, TaskId } from '@/bindings/nox';
import { COLUMN_WORDS, DROP } from './text';
import type { Landing } from './view';

/** Columns, cards and agents carry their ids in these. */
export const DROP_COLUMN = 'data-drop-column';
export const DROP_CARD = 'data-card';
export const DROP_AGENT = 'data-drop-agent';
/** The scrolling part of a column. */
export const DROP_LIST = 'data-drop-list';

/** Pixels above the end of a list that count as below it: half a card in the hand. */
const EDGE = 40;

/** How much of a card's middle means the card itself and not a place beside it. */
const MIDDLE = 0.3;

/** What lies under a point of the page. `overCard` is set when the point is in the middle of a card. */
export function landingAt(
  x: number,
  y: number,
  order: (column: Column) => readonly TaskId[],
  dragged: TaskId | null,
): { landing: Landing | null; overCard: TaskId | null } {
  const under = document.elementFromPoint(x, y);
  const agent = under?.closest(`[${DROP_AGENT}]`)?.getAttribute(DROP_AGENT);
  if (agent) return { landing: { kind: 'agent', agent }, overCard: null };
  const columnBox = under?.closest(`[${DROP_COLUMN}]`);
  const column = columnBox?.getAttribute(DROP_COLUMN) as Column | null | undefined;
  if (!columnBox || !column) return { landing: null, overCard: null };
  let above: TaskId | null = null;
  let below: TaskId | null = null;
  let overCard: TaskId | null = null;
  let lastSeen: TaskId | null = null;
  for (const box of columnBox.querySelectorAll(`[${DROP_CARD}]`)) {
    const id = box.getAttribute(DROP_CARD);
    if (!id || id === dragged) continue;
    const rect = box.getBoundingClientRect();
    lastSeen = id;
    if (y >= rect.top && y <= rect.bottom && Math.abs((y - rect.top) / rect.height - 0.5) < MIDDLE / 2) overCard = id;
    if (y < rect.top + rect.height / 2) {
      below = id;
      break;
    }
    above = id;
  }
  // The boxes are only those in sight: the neighbour out of sight is taken from the order.
  const ids = order(column).filter((id) => id !== dragged);
  if (below) {
    const at = ids.indexOf(below);
    above = at > 0 ? (ids[at - 1] ?? null) : null;
  } else if (lastSeen) {
    const at = ids.indexOf(lastSeen);
    below = at >= 0 ? (ids[at + 1] ?? null) : null;
    above = lastSeen;
  }
  const list = columnBox.querySelector(`[${DROP_LIST}]`)?.getBoundingClientRect();
  const low = list !== undefined && y > list.bottom - EDGE;
  return { landing: { kind: 'column', column, after: above, before: below, below: low }, overCard };
}

export interface DropPromise {
  /** What will happen. */
  title: string;
  /** More about it. */
  detail?: string | undefined;
  more?: string | undefined;
  /** Whether the target would take it; one that refuses takes no colour. */
  takes: boolean;
}

export interface Room {
  running: number;
  max: number;
}

/** What dropping this card into this column would do. */
export function promiseOf(card: Card, column: Column, agentName: string | null, room: Room): DropPromise {
  if (column === card.column) return { title: DROP.here, takes: true };
  if (column === 'needs_you') return { title: DROP.needsYou, detail: DROP.needsYouWhy, takes: false };
  if (column === 'working') {
    if (card.live) return { title: DROP.running, detail: DROP.runningWhy, takes: false };
    return {
      title: DROP.start,
      detail: agentName ? DROP.startWith(agentName) : DROP.startDefault,
      more: room.running < room.max ? DROP.wouldRun(room.running + 1, room.max) : DROP.wouldQueue(room.max),
      takes: true,
    };
  }
  const word = COLUMN_WORDS[column];
  if (card.live) return { title: DROP.stop, detail: DROP.stopThen(word), takes: true };
  return { title: column === 'done' ? DROP.done : DROP.put(word), takes: true };
}

/** The place in `order` is where it is already: dropping would change nothing. */
export function isSamePlace(card: Card, landing: Landing, order: readonly TaskId[]): boolean {
  if (landing.kind !== 'column' || landing.column !== card.column) return false;
  const at = order.indexOf(card.task.id);
  return at >= 0 && (order[at - 1] ?? null) === landing.after;
}
