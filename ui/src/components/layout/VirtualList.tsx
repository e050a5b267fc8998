// A long list of rows of one fixed height. Only what is in sight is drawn; the arrows, J and K walk, Home and End jump.
// One tab stop: the list itself; the row that is meant is told by `aria-activedescendant`.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useId, useRef } from 'react';
import { cx } from '../cx';
import s from './VirtualList.module.css';

export interface VirtualListProps<T> {
  label: string;
  items: readonly T[];
  idOf: (item: T) => string;
  /** Height of every row in pixels, as its style sheet says: 30, 34 or 48. */
  rowHeight: number;
  /** What a row shows. The row's box, selection and focus are drawn here. */
  render: (item: T, state: { selected: boolean }) => React.ReactNode;
  selected?: string | null | undefined;
  onSelect: (id: string, item: T) => void;
  /** Enter; without it Enter does nothing of its own. */
  onOpen?: ((id: string, item: T) => void) | undefined;
  className?: string | undefined;
}

export function VirtualList<T>(props: VirtualListProps<T>) {
  const { label, items, idOf, rowHeight, render, selected, onSelect, onOpen, className } = props;
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const at = items.findIndex((item) => idOf(item) === selected);
  const rows = useVirtualizer({
    count: items.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    getItemKey: (index) => {
      const item = items[index];
      return item === undefined ? index : idOf(item);
    },
  });

  useEffect(() => {
    if (at >= 0) rows.scrollToIndex(at, { align: 'auto' });
  }, [at, rows]);

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const current = items[at];
    if (event.key === 'Enter' && onOpen && current !== undefined) {
      event.preventDefault();
      onOpen(idOf(current), current);
      return;
    }
    const to = walk(event.key, at, items.length, Math.floor((box.current?.clientHeight ?? rowHeight) / rowHeight));
    const item = to === null ? undefined : items[to];
    if (item === undefined) return;
    event.preventDefault();
    onSelect(idOf(item), item);
  };

  const virtual = rows.getVirtualItems();
  return (
    <div
      ref={box}
      className={cx(s.list, className)}
      role="listbox"
      aria-label={label}
      aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div className={s.all} style={{ blockSize: rows.getTotalSize() }}>
        {virtual.map((row) => {
          const item = items[row.index];
          if (item === undefined) return null;
          const isSelected = row.index === at;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the list has the focus and handles the keys.
            // biome-ignore lint/a11y/useFocusableInteractive: it is named by aria-activedescendant instead.
            <div
              key={row.key}
              id={`${id}-${row.index}`}
              className={cx(s.row, isSelected && s.selected)}
              role="option"
              aria-selected={isSelected}
              aria-setsize={items.length}
              aria-posinset={row.index + 1}
              style={{ blockSize: rowHeight, transform: `translateY(${row.start}px)` }}
              onClick={() => onSelect(idOf(item), item)}
              onDoubleClick={() => onOpen?.(idOf(item), item)}
            >
              {render(item, { selected: isSelected })}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function walk(key: string, at: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const clamp = (to: number) => Math.max(0, Math.min(count - 1, to));
  switch (key) {
    case 'ArrowDown':
    case 'j':
      return clamp(at + 1);
    case 'ArrowUp':
    case 'k':
      return at < 0 ? 0 : clamp(at - 1);
    case 'PageDown':
      return clamp(at + page);
    case 'PageUp':
      return clamp(at - page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
