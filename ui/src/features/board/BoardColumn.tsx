/**
 * One column: its head, its cards (only those in sight are drawn), and what a drop would do.
 */
import { useDroppable } from '@dnd-kit/core';
import { useVirtualizer, type Virtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef } from 'react';
import type { Column, TaskId } from '@/bindings/nox';
import { IconButton } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { Icon } from '@/components/icons/icons';
import { type SignName, StatusSign } from '@/components/status/StatusSign';
import { useNox } from '@/sync/context';
import { useAgent, useCard, useCards, useSettings } from '@/sync/hooks';
import s from './Board.module.css';
import { CardSlot } from './CardSlot';
import { estimateHeight } from './CardView';
import { DROP_COLUMN, DROP_LIST, promiseOf } from './landing';
import { BOARD, COLUMN_WORDS, DROP } from './text';
import { useBoardView, useView } from './view';

export const COLUMN_SIGNS: Record<Column, SignName> = {
  backlog: 'backlog',
  todo: 'todo',
  working: 'running',
  needs_you: 'needs_you',
  review: 'review',
  done: 'done',
};

const GAP = 6;

export interface BoardColumnProps {
  column: Column;
  ids: readonly TaskId[];
  /** How many cards it has; more than ids while some are on their way. */
  count: number;
  hideProject: boolean;
  /** The task whose details are open. */
  opened: TaskId | null;
  buttons: boolean;
  onCreate?: (() => void) | undefined;
  onFold?: (() => void) | undefined;
  /** In a narrow window the tab is the head. */
  head?: boolean;
}

export function BoardColumn(props: BoardColumnProps) {
  const { column, ids, count, hideProject, opened, buttons, onCreate, onFold, head = true } = props;
  const { mirror } = useNox();
  const view = useBoardView();
  const list = useRef<HTMLDivElement>(null);
  const { setNodeRef } = useDroppable({ id: `column:${column}` });
  const word = COLUMN_WORDS[column];
  const landing = useView((state) =>
    state.landing?.kind === 'column' && state.landing.column === column ? state.landing : null,
  );
  const hand = useView((state) => state.hand);
  const focused = useView((state) => state.focused);
  const inHand = useCard(hand?.kind === 'card' ? hand.task : null);
  const refuses = column === 'needs_you' && inHand?.column !== 'needs_you';
  const estimate = (index: number) => estimateHeight(mirror.cards.get(ids[index] ?? ''), hideProject);
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => list.current,
    estimateSize: estimate,
    // A page without layout has no heights; what was estimated is right then.
    measureElement: (element, entry) =>
      entry?.borderBoxSize[0]?.blockSize ||
      (element as HTMLElement).offsetHeight ||
      estimate(Number(element.getAttribute('data-index'))),
    getItemKey: (index) => ids[index] ?? index,
    gap: GAP,
    overscan: 4,
    paddingStart: 3,
    paddingEnd: GAP,
    // A page without layout (a test) has no heights: then as many as fit an ordinary window are drawn.
    initialRect: { width: 240, height: 900 },
    observeElementRect: observeHeight,
  });
  useEffect(() => {
    view.scroll.set(column, (index) => rows.scrollToIndex(index, { align: 'auto' }));
    return () => {
      view.scroll.delete(column);
    };
  }, [view, column, rows]);

  const stop = focused !== null && ids.includes(focused) ? focused : ids[0];
  const drawn = rows.getVirtualItems();
  const line = landing && hand?.kind === 'card' && !refuses ? lineAt(rows, ids, landing.after, hand.task) : null;
  return (
    <section
      className={cx(s.column, landing && !refuses && s.target, hand && !landing && s.aside)}
      aria-label={word}
      {...{ [DROP_COLUMN]: column }}
    >
      {head && (
        <header className={s.head}>
          <StatusSign sign={COLUMN_SIGNS[column]} />
          <h2 className={s.word}>{word}</h2>
          <span className={s.count}>{count}</span>
          <span className={s.tools}>
            {onFold && <IconButton icon="arrowRight" size="sm" label={BOARD.fold(word)} onClick={onFold} />}
            {onCreate && <IconButton icon="plus" size="sm" label={BOARD.newTaskIn(word)} onClick={onCreate} />}
          </span>
        </header>
      )}
      {hand?.kind === 'desktop' && landing && <DesktopSlot column={column} names={hand.names} refuses={refuses} />}
      <div
        ref={(element) => {
          list.current = element;
          setNodeRef(element);
        }}
        className={s.list}
        {...{ [DROP_LIST]: '' }}
      >
        <div className={s.all} style={{ blockSize: rows.getTotalSize() }}>
          {drawn.map((row) => {
            const id = ids[row.index];
            if (!id) return null;
            return (
              <div
                key={row.key}
                ref={rows.measureElement}
                data-index={row.index}
                className={s.place}
                style={{ transform: `translateY(${row.start}px)` }}
              >
                <CardSlot
                  id={id}
                  column={column}
                  index={row.index}
                  count={count}
                  hideProject={hideProject}
                  tabStop={id === stop}
                  buttons={buttons}
                  opened={id === opened}
                />
              </div>
            );
          })}
          {line !== null && <div className={s.line} style={{ transform: `translateY(${line}px)` }} />}
        </div>
      </div>
      {hand?.kind === 'card' && landing && <CardSlotPromise column={column} task={hand.task} atTop={landing.below} />}
    </section>
  );
}

