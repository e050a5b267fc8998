// Messages that wait for their turn, in order. Until it has come each can be changed or taken back.
import { useState } from 'react';
import { Button, IconButton } from '@/components/controls/Button';
import { Icon } from '@/components/icons/icons';
import { useAct } from '@/sync/act';
import type { Conversation } from '@/sync/conversation';
import { useControls, usePending } from '@/sync/hooks';
import type { SessionId, WaitingPrompt } from '../../bindings/nox';
import s from './Composer.module.css';
import { WAITING } from './text';

export function Waiting({ conversation, session }: { conversation: Conversation; session: SessionId }) {
  const waiting = useControls(conversation)?.waiting ?? [];
  if (waiting.length === 0) return null;
  return (
    <section className={s.waiting} aria-label={WAITING.label}>
      <h2 className={s.waitingHead}>{WAITING.count(waiting.length)}</h2>
      <ol className={s.queue}>
        {waiting.map((prompt) => (
          <One key={prompt.turn} prompt={prompt} session={session} />
        ))}
      </ol>
    </section>
  );
}

function One({ prompt: { turn, text }, session }: { prompt: WaitingPrompt; session: SessionId }) {
  const act = useAct();
  const pending = usePending(turn);
  const [draft, setDraft] = useState<string | null>(null);
  const about = { about: [turn] };
  if (draft === null) {
    return (
      <li className={s.one}>
        <Icon name="queue" size="sm" />
        <span className={s.oneText} title={text}>
          {text}
        </span>
        <IconButton icon="pencil" size="sm" label={WAITING.edit(text)} onClick={() => setDraft(text)} />
        <IconButton
          icon="close"
          size="sm"
          label={WAITING.withdraw(text)}
          onClick={() => void act('withdrawPrompt', { session, turn }, { ...about, done: WAITING.withdrawn })}
        />
      </li>
    );
  }
  const save = async () => {
    if (draft.trim() === '') return;
    if (draft === text || (await act('changePrompt', { session, turn, text: draft }, about))) setDraft(null);
  };
  return (
    <li className={s.editing}>
      <textarea
        className={s.text}
        aria-label={WAITING.editing}
        // biome-ignore lint/a11y/noAutofocus: somebody has just asked to write here.
        autoFocus
        rows={Math.min(6, Math.max(2, draft.split('\n').length))}
        value={draft}
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            setDraft(null);
          }
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          void save();
        }}
      />
      <div className={s.buttons}>
        <Button size="sm" onClick={() => setDraft(null)}>
          {WAITING.stay}
        </Button>
        <Button
          size="sm"
          variant="primary"
          pending={pending}
          disabled={draft.trim() === ''}
          onClick={() => void save()}
        >
          {WAITING.save}
        </Button>
      </div>
    </li>
  );
}
