// Messages that wait for their turn, in order. Until it has come each can be changed or taken back. A change that was not
// saved before goes back to the person.
import { useEffect, useRef } from 'react';
import { Button, IconButton } from '@/components/controls/Button';
import { Icon } from '@/components/icons/icons';
import { keeping } from '@/components/kept';
import { useHeldFocus } from '@/components/useHeldFocus';
import { useAct } from '@/sync/act';
import type { Conversation } from '@/sync/conversation';
import { useControls, usePending } from '@/sync/hooks';
import type { SessionId, TurnId, WaitingPrompt } from '../../bindings/nox';
import s from './Composer.module.css';
import { WAITING } from './text';

/** A message as it is being changed. */
interface Edit {
  text: string;
  /** What it said before. */
  was: string;
  /** Sent, and not answered yet. */
  saving: boolean;
}

type Edits = Readonly<Record<TurnId, Edit>>;

const NONE: Edits = {};
/** By session. */
const kept = keeping(NONE);

export interface WaitingProps {
  conversation: Conversation;
  session: SessionId;
  /** A change that was not saved before its message's turn began. */
  onLate: (text: string) => void;
  /** Where the next message is written. */
  composer: React.RefObject<HTMLElement | null>;
}

export function Waiting({ conversation, session, onLate, composer }: WaitingProps) {
  const controls = useControls(conversation);
  const waiting = controls?.waiting ?? [];
  const [edits, write] = kept.use(session);
  const list = useRef<HTMLOListElement>(null);
  const focus = useHeldFocus();
  const inHand = useRef(0);
  const turns = waiting.map(({ turn }) => turn).join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: only what waits and what is changed say when to look.
  useEffect(() => {
    if (!controls) return;
    const late = Object.keys(edits).filter((turn) => !waiting.some((each) => each.turn === turn));
    const unsaved = late.filter((turn) => !edits[turn]?.saving);
    if (unsaved.length === 0) return;
    write(Object.fromEntries(Object.entries(edits).filter(([turn]) => !unsaved.includes(turn))));
    const texts = unsaved.flatMap((turn) => edits[turn] ?? []).filter(({ text, was }) => text.trim() && text !== was);
    if (texts.length === 0) return;
    focus.catchBy(composer.current);
    onLate(texts.map(({ text }) => text).join('\n\n'));
  }, [turns, !controls, edits]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when a message has gone.
  useEffect(() => {
    const rows = list.current?.children;
    const next = rows?.[Math.min(inHand.current, rows.length - 1)];
    focus.catchBy(next?.querySelector<HTMLElement>('textarea, button') ?? composer.current);
  }, [turns]);

  const edit = (turn: TurnId, next: Edit | null) =>
    write((now) => {
      const { [turn]: _, ...others } = now;
      return next ? { ...others, [turn]: next } : others;
    });
  if (waiting.length === 0) return null;
  return (
    <section className={s.waiting} aria-label={WAITING.label}>
      <h2 className={s.waitingHead}>{WAITING.count(waiting.length)}</h2>
      <ol ref={list} className={s.queue} {...focus.watch}>
        {waiting.map((prompt, at) => (
          <One
            key={prompt.turn}
            prompt={prompt}
            session={session}
            edit={edits[prompt.turn]}
            onEdit={(next) => edit(prompt.turn, next)}
            onFocus={() => {
              inHand.current = at;
            }}
          />
        ))}
      </ol>
    </section>
  );
}

interface OneProps {
  prompt: WaitingPrompt;
  session: SessionId;
  edit: Edit | undefined;
  onEdit: (edit: Edit | null) => void;
  onFocus: () => void;
}

function One({ prompt: { turn, text, images = [] }, session, edit, onEdit, onFocus }: OneProps) {
  const act = useAct();
  const pending = usePending(turn);
  const about = { about: [turn] };
  const change = useRef<HTMLButtonElement>(null);
  const pressed = useRef(false);
  const focus = useHeldFocus();
  const editing = edit !== undefined;
  const names = images.map(({ name }) => name).join(', ');
  const said = text.trim() === '' ? names : text;
  // biome-ignore lint/correctness/useExhaustiveDependencies: looked at when the change has ended.
  useEffect(() => focus.catchBy(change.current), [editing]);
  const watch = {
    onBlur: focus.watch.onBlur,
    onFocus: () => {
      focus.watch.onFocus();
      onFocus();
    },
  };
  if (!edit) {
    return (
      <li className={s.one} {...watch}>
        <Icon name="queue" size="sm" />
        <span className={s.oneText} title={said}>
          {said}
        </span>
        {images.length > 0 && (
          <span className={s.oneImages} title={names}>
            <Icon name="image" size="sm" />
            {images.length}
            <span className="visually-hidden">{WAITING.images(images.length)}</span>
          </span>
        )}
        <IconButton
          ref={change}
          icon="pencil"
          size="sm"
          label={WAITING.edit(said)}
          pending={pending}
          onClick={() => {
            pressed.current = true;
            onEdit({ text, was: text, saving: false });
          }}
        />
        <IconButton
          icon="close"
          size="sm"
          label={WAITING.withdraw(said)}
          pending={pending}
          onClick={() => void act('withdrawPrompt', { session, turn }, { ...about, done: WAITING.withdrawn })}
        />
      </li>
    );
  }
  const save = async () => {
    if ((edit.text.trim() === '' && images.length === 0) || edit.saving) return;
    if (edit.text === edit.was) {
      onEdit(null);
      return;
    }
    onEdit({ ...edit, saving: true });
    const done = await act('changePrompt', { session, turn, text: edit.text }, about);
    onEdit(done ? null : { ...edit, saving: false });
  };
  return (
    <li className={s.editing} {...watch}>
      <textarea
        className={s.text}
        aria-label={WAITING.editing}
        // biome-ignore lint/a11y/noAutofocus: only when somebody has just asked to write here.
        autoFocus={pressed.current}
        readOnly={edit.saving}
        rows={Math.min(6, Math.max(2, edit.text.split('\n').length))}
        value={edit.text}
        onChange={(event) => onEdit({ ...edit, text: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            onEdit(null);
          }
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          void save();
        }}
      />
      <div className={s.buttons}>
        <Button size="sm" onClick={() => onEdit(null)}>
          {WAITING.stay}
        </Button>
        <Button
          size="sm"
          variant="primary"
          pending={pending || edit.saving}
          disabled={edit.text.trim() === '' && images.length === 0}
          onClick={() => void save()}
        >
          {WAITING.save}
        </Button>
      </div>
    </li>
  );
}
