/**
 * The board: six columns of cards, the agents below, what is open beside it. The frame gives it the details and banners of
 * other features, which it knows nothing about.
 */
import { DndContext, DragOverlay, PointerSensor, pointerWithin, useSensor, useSensors } from '@dnd-kit/core';
import { useMediaQuery } from '@mantine/hooks';
import { type ReactNode, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import type { Column, ColumnCount, TaskId } from '@/bindings/nox';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Icon } from '@/components/icons/icons';
import { Pane, Panes } from '@/components/layout/Panes';
import { useViewParams } from '@/components/layout/viewParams';
import { StatusSign } from '@/components/status/StatusSign';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useAgent, useCard, useColumn, useColumnCounts, useExpectedColumns } from '@/sync/hooks';
import { COLUMNS } from '@/sync/mirror';
import { AgentsBar } from './AgentsBar';
import { type BoardActs, BoardActsProvider, useBoardActs } from './acts';
import s from './Board.module.css';
import { BoardBar } from './BoardBar';
import { BoardColumn, COLUMN_SIGNS, FoldedColumn } from './BoardColumn';
import cardStyle from './Card.module.css';
import { CardView } from './CardView';
import { type BoardFilter, filterIds, isFiltering, useBoardFilter } from './filter';
import { BOARD, COLUMN_WORDS, DROP } from './text';
import { useCardDrag, useDesktopDrops } from './useDrag';
import { useBoardKeys } from './useKeys';
import { BoardView, BoardViewProvider, useBoardView, useView } from './view';

export interface BoardPlaceProps {
  /** What is broken and concerns the board. */
  banners?: ReactNode;
  /** The task that is open, as a pane beside the columns. */
  details?: ReactNode;
}

export function BoardPlace({ banners, details }: BoardPlaceProps) {
  const [view] = useState(() => new BoardView());
  return (
    <BoardViewProvider value={view}>
      <BoardActsProvider>
        <Board banners={banners} details={details} />
      </BoardActsProvider>
    </BoardViewProvider>
  );
}

function Board({ banners, details }: BoardPlaceProps) {
  const view = useBoardView();
  const acts = useBoardActs();
  const narrow = useMediaQuery('(max-width: 720px)', false, { getInitialValueInEffect: false }) ?? false;
  const coarse = useMediaQuery('(pointer: coarse)', false, { getInitialValueInEffect: false }) ?? false;
  const [filter, setFilter] = useBoardFilter();
  const [params, setParams] = useViewParams();
  const opened = params.get('task');
  // Typing is never held up by thousands of cards: they follow when there is time.
  const lists = useLists(useDeferredValue(filter));
  const latest = useRef(lists);
  latest.current = lists;
  const order = useCallback((column: Column) => latest.current[column], []);
  const latestActs = useRef<BoardActs | null>(acts);
  latestActs.current = acts;
  const drag = useCardDrag(view, latestActs, order);
  const sensors = useSensors(
    useSensor(PointerSensor, { activationConstraint: coarse ? { delay: 300, tolerance: 8 } : { distance: 4 } }),
  );
  useDesktopDrops(view, order);
  const onKeyDown = useBoardKeys(view, acts, COLUMNS, order);
  const create = useCallback((column?: Column) => setParams({ create: 'task', column: column ?? null }), [setParams]);

  const shown = COLUMNS.reduce((sum, column) => sum + lists[column].length, 0);
  const counts = useColumnCounts();
  const all = COLUMNS.reduce((sum, column) => sum + counts[column], 0);
  // Cards that are still on their way count already; what a filter shows is known only of those that are here.
  const expected = useExpectedColumns();
  const told = countsOf(lists, isFiltering(filter) ? null : expected, filter.cancelled);
  return (
    <DndContext
      sensors={sensors}
      collisionDetection={pointerWithin}
      accessibility={{ announcements: SILENT, screenReaderInstructions: { draggable: '' } }}
      {...drag}
    >
      <BoardBar filter={filter} narrow={narrow} onFilter={setFilter} onCreate={() => create()} />
      <Panes>
        <Pane label={BOARD.columns} kind="main" ground="app">
          {/* biome-ignore lint/a11y/noStaticElementInteractions: it hears the keys of the cards inside. */}
          <div className={s.board} onKeyDown={onKeyDown}>
            {banners && <div className={s.banners}>{banners}</div>}
            {all > 0 && shown === 0 && isFiltering(filter) ? (
              <NothingFits all={all} onClear={() => setFilter({ text: '', project: null, agent: null })} />
            ) : narrow ? (
              <Tabs lists={lists} counts={told} hideProject={filter.project !== null} opened={opened} />
            ) : (
              <Columns
                lists={lists}
                counts={told}
                hideProject={filter.project !== null}
                opened={opened}
                onCreate={create}
              />
            )}
            {all === 0 && <EmptyBoard onCreate={() => create()} />}
            <AgentsBar />
          </div>
        </Pane>
        {details}
      </Panes>
      <DragOverlay dropAnimation={null} className={s.overlay}>
        <InHandCard hideProject={filter.project !== null} />
      </DragOverlay>
      <DesktopTray />
    </DndContext>
  );
}

