// The settings of an agent, as far as its runtime has them.
import { Switch, Textarea, TextInput } from '@mantine/core';
import { Button } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { Age } from '@/components/status/Age';
import { useDesktop } from '@/sync/desktop';
import { useEngine } from '@/sync/hooks';
import type { AgentRow } from '../../bindings/nox';
import s from './Agents.module.css';
import type { Draft, Wrong } from './draft';
import { LifeRules, Limits } from './LimitFields';
import { EDITOR } from './text';

export interface AgentFormProps {
  row: AgentRow | null;
  draft: Draft;
  wrong: Wrong;
  onWrite: (change: Partial<Draft>) => void;
}

export function AgentForm({ row, draft, wrong, onWrite }: AgentFormProps) {
  const engine = useEngine();
  const desktop = useDesktop();
  const runtime = row?.agent.runtime ?? 'runbook';
  return (
    <form className={s.form} aria-label={EDITOR.general} onSubmit={(event) => event.preventDefault()}>
      <section className={s.part}>
        <h2>{EDITOR.general}</h2>
        <Field label={EDITOR.name} error={wrong.name} layout="top">
          <TextInput
            value={draft.name}
            placeholder={EDITOR.namePlaceholder}
            onChange={(event) => onWrite({ name: event.currentTarget.value })}
          />
        </Field>
        <Field label={EDITOR.description} error={wrong.description} layout="top">
          <TextInput
            value={draft.description}
            onChange={(event) => onWrite({ description: event.currentTarget.value })}
          />
        </Field>
        <Field label={EDITOR.capabilities} hint={EDITOR.capabilitiesHint} error={wrong.capabilities} layout="top">
          <TextInput
            value={draft.capabilities}
            onChange={(event) => onWrite({ capabilities: event.currentTarget.value })}
          />
        </Field>
      </section>
      <section className={s.part}>
        <h2>{EDITOR.runtime}</h2>
        <p className={s.runtime}>
          {EDITOR.runtimes[runtime]}
          <span>{EDITOR.runtimeHints[runtime]}</span>
        </p>
        <Switch
          size="xs"
          label={EDITOR.review}
          classNames={{ description: s.switchNote }}
          description={EDITOR.reviewHint}
          checked={draft.review}
          onChange={(event) => onWrite({ review: event.currentTarget.checked })}
        />
      </section>
      <Limits draft={draft} wrong={wrong} onWrite={onWrite} />
      <LifeRules draft={draft} wrong={wrong} onWrite={onWrite} />
      <section className={s.part}>
        <Field label={EDITOR.environment} hint={EDITOR.environmentHint} error={wrong.environment} layout="top">
          <Textarea
            classNames={{ input: s.mono }}
            autosize
            minRows={3}
            maxRows={10}
            spellCheck={false}
            value={draft.environment}
            onChange={(event) => onWrite({ environment: event.currentTarget.value })}
          />
        </Field>
      </section>
      {row && (
        <section className={s.part}>
          <dl className={s.facts} data-selectable>
            <dt>{EDITOR.folder}</dt>
            <dd>
              <code>agents/{row.agent.id}</code>
            </dd>
            <dt>{EDITOR.version}</dt>
            <dd>
              <code title={row.version}>{row.version.slice(0, 7)}</code> <Age at={row.changed_at} />
            </dd>
          </dl>
          {engine && (
            <Button
              className={s.folder}
              icon="folder"
              onClick={() => desktop.openPath(`${engine.home}/registry/agents/${row.agent.id}`)}
            >
              {EDITOR.openFolder}
            </Button>
          )}
        </section>
      )}
    </form>
  );
}
