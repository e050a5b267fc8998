/** The facts of a task, each saved when it is left: title, agent, project, priority, deadline, what it waits for, tags. */
import { Textarea, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Attachment, Card, Change, TaskId, TaskPatch } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { Button, IconButton } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { Segmented } from '@/components/controls/Segmented';
import { PickDialog } from '@/components/dialog/PickDialog';
import { toast } from '@/components/feedback/toasts';
import { Icon, type IconName } from '@/components/icons/icons';
import { StatusSign } from '@/components/status/StatusSign';
import { useNox } from '@/sync/context';
import { useCard } from '@/sync/hooks';
import { useSend } from '@/sync/send';
import { AgentField, ProjectField } from './fields';
import s from './Task.module.css';
import { PRIORITIES, TASK } from './text';

/** Sends one change; the error of the field that it was about, or a toast. */
function usePatch(card: Card) {
  const send = useSend();
  const [errors, setErrors] = useState<Readonly<Record<string, string>>>({});
  const patch = async (change: TaskPatch): Promise<boolean> => {
    const [field = ''] = Object.keys(change);
    try {
      await send('changeTask', { task: card.task.id, patch: change }, { about: [card.task.id] });
      setErrors(({ [field]: _, ...rest }) => rest);
      return true;
    } catch (thrown) {
      const { message, hint } = asNoxError(thrown);
      setErrors((known) => ({ ...known, [field]: [message, hint].filter(Boolean).join(' ') }));
      return false;
    }
  };
  return { patch, errors };
}

function orClear<T>(value: T | null): Change<T> {
  return value === null ? 'clear' : { set: value };
}

export function TitleField({ card }: { card: Card }) {
  const { patch, errors } = usePatch(card);
  const [title, setTitle] = useState(card.task.title);
  const save = () => {
    const wanted = title.replace(/\s+/g, ' ').trim();
    if (wanted !== '' && wanted !== card.task.title) void patch({ title: wanted });
    else setTitle(card.task.title);
  };
  return (
    <Field label={TASK.name} layout="top" error={errors.title}>
      <Textarea
        className={s.title}
        value={title}
        autosize
        maxRows={4}
        readOnly={card.task.read_only}
        onChange={(event) => setTitle(event.currentTarget.value)}
        onBlur={save}
        onKeyDown={(event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          event.currentTarget.blur();
        }}
      />
    </Field>
  );
}

export function TaskFacts({ card }: { card: Card }) {
  const { task } = card;
  const { patch, errors } = usePatch(card);
  const locked = task.read_only;
  return (
    <section className={s.section}>
      <AgentField
        value={task.agent}
        disabled={locked}
        error={errors.agent}
        onChange={(agent) => void patch({ agent: orClear(agent) })}
      />
      <ProjectField
        value={task.project}
        disabled={locked}
        error={errors.project}
        onChange={(project) => void patch({ project: orClear(project) })}
      />
      <div className={s.pair}>
        <span className={s.label}>{TASK.priority}</span>
        <Segmented
          label={TASK.priority}
          className={s.short}
          value={task.priority}
          options={locked ? PRIORITIES.map((each) => ({ ...each, disabled: true })) : PRIORITIES}
          onChange={(priority) => void patch({ priority })}
        />
      </div>
      <Field label={TASK.deadline} error={errors.deadline}>
        <TextInput
          type="date"
          key={task.deadline}
          defaultValue={task.deadline ?? ''}
          disabled={locked}
          onBlur={(event) => {
            const day = event.currentTarget.value || null;
            if (day !== task.deadline) void patch({ deadline: orClear(day) });
          }}
        />
      </Field>
      <Tags key={task.tags.join()} card={card} error={errors.tags} onSave={(tags) => void patch({ tags })} />
      <Dependencies card={card} error={errors.depends_on} onChange={(ids) => void patch({ depends_on: ids })} />
      <Attachments card={card} onChange={(attachments) => void patch({ attachments })} />
    </section>
  );
}

function Tags(props: { card: Card; error: string | undefined; onSave: (tags: string[]) => void }) {
  const { tags } = props.card.task;
  const [text, setText] = useState(tags.join(', '));
  const save = () => {
    const wanted = [...new Set(text.split(',').map((tag) => tag.trim()))].filter(Boolean);
    if (wanted.join() !== tags.join()) props.onSave(wanted);
  };
  return (
    <Field label={TASK.tags} error={props.error} hint={tags.length === 0 ? TASK.tagsHint : undefined}>
      <TextInput
        value={text}
        disabled={props.card.task.read_only}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={save}
      />
    </Field>
  );
}

