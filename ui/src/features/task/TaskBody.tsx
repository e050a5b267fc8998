/** The text of a task: read as Markdown, edited as it is. A draft that is not saved outlives a change of the selection. */
import { Textarea } from '@mantine/core';
import { useState } from 'react';
import type { Card, TaskDetail, TaskId } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { Button } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { Markdown } from '@/components/text/Markdown';
import { useNox } from '@/sync/context';
import { useSend } from '@/sync/send';
import { RunbookView } from './fields';
import s from './Task.module.css';
import { TASK } from './text';
import { useRunbookCheck } from './useRunbookCheck';

interface Draft {
  text: string;
  /** The file that it was made from: a newer one is merged with it by the engine. */
  base: string;
}

const drafts = new Map<TaskId, Draft>();

export function TaskBody({ card, detail }: { card: Card; detail: TaskDetail }) {
  const { bridge } = useNox();
  const { id, hash, read_only: readOnly } = card.task;
  const [editing, setEditing] = useState(() => drafts.has(id));
  const problem = detail.block_problem;
  return (
    <section className={s.section}>
      <div className={s.headRow}>
        <h3 className={s.heading}>{TASK.body}</h3>
        {!editing && !readOnly && (
          <Button
            size="sm"
            variant="quiet"
            icon="pencil"
            onClick={() => {
              drafts.set(id, { text: detail.body, base: hash });
              setEditing(true);
            }}
          >
            {TASK.edit}
          </Button>
        )}
      </div>
      {editing ? (
        <Editor id={id} fallback={{ text: detail.body, base: hash }} onClose={() => setEditing(false)} />
      ) : (
        <>
          {detail.body.trim() === '' ? (
            <p className={s.quiet}>{TASK.bodyEmpty}</p>
          ) : (
            <Markdown text={detail.body} onOpenLink={(url) => void bridge.openExternal(url)} />
          )}
          {(problem || detail.blocks.length > 0) && <RunbookView check={{ blocks: detail.blocks, problem }} />}
        </>
      )}
    </section>
  );
}

function Editor({ id, fallback, onClose }: { id: TaskId; fallback: Draft; onClose: () => void }) {
  const send = useSend();
  const [draft, setDraft] = useState<Draft>(() => drafts.get(id) ?? fallback);
  const [error, setError] = useState<string | undefined>();
  const [pending, setPending] = useState(false);
  const check = useRunbookCheck(draft.text);
  const close = () => {
    drafts.delete(id);
    onClose();
  };
  const save = async () => {
    setPending(true);
    try {
      await send('changeTask', { task: id, patch: { body: draft.text }, base: draft.base }, { about: [id] });
      close();
    } catch (thrown) {
      const { message, hint } = asNoxError(thrown);
      setError([TASK.notSaved, message, hint].filter(Boolean).join(' '));
      setPending(false);
    }
  };
  return (
    <>
      <Field label={TASK.body} layout="top" error={error}>
        <Textarea
          className={s.editor}
          value={draft.text}
          autosize
          minRows={8}
          maxRows={24}
          autoFocus
          onChange={(event) => {
            const next = { ...draft, text: event.currentTarget.value };
            drafts.set(id, next);
            setDraft(next);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Escape') event.stopPropagation();
            if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
            event.preventDefault();
            void save();
          }}
        />
      </Field>
      {check && (check.problem || check.blocks.length > 0) && <RunbookView check={check} />}
      <div className={s.actions}>
        <Button variant="primary" combo="Mod+Enter" pending={pending} onClick={() => void save()}>
          {TASK.save}
        </Button>
        <Button onClick={close}>{TASK.discard}</Button>
      </div>
    </>
  );
}
