// What stands in for things that are not here yet: the same boxes, the same heights, no shimmer, and only after 150 ms,
// so that what comes at once never flickers.
import { type ReactNode, useEffect, useState } from 'react';
import s from './Skeleton.module.css';
import { FEEDBACK } from './text';

const PATIENCE_MS = 150;

/** True when `waiting` has lasted 150 ms. */
export function useLate(waiting: boolean): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!waiting) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return waiting && late;
}

/** Shows its children after 150 ms and tells screen readers that something loads. As a fallback of Suspense, too. */
export function Loading({ children }: { children: ReactNode }) {
  const late = useLate(true);
  return (
    <div className={s.loading} role="status" aria-label={FEEDBACK.loading}>
      {late && children}
    </div>
  );
}

/** One bar; its width in percent of what is around it. */
export function SkeletonBar({ width = 100, tall = false }: { width?: number; tall?: boolean }) {
  return <span className={tall ? s.tall : s.bar} style={{ inlineSize: `${width}%` }} />;
}

/** A card of the board. */
export function SkeletonCard() {
  return (
    <div className={s.card}>
      <div className={s.row}>
        <span className={s.square} />
        <SkeletonBar width={36} />
      </div>
      <SkeletonBar width={88} tall />
      <SkeletonBar width={56} tall />
      <SkeletonBar width={36} />
    </div>
  );
}

const WIDTHS = [62, 78, 50, 70, 56, 84];

/** Rows of a list: `double` for two lines each. */
export function SkeletonRows({ count, double = false }: { count: number; double?: boolean }) {
  const rows = Array.from({ length: count }, (_, index) => ({ id: index, width: WIDTHS[index % WIDTHS.length] }));
  return (
    <div className={s.rows}>
      {rows.map(({ id, width = 60 }) => (
        <div key={id} className={double ? s.doubleRow : s.oneRow}>
          <span className={s.square} />
          <div className={s.lines}>
            <SkeletonBar width={width} />
            {double && <SkeletonBar width={width / 2} />}
          </div>
        </div>
      ))}
    </div>
  );
}