/** Drags are by pointer only; what they do is said by the targets, and the keys have their own ways. */
const SILENT = {
  onDragStart: () => undefined,
  onDragOver: () => undefined,
  onDragEnd: () => undefined,
  onDragCancel: () => undefined,
};

type Lists = Record<Column, readonly TaskId[]>;

/** The filtered order of each column; a column whose order did not change keeps its array. */
function useLists(filter: BoardFilter): Lists {
  const backlog = useFiltered('backlog', filter);
  const todo = useFiltered('todo', filter);
  const working = useFiltered('working', filter);
  const needsYou = useFiltered('needs_you', filter);
  const review = useFiltered('review', filter);
  const done = useFiltered('done', filter);
  return { backlog, todo, working, needs_you: needsYou, review, done };
}

function useFiltered(column: Column, filter: BoardFilter): readonly TaskId[] {
  const { mirror } = useNox();
  const ids = useColumn(column);
  return useMemo(() => filterIds(ids, (id) => mirror.cards.get(id), filter), [ids, mirror, filter]);
}

type Counts = Readonly<Record<Column, number>>;

function countsOf(lists: Lists, expected: ReadonlyMap<Column, ColumnCount> | null, cancelled: boolean): Counts {
  const counts = COLUMNS.map((column) => {
    const found = expected?.get(column);
    const coming = found ? found.count - (cancelled ? 0 : found.cancelled) : 0;
    return [column, Math.max(lists[column].length, coming)];
  });
  return Object.fromEntries(counts) as Record<Column, number>;
}

interface ColumnsProps {
  lists: Lists;
  counts: Counts;
  hideProject: boolean;
  opened: TaskId | null;
}

/** A new task can begin here. */
const STARTS: readonly Column[] = ['backlog', 'todo'];

function Columns({
  lists,
  counts,
  hideProject,
  opened,
  onCreate,
}: ColumnsProps & { onCreate: (column: Column) => void }) {
  const view = useBoardView();
  const doneOpen = useView((state) => state.doneOpen);
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // What was unfolded is brought into sight.
    if (doneOpen) box.current?.lastElementChild?.scrollIntoView({ inline: 'end', block: 'nearest' });
  }, [doneOpen]);
  return (
    <div ref={box} className={cx(s.columns, !doneOpen && s.withFolded)}>
      {COLUMNS.map((column) =>
        column === 'done' && !doneOpen ? (
          <FoldedColumn
            key={column}
            column={column}
            count={counts.done}
            onUnfold={() => view.set({ doneOpen: true })}
          />
        ) : (
          <BoardColumn
            key={column}
            column={column}
            ids={lists[column]}
            count={counts[column]}
            hideProject={hideProject}
            opened={opened}
            buttons={false}
            onCreate={STARTS.includes(column) ? () => onCreate(column) : undefined}
            onFold={column === 'done' ? () => view.set({ doneOpen: false }) : undefined}
          />
        ),
      )}
    </div>
  );
}