interface DependenciesProps {
  card: Card;
  error: string | undefined;
  onChange: (ids: TaskId[]) => void;
}

function Dependencies({ card, error, onChange }: DependenciesProps) {
  const { mirror } = useNox();
  const [asking, setAsking] = useState(false);
  const { id, depends_on: ids, read_only: locked } = card.task;
  const options = useMemo(() => {
    if (!asking) return [];
    return mirror.cards
      .all()
      .filter((other) => other.task.id !== id && !ids.includes(other.task.id) && other.column !== 'done')
      .map((other) => ({
        id: other.task.id,
        label: other.task.title,
        sign: <StatusSign sign={other.status.sign} />,
      }));
  }, [asking, mirror, id, ids]);
  return (
    <div className={s.pair}>
      <span className={s.label}>{TASK.dependsOn}</span>
      <div className={s.things}>
        {ids.map((other) => (
          <Dependency
            key={other}
            id={other}
            locked={locked}
            onRemove={() => onChange(ids.filter((each) => each !== other))}
          />
        ))}
        {!locked && (
          <Button size="sm" icon="plus" onClick={() => setAsking(true)}>
            {TASK.addDependency}
          </Button>
        )}
        {error && (
          <p className={s.problem} role="alert">
            <StatusSign sign="failed" size="sm" />
            {error}
          </p>
        )}
      </div>
      <PickDialog
        opened={asking}
        title={TASK.dependsOn}
        options={options}
        find={TASK.find}
        none={TASK.none}
        onClose={() => setAsking(false)}
        onPick={(other) => {
          setAsking(false);
          onChange([...ids, other]);
        }}
      />
    </div>
  );
}

function Dependency({ id, locked, onRemove }: { id: TaskId; locked: boolean; onRemove: () => void }) {
  const card = useCard(id);
  const title = card?.task.title ?? id;
  return (
    <div className={s.thing}>
      <StatusSign sign={card?.status.sign ?? 'unknown'} />
      <span className={s.cut} title={title}>
        {title}
      </span>
      {!locked && <IconButton icon="close" size="sm" label={TASK.removeDependency(title)} onClick={onRemove} />}
    </div>
  );
}

const SIGNS: Record<Attachment['kind'], IconName> = { document: 'document', path: 'folder', link: 'link' };

function nameOf(attachment: Attachment): string {
  if (attachment.kind === 'document') return attachment.name;
  if (attachment.kind === 'link') return attachment.url;
  return attachment.path.split(/[\\/]/).filter(Boolean).at(-1) ?? attachment.path;
}

function Attachments({ card, onChange }: { card: Card; onChange: (attachments: Attachment[]) => void }) {
  const { bridge } = useNox();
  const { attachments, read_only: locked } = card.task;
  if (attachments.length === 0) return null;
  const show = (act: Promise<void>) => {
    act.catch((thrown) => toast({ text: asNoxError(thrown).message, sign: 'failed' }));
  };
  return (
    <div className={s.pair}>
      <span className={s.label}>{TASK.attachments}</span>
      <div className={s.things}>
        {attachments.map((attachment) => {
          const name = nameOf(attachment);
          return (
            <div key={JSON.stringify(attachment)} className={s.thing}>
              <Icon name={SIGNS[attachment.kind]} size="sm" />
              {attachment.kind === 'document' ? (
                <span className={s.cut} title={name}>
                  {name}
                </span>
              ) : (
                <button
                  type="button"
                  className={s.link}
                  title={attachment.kind === 'path' ? attachment.path : attachment.url}
                  onClick={() =>
                    show(
                      attachment.kind === 'path'
                        ? bridge.revealPath(attachment.path)
                        : bridge.openExternal(attachment.url),
                    )
                  }
                >
                  {name}
                </button>
              )}
              {!locked && (
                <IconButton
                  icon="close"
                  size="sm"
                  label={TASK.removeAttachment(name)}
                  onClick={() => onChange(attachments.filter((each) => each !== attachment))}
                />
              )}
            </div>
          );
        })}
      </div>
    </div>
  );
}
