/**
 * One card of a column, bound to its row: focus, selection, drag, and the buttons that a narrow window shows.
 */
import { useDraggable } from '@dnd-kit/core';
import { useCallback, useEffect, useLayoutEffect, useRef } from 'react';
import type { Column, TaskId } from '@/bindings/nox';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { useAgent, useCard, usePending } from '@/sync/hooks';
import { useBoardActs } from './acts';
import s from './Card.module.css';
import { CardView } from './CardView';
import { DROP_CARD } from './landing';
import { CARD } from './text';
import { useBoardView, useView } from './view';

export interface CardSlotProps {
  id: TaskId;
  column: Column;
  /** Its place in the column, from 0, and how many there are. */
  index: number;
  count: number;
  hideProject: boolean;
  /** The one card of its column that Tab reaches. */
  tabStop: boolean;
  /** Narrow: what drags and keys do elsewhere is done by buttons here. */
  buttons: boolean;
  opened: boolean;
}

export function CardSlot({ id, column, index, count, hideProject, tabStop, buttons, opened }: CardSlotProps) {
  const card = useCard(id);
  const agent = useAgent(card?.task.agent);
  const onlyBlocker = useCard(card?.task.depends_on.length === 1 ? card.task.depends_on[0] : null);
  const pending = usePending(id);
  const view = useBoardView();
  const acts = useBoardActs();
  const selected = useView((state) => state.selected.has(id));
  const isTarget = useView((state) => state.landing?.kind === 'card' && state.landing.task === id);
  const box = useRef<HTMLElement>(null);
  const { setNodeRef, listeners, isDragging } = useDraggable({ id, disabled: card?.task.read_only ?? true });
  const wanted = useView((state) => state.focused === id && view.wanted === id);

  useEffect(() => {
    if (!wanted) return;
    view.wanted = null;
    box.current?.focus({ preventScroll: true });
    box.current?.scrollIntoView({ block: 'nearest' });
  }, [wanted, view]);

  useLayoutEffect(() => {
    // An element that is taken out of the page loses the focus without a word: nothing has it then.
    if (view.held === id && document.activeElement === document.body) box.current?.focus({ preventScroll: true });
  }, [id, view]);

  const setBox = useCallback(
    (element: HTMLElement | null) => {
      box.current = element;
      setNodeRef(element);
    },
    [setNodeRef],
  );

  if (!card) return null;
  return (
    <article
      ref={setBox}
      className={cx(
        s.card,
        (selected || opened) && s.selected,
        isTarget && s.target,
        pending && s.pending,
        isDragging && s.ghost,
      )}
      aria-label={card.task.title}
      aria-posinset={index + 1}
      aria-setsize={count}
      aria-busy={pending || undefined}
      data-column={column}
      data-selected={selected || undefined}
      {...{ [DROP_CARD]: id }}
      tabIndex={tabStop ? 0 : -1}
      onFocus={() => {
        view.held = id;
        view.set({ focused: id });
      }}
      onBlur={(event) => {
        // Blur of an element that leaves the page (in engines that tell it) does not mean that somebody went elsewhere.
        if (event.relatedTarget && view.held === id) view.held = null;
      }}
      onClick={(event) => {
        if (event.ctrlKey || event.metaKey) view.toggle(id);
        else acts.open(card);
      }}
      {...listeners}
      // The sensor's own key handler would start a drag with Enter; the keys belong to the board.
      onKeyDown={undefined}
    >
      <CardView
        card={card}
        agentName={agent?.agent.name ?? card.task.agent}
        blockedBy={onlyBlocker?.task.title}
        hideProject={hideProject}
      />
      {buttons && <CardButtons id={id} />}
    </article>
  );
}

function CardButtons({ id }: { id: TaskId }) {
  const card = useCard(id);
  const acts = useBoardActs();
  if (!card) return null;
  const { session } = card;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: it only keeps a press of its buttons from opening the card.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the buttons in it have their own keys.
    <div
      className={s.actions}
      onClick={(event) => event.stopPropagation()}
      onPointerDown={(event) => event.stopPropagation()}
    >
      {card.live && session ? (
        <Button size="lg" onClick={() => acts.openSession(session)}>
          {card.column === 'needs_you' ? CARD.review : CARD.open}
        </Button>
      ) : (
        <Button size="lg" onClick={() => acts.start(card)}>
          {CARD.start}
        </Button>
      )}
      <Button size="lg" onClick={() => acts.ask('move', [id])}>
        {CARD.move}
      </Button>
    </div>
  );
}
