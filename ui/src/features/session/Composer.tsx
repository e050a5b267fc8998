// Where a person writes to the agent. While it works, a message waits for its turn, or is said into the turn that runs where
// the program takes that; a session that takes none says why. A message that begins with a stroke lists the commands of
// the agent's program.
import { useRef, useState } from 'react';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { keeping } from '@/components/kept';
import { keepClear } from '@/components/layout/lowerBars';
import { StatusSign } from '@/components/status/StatusSign';
import { useAct } from '@/sync/act';
import type { Conversation } from '@/sync/conversation';
import { useControls, usePending } from '@/sync/hooks';
import type { SessionState, SessionView } from '../../bindings/nox';
import s from './Composer.module.css';
import { Dials } from './Dials';
import { Interrupt } from './Interrupt';
import { AddPictures, PictureRow } from './PictureRow';
import { usePictures } from './pictures';
import { COMMANDS, COMPOSER, PICTURES } from './text';
import { type Commands, useCommands } from './useCommands';
import { usePictureDrops } from './usePictureDrops';
import { Waiting } from './Waiting';

/** What was written and not sent, by session. */
const drafts = keeping('');

export interface ComposerProps {
  view: SessionView;
  /** Null until the conversation is watched. */
  conversation: Conversation | null;
}

/** Writes where the caret is; as if it had been typed, as far as the window can. */
function insertText(box: HTMLTextAreaElement, text: string, write: (text: string) => void): void {
  if (document.activeElement === box && document.execCommand?.('insertText', false, text)) return;
  box.setRangeText(text, box.selectionStart, box.selectionEnd, 'end');
  write(box.value);
}

export function Composer({ view, conversation }: ComposerProps) {
  const { row } = view;
  if (row.imported) return null;
  if (!row.takes_prompts) return <p className={s.none}>{COMPOSER.none}</p>;
  if (!conversation) return null;
  return <Writing view={view} conversation={conversation} />;
}