/** One column at a time, as tabs; it opens at the first that needs a person. */
function Tabs({ lists, counts, hideProject, opened }: ColumnsProps) {
  const [tab, setTab] = useState<Column>(
    () => (['needs_you', 'review', 'working', 'todo'] as const).find((column) => lists[column].length > 0) ?? 'todo',
  );
  const selected = useRef<HTMLButtonElement>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab is another element to be brought into sight.
  useEffect(() => {
    selected.current?.scrollIntoView({ inline: 'center', block: 'nearest' });
  }, [tab]);
  return (
    <>
      <div className={s.tabs} role="tablist" aria-label={BOARD.columns}>
        {COLUMNS.map((column) => (
          <button
            key={column}
            ref={column === tab ? selected : undefined}
            type="button"
            role="tab"
            className={s.tab}
            aria-selected={column === tab}
            tabIndex={column === tab ? 0 : -1}
            onClick={() => setTab(column)}
            onKeyDown={(event) => {
              const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
              const next = COLUMNS[COLUMNS.indexOf(column) + step];
              if (step === 0 || !next) return;
              event.preventDefault();
              setTab(next);
              const tabs = event.currentTarget.parentElement?.children;
              (tabs?.[COLUMNS.indexOf(next)] as HTMLElement | undefined)?.focus();
            }}
          >
            <StatusSign sign={COLUMN_SIGNS[column]} />
            {COLUMN_WORDS[column]}
            <span className={s.count}>{counts[column]}</span>
          </button>
        ))}
      </div>
      <div className={s.one}>
        <BoardColumn
          key={tab}
          column={tab}
          ids={lists[tab]}
          count={counts[tab]}
          hideProject={hideProject}
          opened={opened}
          buttons
          head={false}
        />
      </div>
    </>
  );
}

/** What an empty board says, over its columns: what is dropped falls through it, into the column that is meant. */
function EmptyBoard({ onCreate }: { onCreate: () => void }) {
  const act = useAct();
  const carried = useView((state) => state.hand !== null);
  if (carried) return null;
  return (
    <div className={s.over}>
      <EmptyState
        title={BOARD.emptyTitle}
        picture={(['todo', 'running', 'done'] as const).map((sign) => (
          <EmptyBox key={sign}>
            <StatusSign sign={sign} />
          </EmptyBox>
        ))}
        actions={
          <>
            <Button variant="primary" icon="plus" combo="C" onClick={onCreate}>
              {BOARD.newTask}
            </Button>
            <Button icon="play" onClick={() => void act('makeSamples', {})}>
              {BOARD.runSample}
            </Button>
          </>
        }
      >
        <p>{BOARD.emptyText}</p>
        <p>{BOARD.emptyMore}</p>
      </EmptyState>
    </div>
  );
}

function NothingFits({ all, onClear }: { all: number; onClear: () => void }) {
  return (
    <div className={cx(s.empty, s.nothing)}>
      <EmptyState title={BOARD.nothingFits}>
        <button type="button" className={s.linkButton} onClick={onClear}>
          {BOARD.clearFilter}
        </button>{' '}
        {BOARD.nothingFitsHint(all)}
      </EmptyState>
    </div>
  );
}

function InHandCard({ hideProject }: { hideProject: boolean }) {
  const hand = useView((state) => state.hand);
  const card = useCard(hand?.kind === 'card' ? hand.task : null);
  const agent = useAgent(card?.task.agent);
  const landing = useView((state) => state.landing);
  const onto = useAgent(landing?.kind === 'agent' ? landing.agent : null);
  const other = useCard(landing?.kind === 'card' ? landing.task : null);
  if (!card) return null;
  // The hand hides the agent or card that it is over: then it says itself what dropping would do.
  const says = onto ? DROP.assign(onto.agent.name) : other ? DROP.dependOn(other.task.title) : null;
  return (
    <div className={cx(cardStyle.card, cardStyle.inHand)}>
      {says && <div className={cardStyle.says}>{says}</div>}
      <CardView card={card} agentName={agent?.agent.name ?? card.task.agent} hideProject={hideProject} />
    </div>
  );
}

/** What is carried in from the desktop, while it is over the window. */
function DesktopTray() {
  const hand = useView((state) => state.hand);
  if (hand?.kind !== 'desktop') return null;
  const [first] = hand.names;
  return (
    <div className={s.tray} role="status">
      <Icon name="upload" />
      <b>{DROP.things(hand.names.length, first ?? DROP.text)}</b>
      <span>{DROP.thingsHow}</span>
    </div>
  );
}