/** The rectangle of the scrolling box, or an ordinary one where there is no layout. */
function observeHeight(
  instance: Virtualizer<HTMLDivElement, Element>,
  tell: (rect: { width: number; height: number }) => void,
) {
  const element = instance.scrollElement;
  if (!element) return;
  const measure = () => {
    // The list is only as high as its cards: what may be in sight is decided by the column's height.
    const height = element.parentElement?.clientHeight ?? 0;
    tell({ width: element.clientWidth || 240, height: height || 900 });
  };
  measure();
  const observer = new ResizeObserver(measure);
  observer.observe(element.parentElement ?? element);
  return () => observer.disconnect();
}

/** Where the line between two cards is drawn; null when the card would land where it is. */
function lineAt(
  rows: Virtualizer<HTMLDivElement, Element>,
  ids: readonly TaskId[],
  after: TaskId | null,
  dragged: TaskId,
): number | null {
  const at = after === null ? -1 : ids.indexOf(after);
  if (ids[at + 1] === dragged || ids[at] === dragged) return null;
  const above = rows.measurementsCache[at];
  return above ? above.end + GAP / 2 : 0;
}

/** What dropping the card here would do. */
function CardSlotPromise({ column, task, atTop }: { column: Column; task: TaskId; atTop: boolean }) {
  const card = useCard(task);
  const agent = useAgent(card?.task.agent);
  const settings = useSettings();
  const cards = useCards();
  if (!card) return null;
  const running = cards.filter((each) => each.live && each.status.sign === 'running').length;
  const promise = promiseOf(card, column, agent?.agent.name ?? null, { running, max: settings?.max_live_runs ?? 1 });
  return (
    <div className={cx(s.slot, atTop && s.atTop, !promise.takes && s.refuses)}>
      <b>{promise.title}</b>
      {promise.detail && <span>{promise.detail}</span>}
      {promise.more && <span className={s.more}>{promise.more}</span>}
    </div>
  );
}

const NAMES = 3;

function DesktopSlot({ column, names, refuses }: { column: Column; names: readonly string[]; refuses: boolean }) {
  if (refuses) {
    return (
      <div className={cx(s.slot, s.refuses)}>
        <b>{DROP.needsYou}</b>
        <span>{DROP.needsYouWhy}</span>
      </div>
    );
  }
  return (
    <div className={s.slot}>
      <b>{column === 'working' ? DROP.makeAndStart : DROP.makeTask(COLUMN_WORDS[column])}</b>
      {names.slice(0, NAMES).map((name) => (
        <span key={name} className={s.file}>
          <Icon name="document" size="sm" />
          <span className={s.cut}>{name}</span>
        </span>
      ))}
      {names.length > NAMES && <span className={s.more}>{DROP.more(names.length - NAMES)}</span>}
    </div>
  );
}

/** A column as a narrow strip: its sign, its word, its count. Cards can still be dropped on it. */
export function FoldedColumn({ column, count, onUnfold }: { column: Column; count: number; onUnfold: () => void }) {
  const word = COLUMN_WORDS[column];
  const landing = useView((state) => state.landing?.kind === 'column' && state.landing.column === column);
  const { setNodeRef } = useDroppable({ id: `column:${column}` });
  return (
    <section
      ref={setNodeRef}
      className={cx(s.folded, landing && s.target)}
      aria-label={word}
      {...{ [DROP_COLUMN]: column }}
    >
      <button
        type="button"
        className={s.unfold}
        aria-expanded="false"
        aria-label={BOARD.unfold(word, count)}
        title={BOARD.unfold(word, count)}
        onClick={onUnfold}
      >
        <StatusSign sign={COLUMN_SIGNS[column]} />
        <span className={s.vertical}>
          {word} <span className={s.count}>{count}</span>
        </span>
      </button>
    </section>
  );
}
