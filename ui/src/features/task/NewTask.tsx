/**
 * The form of a new task, open while the address says `create=task`. What was typed is kept when it is closed by mistake.
 */
import { Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { AgentId, CreateTask, Priority, ProjectId } from '@/bindings/nox';
import { asNoxError, type NoxError } from '@/bridge/bridge';
import { Button } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { Segmented } from '@/components/controls/Segmented';
import { Dialog } from '@/components/dialog/Dialog';
import { toast } from '@/components/feedback/toasts';
import { useViewParams } from '@/components/layout/viewParams';
import { StatusSign } from '@/components/status/StatusSign';
import { firstLine } from '@/components/words';
import { useAct } from '@/sync/act';
import { useSend } from '@/sync/send';
import { AgentField, ProjectField, RunbookView } from './fields';
import s from './Task.module.css';
import { NEW, PRIORITIES, TASK } from './text';
import { useRunbookCheck } from './useRunbookCheck';
import { useStart } from './useStart';

interface Draft {
  title: string;
  body: string;
  agent: AgentId | null;
  project: ProjectId | null;
  priority: Priority;
  deadline: string;
}

const EMPTY: Draft = { title: '', body: '', agent: null, project: null, priority: 'medium', deadline: '' };

/** Kept outside of the component: closing the form loses nothing. */
let kept: Draft | null = null;

export function NewTask() {
  const [params, setParams] = useViewParams();
  const [start, startDialog] = useStart();
  const opened = params.get('create') === 'task';
  const close = () => setParams({ create: null, column: null });
  return (
    <>
      <Dialog opened={opened} onClose={close} title={NEW.title} size="lg" closable>
        {opened && (
          <Form
            status={params.get('column') === 'backlog' ? 'backlog' : 'todo'}
            project={params.get('project')}
            onClose={close}
            onStart={start}
          />
        )}
      </Dialog>
      {startDialog}
    </>
  );
}

interface FormProps {
  status: 'backlog' | 'todo';
  project: ProjectId | null;
  onClose: () => void;
  onStart: (wanted: { task: string; title: string }) => Promise<void>;
}

function Form({ status, project, onClose, onStart }: FormProps) {
  const send = useSend();
  const act = useAct();
  const [draft, setDraft] = useState<Draft>(() => kept ?? { ...EMPTY, project });
  const [error, setError] = useState<NoxError | null>(null);
  const [pending, setPending] = useState(false);
  const check = useRunbookCheck(draft.body);
  const change = (part: Partial<Draft>) => {
    const next = { ...draft, ...part };
    kept = next;
    setDraft(next);
    setError(null);
  };
  const of = (field: string) => (error?.field === field ? sentence(error) : undefined);

  const create = async (then: 'stay' | 'start') => {
    if (pending) return;
    setPending(true);
    const title = draft.title.trim() || firstLine(draft.body).replace(/^#+\s*/, '');
    const input: CreateTask = { ...draft, status, deadline: draft.deadline || null };
    try {
      const done = await send('createTask', input);
      kept = null;
      onClose();
      if (then === 'start' && done.task) {
        await onStart({ task: done.task, title });
        return;
      }
      toast({
        text: NEW.made(title),
        undo: done.undo ? () => void act('undo', { command: done.command }) : undefined,
      });
    } catch (thrown) {
      setError(asNoxError(thrown));
      setPending(false);
    }
  };

  return (
    <form
      className={s.form}
      onSubmit={(event) => {
        event.preventDefault();
        void create('stay');
      }}
      onKeyDown={(event) => {
        if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        void create('stay');
      }}
    >
      <Field label={NEW.name} layout="top" error={of('title')} hint={NEW.nameHint}>
        <TextInput
          value={draft.title}
          data-autofocus
          onChange={(event) => change({ title: event.currentTarget.value })}
        />
      </Field>
      <Field label={NEW.body} layout="top" error={of('body')}>
        <Textarea
          className={s.editor}
          value={draft.body}
          placeholder={NEW.bodyPlaceholder}
          autosize
          minRows={6}
          maxRows={14}
          onChange={(event) => change({ body: event.currentTarget.value })}
        />
      </Field>
      {check && (check.problem || check.blocks.length > 0) && <RunbookView check={check} />}
      <AgentField value={draft.agent} error={of('agent')} onChange={(agent) => change({ agent })} />
      <ProjectField value={draft.project} error={of('project')} onChange={(chosen) => change({ project: chosen })} />
      <div className={s.pair}>
        <span className={s.label}>{TASK.priority}</span>
        <Segmented
          label={TASK.priority}
          className={s.short}
          value={draft.priority}
          options={PRIORITIES}
          onChange={(priority) => change({ priority })}
        />
      </div>
      <Field label={TASK.deadline} error={of('deadline')}>
        <TextInput
          type="date"
          value={draft.deadline}
          onChange={(event) => change({ deadline: event.currentTarget.value })}
        />
      </Field>
      {error && !['title', 'body', 'agent', 'project', 'deadline'].includes(error.field ?? '') && (
        <div className={s.problem} role="alert">
          <StatusSign sign="failed" size="sm" />
          <span>{sentence(error)}</span>
        </div>
      )}
      <div className={s.buttons}>
        <Button type="button" variant="quiet" onClick={onClose}>
          {NEW.cancel}
        </Button>
        <Button type="button" icon="play" pending={pending} onClick={() => void create('start')}>
          {NEW.createAndStart}
        </Button>
        <Button type="submit" variant="primary" pending={pending} combo="Mod+Enter">
          {NEW.create}
        </Button>
      </div>
    </form>
  );
}

function sentence(error: NoxError): string {
  return error.hint ? `${error.message} ${error.hint}` : error.message;
}
