// Where a person writes to the agent. While it works, a message waits for its turn; a session that takes none says why.
import { useState, useSyncExternalStore } from 'react';
import { Button } from '@/components/controls/Button';
import { useAct } from '@/sync/act';
import { usePending } from '@/sync/hooks';
import type { SessionId, SessionState, SessionView } from '../../bindings/nox';
import s from './Composer.module.css';
import { Interrupt } from './Interrupt';
import { COMPOSER } from './text';

export function Composer({ view }: { view: SessionView }) {
  const { row } = view;
  if (row.imported) return null;
  if (!row.takes_prompts) return <p className={s.none}>{COMPOSER.none}</p>;
  return <Writing view={view} />;
}

function Writing({ view: { row } }: { view: SessionView }) {
  const act = useAct();
  const [text, setText] = useDraft(row.id);
  const sending = `prompt:${row.id}`;
  const pending = usePending(sending);
  const [refused, setRefused] = useState(false);
  const waiting = row.waiting_prompts ?? 0;
  const empty = text.trim() === '';
  const send = async () => {
    if (empty || pending) return;
    // Taken out at once, put back when it was refused and nothing else was written meanwhile.
    setText('');
    const done = await act('promptSession', { session: row.id, text }, { about: [sending] });
    setRefused(!done);
    if (!done) setText((now) => now || text);
  };
  return (
    <form
      className={s.composer}
      aria-label={COMPOSER.label(row.agent_name)}
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <textarea
        className={s.text}
        aria-label={COMPOSER.label(row.agent_name)}
        aria-keyshortcuts="Control+Enter Meta+Enter"
        placeholder={COMPOSER.placeholder(row.agent_name)}
        rows={Math.min(10, Math.max(2, text.split('\n').length))}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey) || event.nativeEvent.isComposing) return;
          event.preventDefault();
          void send();
        }}
      />
      <div className={s.line}>
        <p className={s.note} role="status">
          {refused ? COMPOSER.refused : waiting > 0 ? COMPOSER.waiting(waiting) : noteOf(row.state)}
        </p>
        <Interrupt row={row} />
        <Button variant="primary" type="submit" combo="Mod+Enter" showKey={!empty} pending={pending} disabled={empty}>
          {COMPOSER.send}
        </Button>
      </div>
    </form>
  );
}

function noteOf(state: SessionState): string {
  switch (state.state) {
    case 'idle':
      return COMPOSER.standsBy;
    case 'hibernated':
      return COMPOSER.asleep;
    case 'closed':
      return COMPOSER.over;
    case 'paused':
      return COMPOSER.paused;
    default:
      return COMPOSER.works;
  }
}

// What was written and not sent outlives leaving the session; it is gone with the window.
const drafts = new Map<SessionId, string>();
const listeners = new Set<() => void>();

function useDraft(id: SessionId): [string, (change: string | ((now: string) => string)) => void] {
  const text = useSyncExternalStore(subscribe, () => drafts.get(id) ?? '');
  const write = (change: string | ((now: string) => string)) => {
    const next = typeof change === 'string' ? change : change(drafts.get(id) ?? '');
    if (next === '') drafts.delete(id);
    else drafts.set(id, next);
    for (const listener of [...listeners]) listener();
  };
  return [text, write];
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
  };
}
