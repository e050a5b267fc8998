/**
 * Drags by pointer: cards within the board (dnd-kit senses the press, this decides where it lands) and files, text and
 * links from other programs.
 */
import type { DragCancelEvent, DragEndEvent, DragStartEvent } from '@dnd-kit/core';
import { type RefObject, useEffect, useMemo, useRef } from 'react';
import type { Column, DropThings, Target, TaskId } from '@/bindings/nox';
import type { DesktopDrag } from '@/bridge/bridge';
import { toast } from '@/components/feedback/toasts';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import type { BoardActs } from './acts';
import { isSamePlace, landingAt, promiseOf } from './landing';
import { DONE, DROP } from './text';
import { type BoardView, type Landing, sameLanding } from './view';

/** A card that is rested on for so long is meant itself, not the place beside it. */
const REST_MS = 500;

type Order = (column: Column) => readonly TaskId[];

/** Follows a point of the page: what it would land on, with the rest on a card. */
class Follower {
  readonly #view: BoardView;
  readonly #order: Order;
  #x = 0;
  #y = 0;
  #frame = 0;
  #rest: ReturnType<typeof setTimeout> | undefined;
  #restsOn: TaskId | null = null;

  constructor(view: BoardView, order: Order) {
    this.#view = view;
    this.#order = order;
  }

  moveTo(x: number, y: number) {
    this.#x = x;
    this.#y = y;
    // Reading boxes once per frame is enough, however fast the pointer reports.
    this.#frame ||= requestAnimationFrame(() => this.look());
  }

