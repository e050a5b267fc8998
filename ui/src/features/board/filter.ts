/**
 * Which cards are shown. The filter lives in the address, so that a view can be kept and gone back to.
 */
import { useCallback, useMemo } from 'react';
import type { Card, TaskId } from '@/bindings/nox';
import { useViewParams } from '@/components/layout/viewParams';

export interface BoardFilter {
  text: string;
  project: string | null;
  agent: string | null;
  cancelled: boolean;
}

/** Whether the filter leaves anything out besides cancelled tasks. */
export function isFiltering(filter: BoardFilter): boolean {
  return filter.text.trim() !== '' || filter.project !== null || filter.agent !== null;
}

/** Rows are replaced, never changed: what was put together for one stays right as long as the row lives. */
const texts = new WeakMap<Card, string>();

function searchable(card: Card): string {
  let text = texts.get(card);
  if (text === undefined) {
    const { title, tags, id } = card.task;
    text = `${title} ${tags.join(' ')} ${id}`.toLowerCase();
    texts.set(card, text);
  }
  return text;
}

/** Every word must stand in the title, the tags or the id. */
export function fits(card: Card, filter: BoardFilter): boolean {
  const { task } = card;
  if (task.status === 'cancelled' && !filter.cancelled) return false;
  if (filter.project !== null && task.project !== filter.project) return false;
  if (filter.agent !== null && task.agent !== filter.agent) return false;
  const words = filter.text.trim().toLowerCase();
  if (words === '') return true;
  const text = searchable(card);
  return words.split(/\s+/).every((word) => text.includes(word));
}

export function filterIds(ids: readonly TaskId[], card: (id: TaskId) => Card | undefined, filter: BoardFilter) {
  return ids.filter((id) => {
    const row = card(id);
    return row !== undefined && fits(row, filter);
  });
}

export function useBoardFilter(): [BoardFilter, (change: Partial<BoardFilter>) => void] {
  const [params, setParams] = useViewParams();
  const text = params.get('q') ?? '';
  const project = params.get('project');
  const agent = params.get('agent');
  const cancelled = params.get('cancelled') === '1';
  const filter = useMemo(() => ({ text, project, agent, cancelled }), [text, project, agent, cancelled]);
  const change = useCallback(
    (next: Partial<BoardFilter>) =>
      setParams({
        q: next.text === '' ? null : next.text,
        project: next.project,
        agent: next.agent,
        cancelled: next.cancelled === undefined ? undefined : next.cancelled ? '1' : null,
      }),
    [setParams],
  );
  return [filter, change];
}