function Writing({ view, conversation }: { view: SessionView; conversation: Conversation }) {
  const { row } = view;
  const act = useAct();
  const [text, setText] = drafts.use(row.id);
  const sending = `prompt:${row.id}`;
  const pending = usePending(sending);
  const [back, setBack] = useState<string | null>(null);
  const box = useRef<HTMLTextAreaElement>(null);
  const offers = useControls(conversation)?.offers;
  const [left, setLeft] = useState<string | null>(null);
  const pictures = usePictures(row.id, offers?.images !== false, setLeft);
  const over = usePictureDrops(box, pictures);
  const commands = useCommands(text, offers?.commands ?? []);
  const waiting = row.waiting_prompts ?? 0;
  const silent = text.trim() === '';
  const empty = silent && pictures.all.length === 0;
  const works = row.state.state === 'running' || row.state.state === 'needs_approval';
  const steers = Boolean(offers?.steers) && works && !row.paused;
  const send = async () => {
    if (empty || pending || pictures.adding) return;
    // Taken out at once, put back when it was refused: in front of what was written meanwhile.
    setText('');
    setLeft(null);
    const { images, putBack } = pictures.take();
    const done = await act('promptSession', { session: row.id, text, images }, { about: [sending] });
    setBack(done ? null : COMPOSER.refused);
    if (done) return;
    setText((now) => before(text, now));
    putBack();
  };
  const sayNow = async () => {
    if (silent || pending || pictures.all.length > 0) return;
    setText('');
    const done = await act('steerSession', { session: row.id, text }, { about: [sending] });
    setBack(done ? null : COMPOSER.refused);
    if (!done) setText((now) => before(text, now));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (commands.found.length > 0 && listKey(event, commands, setText)) return;
    const last = pictures.all.at(-1);
    if (event.key === 'Backspace' && text === '' && last) {
      event.preventDefault();
      pictures.remove(last);
      return;
    }
    if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    void (steers && event.shiftKey ? sayNow() : send());
  };
  const pasteCopiedFiles = async () => {
    const names = await pictures.addCopiedFiles();
    if (names.length > 0 && box.current) insertText(box.current, names.join('\n'), setText);
  };
  const onPaste = (event: React.ClipboardEvent) => {
    const { clipboardData } = event;
    const files = [...clipboardData.files];
    // Spreadsheets and word processors put a picture of the words beside the words.
    if (clipboardData.getData('text/plain')) return;
    if (files.length > 0) {
      event.preventDefault();
      void pictures.addFiles(files);
    } else if (clipboardData.types.includes('text/uri-list')) {
      event.preventDefault();
      void pasteCopiedFiles();
    } else if (clipboardData.types.length === 0) void pictures.addCopied();
  };
  const note = steers ? COMPOSER.steers : noteOf(row.state);
  const listed = commands.found.length > 0;
  return (
    <div ref={keepClear} className={s.composer}>
      <Waiting
        conversation={conversation}
        session={row.id}
        composer={box}
        onLate={(late) => {
          setBack(COMPOSER.late);
          setText((now) => before(late, now));
        }}
      />
      <form
        className={s.form}
        aria-label={COMPOSER.label(row.agent_name)}
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        {over && <p className={s.drop}>{PICTURES.drop}</p>}
        {listed && <CommandList commands={commands} onTake={(next) => setText(next)} />}
        <PictureRow pictures={pictures} composer={box} />
        {left && (
          <p className={s.left} role="alert">
            <StatusSign sign="failed" size="sm" />
            {left}
          </p>
        )}
        <textarea
          ref={box}
          className={s.text}
          aria-label={COMPOSER.label(row.agent_name)}
          aria-keyshortcuts="Control+Enter Meta+Enter"
          aria-autocomplete={offers?.commands?.length ? 'list' : undefined}
          // A text of several lines may not have the role of a combobox: it says what comes up beside it.
          aria-haspopup={listed ? 'listbox' : undefined}
          aria-controls={listed ? commands.listId : undefined}
          aria-activedescendant={listed ? commands.optionId(commands.active) : undefined}
          placeholder={
            offers?.commands?.length ? COMPOSER.orCommand(row.agent_name) : COMPOSER.placeholder(row.agent_name)
          }
          rows={Math.min(10, Math.max(2, text.split('\n').length))}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onPaste={onPaste}
        />
        <div className={s.line}>
          <AddPictures pictures={pictures} />
          <Dials conversation={conversation} view={view} />
          <p className={s.note} role="status">
            {back ?? (waiting > 0 && !steers ? COMPOSER.waiting(waiting) : note)}
          </p>
          <div className={s.buttons}>
            <Interrupt row={row} />
            {steers && (
              <Button
                icon="steer"
                combo="Mod+Shift+Enter"
                showKey={!silent}
                pending={pending}
                disabled={silent || pictures.all.length > 0}
                title={pictures.all.length > 0 ? PICTURES.notNow : COMPOSER.sayNowWhat}
                onClick={() => void sayNow()}
              >
                {COMPOSER.sayNow}
              </Button>
            )}
            <Button
              variant="primary"
              type="submit"
              combo="Mod+Enter"
              showKey={!empty}
              pending={pending || pictures.adding}
              disabled={empty}
            >
              {steers ? COMPOSER.queue : COMPOSER.send}
            </Button>
          </div>
        </div>
      </form>
    </div>
  );
}

/** Whether the key was for the list of commands. */
function listKey(event: React.KeyboardEvent, commands: Commands, setText: (text: string) => void): boolean {
  const offer = commands.found[commands.active];
  if (event.key === 'ArrowDown') commands.move(1);
  else if (event.key === 'ArrowUp') commands.move(-1);
  else if (event.key === 'Escape') commands.close();
  else if (offer && (event.key === 'Tab' || (event.key === 'Enter' && !event.ctrlKey && !event.metaKey))) {
    setText(commands.taken(offer));
  } else return false;
  event.preventDefault();
  event.stopPropagation();
  return true;
}

function CommandList({ commands, onTake }: { commands: Commands; onTake: (text: string) => void }) {
  return (
    // The focus stays in the message; the active one is told by aria-activedescendant.
    <div className={s.commands} role="listbox" id={commands.listId} aria-label={COMMANDS.label}>
      {commands.found.map((offer, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the message, which keeps the focus.
        <div
          key={offer.id}
          role="option"
          tabIndex={-1}
          id={commands.optionId(index)}
          aria-selected={index === commands.active}
          className={cx(s.command, index === commands.active && s.active)}
          // The focus must not leave the message.
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => onTake(commands.taken(offer))}
        >
          <code>/{offer.name}</code>
          <span className={s.about}>{offer.description}</span>
        </div>
      ))}
    </div>
  );
}

/** Both texts, the earlier one first. */
const before = (text: string, now: string): string => (now.trim() === '' ? text : `${text}\n\n${now}`);

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
    case 'rate_limited':
      return COMPOSER.limited;
    default:
      return COMPOSER.works;
  }
}
