// One agent: its settings and its prompt, written here and saved explicitly. What is not saved is marked, survives going
// elsewhere, and is never lost to an error or to a change of the files.
import { Switch } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { asNoxError, type NoxError } from '@/bridge/bridge';
import { useActions } from '@/components/actions/registry';
import { Button, IconButton } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { toast } from '@/components/feedback/toasts';
import { Monogram } from '@/components/identity/Monogram';
import { Bar } from '@/components/layout/Bar';
import { StatusText } from '@/components/status/StatusText';
import { useAct } from '@/sync/act';
import { usePending, useProblems } from '@/sync/hooks';
import { useSend } from '@/sync/send';
import type { AgentRow } from '../../bindings/nox';
import { AgentForm } from './AgentForm';
import { AgentProblem } from './AgentProblem';
import s from './Agents.module.css';
import {
  type Draft,
  draftOf,
  EMPTY,
  fieldOf,
  inputOf,
  isChanged,
  keepDraft,
  patchOf,
  useKeptDraft,
  type Wrong,
  wrongIn,
} from './draft';
import { PromptEditor } from './PromptEditor';
import { AGENTS, EDITOR } from './text';

/** No folder can be called so. */
const NEW_KEY = ' new';

/** `row` is null for an agent that is not there yet. */
export function AgentEditor({ row }: { row: AgentRow | null }) {
  const [, navigate] = useLocation();
  const act = useAct();
  const send = useSend();
  const key = row?.agent.id ?? NEW_KEY;
  const pending = usePending(row?.agent.id);
  const problems = useProblems().filter(({ path }) => row && path.startsWith(`agents/${row.agent.id}/`));
  const kept = useKeptDraft(key);
  // Between the answer and the row that follows it, what was saved is shown, not what was before.
  const [saved, setSaved] = useState<{ draft: Draft; version: string } | null>(null);
  const current = !row ? EMPTY : saved?.version === row.version ? saved.draft : draftOf(row.agent);
  const base = kept?.base ?? current;
  const draft = kept?.draft ?? current;
  const changed = kept !== undefined;
  const [saving, setSaving] = useState(false);
  const [shownWrong, setShownWrong] = useState(false);
  const [error, setError] = useState<NoxError | null>(null);
  const editor = useRef<HTMLDivElement>(null);
  /** Rises when something that is written was not taken. */
  const [refusals, setRefusals] = useState(0);
  useEffect(() => {
    if (refusals === 0) return;
    // What is wrong may be out of sight, in a part that has only now opened.
    const first = editor.current?.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]');
    first?.scrollIntoView({ block: 'center' });
    first?.focus({ preventScroll: true });
  }, [refusals]);
  const refused = error?.field ? fieldOf(error.field) : undefined;
  const found: Wrong = shownWrong ? wrongIn(draft) : {};
  const wrong: Wrong =
    refused && error ? { ...found, [refused]: [error.message, error.hint].filter(Boolean).join(' ') } : found;

  const write = (change: Partial<Draft>) => {
    setError(null);
    const next = { ...draft, ...change };
    const version = kept?.version ?? row?.version ?? '';
    keepDraft(key, isChanged(next, base) ? { base, draft: next, version } : null);
  };
  const notTaken = (problem: NoxError | null) => {
    setError(problem);
    if (problem) setRefusals((count) => count + 1);
  };
  const discard = () => {
    keepDraft(key, null);
    setError(null);
    setShownWrong(false);
    if (!row) navigate(routes.agents());
  };
  const save = async () => {
    if (saving || (row && !changed)) return;
    setShownWrong(true);
    if (Object.keys(wrongIn(draft)).length > 0) {
      setRefusals((count) => count + 1);
      return;
    }
    setSaving(true);
    try {
      if (row) {
        // What came after the last look would be overwritten unseen. What was saved last is not seen as a row yet.
        const seen = saved?.version === row.version ? null : row.version;
        await send(
          'changeAgent',
          { agent: row.agent.id, patch: patchOf(draft, base), base: seen },
          { about: [row.agent.id] },
        );
        setSaved({ draft, version: row.version });
        toast({ text: EDITOR.saved(draft.name.trim()) });
      } else {
        const { limits, life, program, services, ...input } = inputOf(draft);
        const done = await send('createAgent', {
          ...input,
          runtime: draft.runtime,
          review: input.review ?? null,
          environment: input.environment ?? {},
          capabilities: input.capabilities ?? [],
          program: program ?? {},
          services: services ?? {},
          limits: limits ?? {},
          life: life ?? {},
        });
        toast({
          text: AGENTS.created(input.name),
          undo: done.undo ? () => void act('undo', { command: done.command }) : undefined,
        });
        navigate(done.agent ? routes.agent(done.agent) : routes.agents());
      }
      keepDraft(key, null);
      setShownWrong(false);
    } catch (thrown) {
      notTaken(asNoxError(thrown));
    } finally {
      setSaving(false);
    }
  };
  const remove = () => {
    if (!row) return;
    const { id, name } = row.agent;
    void act('deleteAgent', { agent: id }, { about: [id], done: EDITOR.deleted(name) }).then((done) => {
      if (done) navigate(routes.agents());
    });
  };

  const group = AGENTS.title;
  useActions([
    { id: 'agent.save', label: EDITOR.saveAgent, group, combo: 'Mod+S', whileTyping: true, run: () => void save() },
    { id: 'agent.delete', label: EDITOR.deleteAgent, group, icon: 'trash', enabled: () => row !== null, run: remove },
  ]);

  return (
    <>
      <Bar
        end={
          <>
            {changed && <StatusText sign="paused" word={EDITOR.unsaved} size="xs" />}
            {(changed || !row) && <Button onClick={discard}>{EDITOR.discard}</Button>}
            <Button
              variant="primary"
              combo="Mod+S"
              showKey={row === null || changed}
              pending={saving}
              disabled={row !== null && !changed}
              onClick={() => void save()}
            >
              {row ? EDITOR.save : AGENTS.createIt}
            </Button>
            {row && (
              <IconButton icon="trash" variant="danger" label={EDITOR.deleteAgent} pending={pending} onClick={remove} />
            )}
          </>
        }
      >
        <IconButton
          className={s.onlyNarrow}
          icon="arrowLeft"
          label={AGENTS.back}
          onClick={() => navigate(routes.agents())}
        />
        <Monogram name={draft.name || null} />
        <h1 className={s.title}>{row ? row.agent.name : AGENTS.create}</h1>
        {row && (
          <Switch
            size="xs"
            label={EDITOR.enabled}
            title={EDITOR.enabledHint}
            checked={row.agent.enabled}
            onChange={(event) =>
              void act(
                'changeAgent',
                { agent: row.agent.id, patch: { enabled: event.currentTarget.checked } },
                { about: [row.agent.id] },
              )
            }
          />
        )}
      </Bar>
      {(problems.length > 0 || (error && !refused) || (kept && row && kept.version !== row.version)) && (
        <div className={s.banners}>
          {error && !refused && (
            <Banner tone="error" title={EDITOR.notSaved} onClose={() => setError(null)}>
              {error.message} {error.hint}
            </Banner>
          )}
          {kept && row && kept.version !== row.version && (
            <Banner tone="warning" title={EDITOR.changed} actions={<Button onClick={discard}>{EDITOR.discard}</Button>}>
              {EDITOR.changedHint}
            </Banner>
          )}
          {problems.map((problem) => (
            <AgentProblem key={problem.path} problem={problem} />
          ))}
        </div>
      )}
      <div className={s.editor} ref={editor}>
        <AgentForm row={row} base={base} draft={draft} wrong={wrong} onWrite={write} onError={notTaken} />
        <PromptEditor
          text={draft.prompt}
          changed={draft.prompt !== base.prompt}
          onWrite={(prompt) => write({ prompt })}
        />
      </div>
    </>
  );
}
