// A session's conversation: opens at its end, is held there only if it was there, and reads backwards page by page.
//
// Only what is in sight is drawn. Earlier pages are put in front without moving what is read; what comes while somebody
// reads further up is counted on a button.
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { EmptyState } from '@/components/feedback/EmptyState';
import { Loading, SkeletonBar } from '@/components/feedback/Skeleton';
import type { Conversation as Conversed } from '@/sync/conversation';
import { useConversationView } from '@/sync/hooks';
import type { ItemId, SessionView } from '../../bindings/nox';
import s from './Conversation.module.css';
import { EndLine } from './EndLine';
import { ItemView } from './ItemView';
import { CONVERSATION, SESSIONS } from './text';
import { Unfolding, UnfoldingContext } from './unfolding';

export interface ConversationProps {
  conversation: Conversed;
  view: SessionView;
}

export function Conversation({ conversation, view }: ConversationProps) {
  const { state, order, error } = useConversationView(conversation);
  if (state === 'failed') {
    return (
      <div className={s.failed}>
        <Banner
          tone="error"
          title={CONVERSATION.failed}
          actions={<Button onClick={() => void conversation.open()}>{CONVERSATION.tryAgain}</Button>}
        >
          {error?.message} {error?.hint}
        </Banner>
      </div>
    );
  }
  if (state === 'loading' && order.length === 0) return <ConversationWaits />;
  return <Log conversation={conversation} view={view} />;
}

/** Before the first item is here. */
export function ConversationWaits() {
  return (
    <Loading>
      <div className={s.waits}>
        <SkeletonBar width={70} tall />
        <SkeletonBar width={92} tall />
        <SkeletonBar width={56} tall />
      </div>
    </Loading>
  );
}

/** Pixels: what an item is taken for until it was measured. */
const GUESS_PX = 96;
/** Pixels above the first item: says that there is more, or that this is the beginning. */
const TOP_PX = 40;
/** Earlier items are asked for when this few are left above. */
const AHEAD = 12;
/** Pixels from the end that still count as the end. */
const END_PX = 24;

function Log({ conversation, view }: ConversationProps) {
  const { order, more, loadingEarlier, error } = useConversationView(conversation);
  const box = useRef<HTMLDivElement>(null);
  const [unfolding] = useState(() => new Unfolding());
  const count = order.length + 1;
  const rows = useVirtualizer({
    count,
    getScrollElement: () => box.current,
    estimateSize: () => GUESS_PX,
    getItemKey: (index) => order[index] ?? 'end',
    paddingStart: TOP_PX,
    overscan: 6,
    anchorTo: 'end',
    scrollEndThreshold: END_PX,
  });

  const { held, fresh, onScroll, toEnd } = useEnd(box, rows, order);

  const firstDrawn = rows.range?.startIndex ?? count;
  const wanted = more && !loadingEarlier && !error && held.opened && firstDrawn < AHEAD;
  useEffect(() => {
    if (wanted) void conversation.loadEarlier();
  }, [wanted, conversation]);

  const items = rows.getVirtualItems();
  return (
    <UnfoldingContext value={unfolding}>
      <div className={s.around}>
        <div
          ref={box}
          className={s.log}
          role="log"
          aria-live="off"
          aria-label={SESSIONS.conversation}
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
          tabIndex={0}
          onScroll={onScroll}
        >
          <div className={s.all} style={{ blockSize: rows.getTotalSize() }}>
            <div className={s.top}>
              <Top
                more={more}
                loading={loadingEarlier}
                failed={error !== null}
                retry={() => void conversation.loadEarlier()}
              />
            </div>
            {items.map((item) => {
              const id = order[item.index];
              return (
                <div
                  key={item.key}
                  ref={rows.measureElement}
                  data-index={item.index}
                  className={s.row}
                  style={{ transform: `translateY(${item.start}px)` }}
                >
                  <div className={s.measure}>
                    {id === undefined ? (
                      <EndLine view={view} />
                    ) : (
                      <ItemView conversation={conversation} id={id} view={view} />
                    )}
                  </div>
                </div>
              );
            })}
          </div>
          {order.length === 0 && <EmptyState title={CONVERSATION.empty} />}
        </div>
        {fresh > 0 && (
          <Button className={s.fresh} icon="arrowDown" onClick={toEnd} title={CONVERSATION.toEnd}>
            {CONVERSATION.fresh(fresh)}
          </Button>
        )}
      </div>
    </UnfoldingContext>
  );
}

function Top({
  more,
  loading,
  failed,
  retry,
}: {
  more: boolean;
  loading: boolean;
  failed: boolean;
  retry: () => void;
}) {
  if (failed && more) {
    return (
      <>
        <span>{CONVERSATION.earlierFailed}</span>
        <Button size="sm" onClick={retry}>
          {CONVERSATION.tryAgain}
        </Button>
      </>
    );
  }
  if (more) return <span>{loading ? CONVERSATION.earlier : ''}</span>;
  return <span>{CONVERSATION.beginning}</span>;
}

type Rows = ReturnType<typeof useVirtualizer<HTMLDivElement, Element>>;

/** Holds the log at its end while it was at its end; else counts what came since. */
function useEnd(box: React.RefObject<HTMLDivElement | null>, rows: Rows, order: readonly ItemId[]) {
  const held = useRef({ atEnd: true, opened: false, height: 0 }).current;
  const [left, setLeft] = useState<ItemId | null>(null);
  const last = order.at(-1) ?? null;

  // Before paint, after everything that is drawn was measured.
  const total = rows.getTotalSize();
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new total is what moves the end.
  useLayoutEffect(() => {
    const element = box.current;
    if (element && held.atEnd) element.scrollTop = element.scrollHeight;
    held.opened = true;
  }, [total, last, held]);

  useEffect(() => {
    const element = box.current;
    if (!element) return;
    // The window or a pane changed its size: what was at the end stays there.
    const observer = new ResizeObserver(() => {
      if (held.atEnd) element.scrollTop = element.scrollHeight;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [box, held]);

  const onScroll = () => {
    const element = box.current;
    if (!element) return;
    const { scrollTop, clientHeight, scrollHeight } = element;
    // Growth scrolls nothing by itself: only a move away from an unchanged end is somebody's wish.
    const end = scrollTop + clientHeight >= scrollHeight - END_PX;
    if (!end && held.atEnd && scrollHeight !== held.height) {
      held.height = scrollHeight;
      element.scrollTop = scrollHeight;
      return;
    }
    held.height = scrollHeight;
    if (end === held.atEnd) return;
    held.atEnd = end;
    setLeft(end ? null : last);
  };
  const toEnd = () => {
    held.atEnd = true;
    setLeft(null);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
    box.current?.focus({ preventScroll: true });
  };
  const fresh = useMemo(() => {
    if (left === null) return 0;
    const at = order.lastIndexOf(left);
    return at < 0 ? 0 : order.length - 1 - at;
  }, [left, order]);
  return { held, fresh, onScroll, toEnd };
}
