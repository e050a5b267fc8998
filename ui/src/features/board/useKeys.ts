/** The board's keys: arrows and H J K L walk over the cards, single letters do what a drag does. */
import type { KeyboardEvent } from 'react';
import type { Column, TaskId } from '@/bindings/nox';
import { useActions } from '@/components/actions/registry';
import { useNox } from '@/sync/context';
import type { BoardActs } from './acts';
import { DROP_CARD } from './landing';
import { BOARD, KEYS } from './text';
import type { BoardView } from './view';

type Order = (column: Column) => readonly TaskId[];

const WALK: Record<string, 'up' | 'down' | 'left' | 'right'> = {
  ArrowUp: 'up',
  k: 'up',
  ArrowDown: 'down',
  j: 'down',
  ArrowLeft: 'left',
  h: 'left',
  ArrowRight: 'right',
  l: 'right',
};

export function useBoardKeys(view: BoardView, acts: BoardActs, columns: readonly Column[], order: Order) {
  const { mirror } = useNox();
  const focused = () => (view.state.focused ? mirror.cards.get(view.state.focused) : undefined);
  const onCard = () => {
    const card = focused();
    if (!card) return false;
    const active = document.activeElement;
    if (active?.closest('[data-card]')) return true;
    // A card on its way to another column has no element for a moment; keys still mean the one that was walked to.
    const { id } = card.task;
    return active === document.body && (view.wanted === id || (view.held === id && !isDrawn(id)));
  };
  /** The selected cards when the focused one is among them, else that one alone. */
  const meant = (): TaskId[] => {
    const { focused: id, selected } = view.state;
    if (!id) return [];
    return selected.has(id) ? [...selected] : [id];
  };
  const withCard = (run: (card: NonNullable<ReturnType<typeof focused>>) => void) => () => {
    const card = focused();
    if (card) run(card);
  };
  const group = BOARD.title;
  useActions([
    {
      id: 'board.walk',
      label: KEYS.walk,
      group,
      combo: ['ArrowDown', 'J', 'ArrowUp', 'K', 'ArrowLeft', 'H', 'ArrowRight', 'L'],
      keysOnly: true,
      enabled: () => !onCard(),
      run: () => enter(view, columns, order),
    },
    {
      id: 'board.open',
      label: KEYS.open,
      group,
      combo: 'Enter',
      keysOnly: true,
      enabled: onCard,
      run: withCard((card) => acts.openWork(card)),
    },
    { id: 'board.move', label: KEYS.move, group, combo: 'M', enabled: onCard, run: () => acts.ask('move', meant()) },
    {
      id: 'board.assign',
      label: KEYS.assign,
      group,
      combo: 'A',
      enabled: onCard,
      run: () => acts.ask('assign', meant()),
    },
    { id: 'board.block', label: KEYS.block, group, combo: 'B', enabled: onCard, run: () => acts.ask('block', meant()) },
    {
      id: 'board.select',
      label: KEYS.select,
      group,
      combo: 'X',
      keysOnly: true,
      enabled: onCard,
      run: withCard((card) => view.toggle(card.task.id)),
    },
    {
      id: 'board.remove',
      label: KEYS.remove,
      group,
      icon: 'trash',
      combo: ['Delete', 'Backspace'],
      enabled: onCard,
      run: () => {
        const cards = meant().flatMap((id) => mirror.cards.get(id) ?? []);
        step(view, columns, order, 'down');
        for (const card of cards) acts.remove(card);
        view.set({ selected: new Set() });
      },
    },
  ]);

  return (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !onCard()) return;
    if (event.key === 'Escape' && view.state.selected.size > 0) {
      event.preventDefault();
      view.set({ selected: new Set() });
      return;
    }
    const way = WALK[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!way || event.shiftKey) return;
    event.preventDefault();
    step(view, columns, order, way);
  };
}

function isDrawn(id: TaskId): boolean {
  return [...document.querySelectorAll(`[${DROP_CARD}]`)].some((each) => each.getAttribute(DROP_CARD) === id);
}

/** Gives the focus to the first card of the first column that has one, or back to where it was. */
function enter(view: BoardView, columns: readonly Column[], order: Order) {
  const last = view.state.focused;
  for (const column of columns) {
    const ids = order(column);
    const at = last ? ids.indexOf(last) : -1;
    if (last && at >= 0) {
      view.focus(last, column, at);
      return;
    }
  }
  for (const column of columns) {
    const [first] = order(column);
    if (first) {
      view.focus(first, column, 0);
      return;
    }
  }
}

function step(view: BoardView, columns: readonly Column[], order: Order, way: 'up' | 'down' | 'left' | 'right') {
  const { focused } = view.state;
  const here = columns.findIndex((column) => focused !== null && order(column).includes(focused));
  const column = columns[here];
  if (!focused || !column) return;
  const at = order(column).indexOf(focused);
  if (way === 'up' || way === 'down') {
    const ids = order(column);
    const to = way === 'down' ? (at + 1 < ids.length ? at + 1 : at - 1) : at - 1;
    const id = ids[way === 'down' && at + 1 >= ids.length ? at : to];
    if (id) view.focus(id, column, ids.indexOf(id));
    return;
  }
  const direction = way === 'left' ? -1 : 1;
  for (let next = here + direction; next >= 0 && next < columns.length; next += direction) {
    const other = columns[next];
    const ids = other ? order(other) : [];
    const to = Math.min(at, ids.length - 1);
    const id = ids[to];
    if (other && id) {
      view.focus(id, other, to);
      return;
    }
  }
}
