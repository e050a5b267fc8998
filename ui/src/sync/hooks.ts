/**
 * What components read of the mirror. Each hook draws its component again only when what it answers has changed.
 */
import { useCallback, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type {
  AgentId,
  AgentRow,
  Card,
  Column,
  ControlsRow,
  EngineInfo,
  FileProblem,
  Item,
  ItemId,
  ProjectRow,
  RequestId,
  RequestRow,
  SessionId,
  SessionView,
  Settings,
  TaskId,
} from '../bindings/nox';
import { useNox } from './context';
import type { Conversation, ConversationView } from './conversation';
import { COLUMNS, type Events, type Link } from './mirror';
import type { OutputLog } from './output';
import type { Table } from './table';

function useRow<Row>(table: Table<Row>, id: string | null | undefined): Row | undefined {
  const subscribe = useCallback(
    (listener: () => void) => (id ? table.subscribe(id, listener) : () => undefined),
    [table, id],
  );
  return useSyncExternalStore(subscribe, () => (id ? table.get(id) : undefined));
}

function useRows<Row>(table: Table<Row>): readonly Row[] {
  return useSyncExternalStore(table.subscribeList, () => table.all());
}

export function useCard(id: TaskId | null | undefined): Card | undefined {
  return useRow(useNox().mirror.cards, id);
}

/** All cards. Draws with every change of any card: for lists of few, use `useColumn`. */
export function useCards(): readonly Card[] {
  return useRows(useNox().mirror.cards);
}

export function useSession(id: SessionId | null | undefined): SessionView | undefined {
  return useRow(useNox().mirror.sessions, id);
}

export function useSessions(): readonly SessionView[] {
  return useRows(useNox().mirror.sessions);
}

export function useRequest(id: RequestId | null | undefined): RequestRow | undefined {
  return useRow(useNox().mirror.requests, id);
}

/** All requests that are known, oldest first. */
export function useRequests(): readonly RequestRow[] {
  const rows = useRows(useNox().mirror.requests);
  return useMemo(() => [...rows].sort((a, b) => a.request.asked_at - b.request.asked_at), [rows]);
}

/** How many requests wait for an answer. */
export function useOpenRequestCount(): number {
  const { requests } = useNox().mirror;
  return useSyncExternalStore(
    requests.subscribeList,
    () => requests.all().filter((row) => row.state.state === 'open').length,
  );
}

export function useAgent(id: AgentId | null | undefined): AgentRow | undefined {
  return useRow(useNox().mirror.agents, id);
}

/** All agents by name. */
export function useAgents(): readonly AgentRow[] {
  const rows = useRows(useNox().mirror.agents);
  return useMemo(() => [...rows].sort((a, b) => a.agent.name.localeCompare(b.agent.name)), [rows]);
}

/** All projects by id. */
export function useProjects(): readonly ProjectRow[] {
  const rows = useRows(useNox().mirror.projects);
  return useMemo(() => [...rows].sort((a, b) => (a.id < b.id ? -1 : 1)), [rows]);
}

export function useProblems(): readonly FileProblem[] {
  return useRows(useNox().mirror.problems);
}

/** Null until the first snapshot is here. */
export function useSettings(): Settings | null {
  const { mirror } = useNox();
  return useSyncExternalStore(mirror.subscribeSingle, () => mirror.settings);
}

/** Null until the first snapshot is here. */
export function useEngine(): EngineInfo | null {
  const { mirror } = useNox();
  return useSyncExternalStore(mirror.subscribeSingle, () => mirror.engine);
}

export function useLink(): Link {
  const { mirror } = useNox();
  return useSyncExternalStore(mirror.subscribeSingle, () => mirror.link);
}

/** The ids of a column in the board's order. */
export function useColumn(column: Column): readonly TaskId[] {
  const { board } = useNox().mirror;
  const subscribe = useCallback((listener: () => void) => board.subscribe(column, listener), [board, column]);
  return useSyncExternalStore(subscribe, () => board.column(column));
}

/** How many cards each column has; the same object until one of them changes. */
export function useColumnCounts(): Readonly<Record<Column, number>> {
  const { board } = useNox().mirror;
  const text = useSyncExternalStore(board.subscribeAny, () => COLUMNS.map((column) => board.count(column)).join(' '));
  return useMemo(() => {
    const counts = text.split(' ').map(Number);
    return Object.fromEntries(COLUMNS.map((column, index) => [column, counts[index] ?? 0])) as Record<Column, number>;
  }, [text]);
}

/** How many cards the columns will have, while some are on their way; else null. */
export function useExpectedColumns() {
  const { board } = useNox().mirror;
  return useSyncExternalStore(board.subscribeAny, () => board.expected);
}

/** Whether something about this id was sent and is not recorded yet. */
export function usePending(id: string | null | undefined): boolean {
  const { pending } = useNox().mirror;
  return useSyncExternalStore(pending.subscribe, () => (id ? pending.has(id) : false));
}

/** Calls back when something happens that is no row. */
export function useNoxEvent<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void) {
  const { mirror } = useNox();
  useEffect(() => mirror.on(name, listener), [mirror, name, listener]);
}

/**
 * The conversation of a session, watched while the component is there. Null in the first drawing.
 *
 * Use `useConversationView` for its order, `useItem` for a row and `useOutput` for a tool call's output.
 */
export function useConversation(session: SessionId): Conversation | null {
  const { mirror, bridge } = useNox();
  const [conversation, setConversation] = useState<Conversation | null>(null);
  useEffect(() => {
    setConversation(mirror.enter(session, bridge));
    return () => mirror.leave(session);
  }, [mirror, bridge, session]);
  return conversation?.session === session ? conversation : null;
}

export function useConversationView(conversation: Conversation): ConversationView {
  return useSyncExternalStore(conversation.subscribe, () => conversation.view());
}

/** What its program offers, and the prompts that wait; null until that is known. */
export function useControls(conversation: Conversation): ControlsRow | null {
  return useSyncExternalStore(conversation.subscribeControls, () => conversation.controls);
}

export function useItem(conversation: Conversation, id: ItemId): Item | undefined {
  return useRow(conversation.items, id);
}

/**
 * The output of a tool call, with what was written before this window looked. Draws at most once per frame; read
 * `lines`, `dropped` and `clipped` of the answer. `failed` is set when the spool could not be read.
 */
export function useOutput(
  conversation: Conversation,
  item: ItemId,
): { log: OutputLog; version: number; failed: boolean } {
  const log = useMemo(() => conversation.output(item), [conversation, item]);
  const version = useSyncExternalStore(log.subscribe, () => log.version);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    let here = true;
    conversation.fillOutput(item).then(
      () => here && setFailed(false),
      () => here && setFailed(true),
    );
    return () => {
      here = false;
    };
  }, [conversation, item]);
  return { log, version, failed };
}