  look() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const { hand, landing: before } = this.#view.state;
    if (!hand) return;
    const dragged = hand.kind === 'card' ? hand.task : null;
    const { landing, overCard } = landingAt(this.#x, this.#y, this.#order, dragged);
    if (overCard !== this.#restsOn) {
      this.#restsOn = overCard;
      clearTimeout(this.#rest);
      if (overCard && dragged) {
        this.#rest = setTimeout(() => this.#view.set({ landing: { kind: 'card', task: overCard } }), REST_MS);
      }
    } else if (before?.kind === 'card' && before.task === overCard) {
      return;
    }
    if (!sameLanding(before, landing)) this.#view.set({ landing });
  }

  end() {
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#rest);
    this.#frame = 0;
    this.#restsOn = null;
  }
}

/** Handlers for dnd-kit's context. */
export function useCardDrag(view: BoardView, acts: RefObject<BoardActs | null>, order: Order) {
  const { mirror } = useNox();
  return useMemo(() => {
    let follower: Follower | null = null;
    const follow = (event: PointerEvent) => follower?.moveTo(event.clientX, event.clientY);
    const end = () => {
      window.removeEventListener('pointermove', follow);
      follower?.end();
      follower = null;
      view.set({ hand: null, landing: null });
    };
    return {
      onDragStart({ active, activatorEvent }: DragStartEvent) {
        const task = String(active.id);
        const card = mirror.cards.get(task);
        if (!card) return;
        view.set({ hand: { kind: 'card', task, from: card.column }, landing: null });
        follower = new Follower(view, order);
        window.addEventListener('pointermove', follow, { passive: true });
        if (activatorEvent instanceof MouseEvent) follower.moveTo(activatorEvent.clientX, activatorEvent.clientY);
      },
      onDragEnd(_: DragEndEvent) {
        follower?.look();
        const { hand, landing } = view.state;
        end();
        if (hand?.kind === 'card' && landing && acts.current) land(hand.task, landing, acts.current);
      },
      onDragCancel(_: DragCancelEvent) {
        end();
      },
    };

    function land(task: TaskId, landing: Landing, run: BoardActs) {
      const card = mirror.cards.get(task);
      if (!card) return;
      if (landing.kind === 'agent') {
        run.assign(card, landing.agent);
      } else if (landing.kind === 'card') {
        run.waitFor(card, landing.task);
      } else {
        const promise = promiseOf(card, landing.column, null, { running: 0, max: 1 });
        if (!promise.takes) {
          toast({ text: promise.title, detail: promise.detail, sign: 'idle' });
          return;
        }
        if (isSamePlace(card, landing, order(landing.column))) return;
        // `takes` has refused the one column that is no target.
        run.move(card, landing.column as Target, { after: landing.after, before: landing.before });
      }
    }
  }, [view, mirror, order, acts]);
}

/** Things from other programs: native drops of files come by the bridge, text and links as the page's own events. */
export function useDesktopDrops(view: BoardView, order: Order) {
  const { bridge } = useNox();
  const act = useAct();
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    const follower = new Follower(view, order);
    // What the page's events lead over: the innermost element that the drag has entered last.
    let entered: EventTarget | null = null;
    const begin = (names: readonly string[]) => {
      const { hand } = view.state;
      if (hand?.kind === 'desktop' && hand.names.length > 0 && names.length === 0) return;
      view.set({ hand: { kind: 'desktop', names } });
    };
    // The page is not told the names of files, so it never replaces what the bridge knows.
    const beginText = () => {
      if (view.state.hand?.kind !== 'desktop') begin([DROP.text]);
    };
    const end = () => {
      follower.end();
      if (view.state.hand?.kind === 'desktop') view.set({ hand: null, landing: null });
    };
    const drop = async (things: DropThings) => {
      follower.look();
      const { landing } = view.state;
      end();
      if (landing?.kind === 'column' && landing.column === 'needs_you') {
        toast({ text: DROP.needsYou, detail: DROP.needsYouWhy, sign: 'idle' });
        return;
      }
      const to = landing?.kind === 'column' ? (landing.column as Target) : null;
      const agent = landing?.kind === 'agent' ? landing.agent : null;
      const done = await latest.current('dropThings', { ...things, to, agent });
      if (!done) return;
      const count = Math.max(1, done.tasks?.length ?? 0);
      const undo = done.undo ? () => void latest.current('undo', { command: done.command }) : undefined;
      toast({ text: DONE.dropped(count), undo });
    };
    const onNative = (drag: DesktopDrag) => {
      if (drag.type === 'leave') {
        end();
        return;
      }
      if (drag.type !== 'over') begin(drag.paths.map(nameOf));
      follower.moveTo(drag.x, drag.y);
      if (drag.type === 'drop') void drop(thingsOf(drag.paths));
    };
    const stop = bridge.onDesktopDrop(onNative);

    const onOver = (event: DragEvent) => {
      if (!event.dataTransfer || !carriesText(event.dataTransfer)) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = 'copy';
      beginText();
      follower.moveTo(event.clientX, event.clientY);
    };
    const onEnter = (event: DragEvent) => {
      entered = event.target;
    };
    const onLeave = (event: DragEvent) => {
      // WebKit names no related target. What leaves one element for another has entered that one before.
      if (event.target !== entered) return;
      entered = null;
      if (view.state.hand?.kind === 'desktop') end();
    };
    const onDrop = (event: DragEvent) => {
      if (!event.dataTransfer || !carriesText(event.dataTransfer)) return;
      event.preventDefault();
      const text = textOf(event.dataTransfer);
      beginText();
      follower.moveTo(event.clientX, event.clientY);
      if (text) void drop({ text });
      else end();
    };
    window.addEventListener('dragenter', onEnter);
    window.addEventListener('dragover', onOver);
    window.addEventListener('dragleave', onLeave);
    window.addEventListener('drop', onDrop);
    return () => {
      stop();
      window.removeEventListener('dragenter', onEnter);
      window.removeEventListener('dragover', onOver);
      window.removeEventListener('dragleave', onLeave);
      window.removeEventListener('drop', onDrop);
      end();
    };
  }, [bridge, view, order]);
}

/** A link is a place as well for some desktops: it comes among the paths, and is none. */
function thingsOf(dropped: readonly string[]): DropThings {
  const isLink = (each: string) => /^https?:\/\//i.test(each);
  const paths = dropped.filter((each) => !isLink(each));
  const links = dropped.filter(isLink);
  return links.length > 0 ? { paths, text: links.join('\n') } : { paths };
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
}

/** Files come through the bridge with their real paths; what a page is told about them holds none. */
function carriesText(data: DataTransfer): boolean {
  return !data.types.includes('Files') && data.types.some((type) => type === 'text/uri-list' || type === 'text/plain');
}

function textOf(data: DataTransfer): string {
  const link = data
    .getData('text/uri-list')
    .split(/\r?\n/)
    .find((line) => line !== '' && !line.startsWith('#'));
  return link ?? data.getData('text/plain');
}
