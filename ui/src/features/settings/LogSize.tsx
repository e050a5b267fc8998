// How large the log is, and packing old sessions now instead of with the next round. While that goes on it is asked often.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { Button } from '@/components/controls/Button';
import { announce } from '@/components/feedback/announce';
import { sizeText } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useSettings } from '@/sync/hooks';
import type { CompactionView, LogPolicy } from '../../bindings/nox';
import s from './Settings.module.css';
import { LOG_SIZE } from './text';

const KEY = ['log'];
/** Between two looks at what is under way. */
const LOOK_MS = 500;

export function LogSize() {
  const { bridge } = useNox();
  const act = useAct();
  const client = useQueryClient();
  const policy = useSettings()?.log_policy;
  const { data, error } = useQuery({
    queryKey: KEY,
    queryFn: () => bridge.log({}),
    refetchInterval: ({ state }) => (isUnderWay(state.data?.compaction) ? LOOK_MS : false),
    gcTime: 0,
  });
  const compaction = data?.compaction ?? null;
  const busy = isUnderWay(compaction);
  const wasBusy = useRef(false);
  const end = compaction && policy && !busy ? told(compaction, policy) : '';
  useEffect(() => {
    if (wasBusy.current && !busy && end) announce(end);
    wasBusy.current = busy;
  }, [busy, end]);
  if (!policy) return null;
  const changed = () => void client.invalidateQueries({ queryKey: KEY });
  return (
    <div className={s.line}>
      <span className={s.label}>{LOG_SIZE.label}</span>
      <div className={s.value}>
        <p className={s.plain}>
          {data ? LOG_SIZE.size(sizeText(data.bytes), sizeText(data.free_bytes)) : (error?.message ?? LOG_SIZE.reading)}
        </p>
        {data && data.archived_events > 0 && (
          <p className={s.hint}>{LOG_SIZE.archived(data.archived_events, sizeText(data.archived_bytes))}</p>
        )}
        {data && data.pruned_events > 0 && <p className={s.hint}>{LOG_SIZE.pruned(data.pruned_events)}</p>}
        {policy !== 'keep' && (
          <>
            <Button
              className={s.start}
              icon="document"
              pending={busy}
              onClick={() => void act('compactLog', {}, { changed })}
            >
              {LOG_SIZE.compact}
            </Button>
            {/* Its figures change all the time: only its end is read out. */}
            <p className={s.hint}>{compaction ? told(compaction, policy) : LOG_SIZE.compactHint}</p>
            {busy && <progress className={s.progress} aria-label={LOG_SIZE.compact} />}
          </>
        )}
      </div>
    </div>
  );
}

function isUnderWay(compaction: CompactionView | null | undefined): boolean {
  return compaction != null && compaction.step !== 'done';
}

function told({ step, sessions, events, freed_bytes: freed, problem }: CompactionView, policy: LogPolicy): string {
  switch (step) {
    case 'waiting':
      return LOG_SIZE.waiting;
    case 'packing':
      return LOG_SIZE.packing(policy, sessions, events);
    case 'shrinking':
      return LOG_SIZE.shrinking;
    case 'done':
      if (problem) return LOG_SIZE.ended(problem);
      return `${LOG_SIZE.did(policy, sessions, events)} ${freed === null ? LOG_SIZE.notShrunk : LOG_SIZE.freed(sizeText(freed))}`;
  }
}
