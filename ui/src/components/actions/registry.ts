// What can be done now: features register their actions here while they are mounted, and the palette, the keys and the
// page of shortcuts all read this one list. An action that is not registered has no key and is not offered.
import { useEffect, useLayoutEffect, useRef, useSyncExternalStore } from 'react';
import type { IconName } from '../icons/icons';

export interface Action {
  /** Stable, such as `board.new-task`; a later registration of the same id stands in for the earlier one. */
  id: string;
  /** A verb and its object, as on a button. */
  label: string;
  /** The heading on the page of shortcuts: the place's word, or `Everywhere`. */
  group: string;
  icon?: IconName | undefined;
  /** One combination, or several that do the same; the first is shown. */
  combo?: string | readonly string[] | undefined;
  /** Other words that the palette finds it by. */
  also?: string | undefined;
  /** Not in the palette: it means something only with a focus (J, K, arrows). */
  keysOnly?: boolean | undefined;
  /** Also while somebody types into a field; only for combinations with Mod. */
  whileTyping?: boolean | undefined;
  /** Right now; without it always. */
  enabled?: (() => boolean) | undefined;
  run: () => void;
}

/** Something that the palette can open: a task, a session, an agent. */
export interface Entry {
  id: string;
  label: string;
  /** The kind of thing, at the right end. */
  hint?: string | undefined;
  icon?: IconName | undefined;
  also?: string | undefined;
  run: () => void;
}

/** Asked when the palette opens, not before: ten thousand tasks cost nothing until then. */
export type EntrySource = () => readonly Entry[];

let actions: readonly Action[] = [];
const layers = new Map<symbol, readonly Action[]>();
const sources = new Map<symbol, EntrySource>();
const listeners = new Set<() => void>();

function changed(): void {
  const byId = new Map<string, Action>();
  for (const layer of layers.values()) {
    for (const action of layer) byId.set(action.id, action);
  }
  actions = [...byId.values()];
  for (const listener of listeners) listener();
}

/** Adds actions; the answer takes them back. */
export function registerActions(added: readonly Action[]): () => void {
  const key = Symbol('actions');
  layers.set(key, added);
  changed();
  return () => {
    layers.delete(key);
    changed();
  };
}

/** Adds entries for the palette; the answer takes them back. */
export function registerEntries(source: EntrySource): () => void {
  const key = Symbol('entries');
  sources.set(key, source);
  return () => {
    sources.delete(key);
  };
}

export function currentActions(): readonly Action[] {
  return actions;
}

export function currentEntries(): Entry[] {
  return [...sources.values()].flatMap((source) => [...source()]);
}

/** All actions, for what lists them. */
export function useActionList(): readonly Action[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => actions,
  );
}

/**
 * Registers actions while the component is mounted. `run` and `enabled` are read afresh each time, so that they may
 * close over props; the list is registered again only when an id, label, combination or group changes.
 */
export function useActions(wanted: readonly Action[]): void {
  const latest = useRef(wanted);
  // Before anybody sees what was drawn: a key does what the button on the screen says.
  useLayoutEffect(() => {
    latest.current = wanted;
  });
  const shape = JSON.stringify(wanted.map(({ run, enabled, ...rest }) => rest));
  // biome-ignore lint/correctness/useExhaustiveDependencies: the shape stands for the list; its functions are read late.
  useEffect(
    () =>
      registerActions(
        latest.current.map((action, index) => ({
          ...action,
          run: () => latest.current[index]?.run(),
          enabled: () => latest.current[index]?.enabled?.() ?? true,
        })),
      ),
    [shape],
  );
}

/** Registers entries for the palette while the component is mounted; the source is read late. */
export function useEntries(source: EntrySource): void {
  const latest = useRef(source);
  useLayoutEffect(() => {
    latest.current = source;
  });
  useEffect(() => registerEntries(() => latest.current()), []);
}

/** The first combination of an action, if it has one. */
export function comboOf(action: Action): string | undefined {
  return typeof action.combo === 'string' ? action.combo : action.combo?.[0];
}

/** All combinations of an action. */
export function combosOf(action: Action): readonly string[] {
  return typeof action.combo === 'string' ? [action.combo] : (action.combo ?? []);
}
