// The settings of an agent, as its runtime has them: what matters in sight, the rest folded.
import { NativeSelect, Switch, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { NoxError } from '@/bridge/bridge';
import { Button, IconButton } from '@/components/controls/Button';
import { Field } from '@/components/controls/Field';
import { Age } from '@/components/status/Age';
import { useNox } from '@/sync/context';
import { useDesktop } from '@/sync/desktop';
import { useEngine } from '@/sync/hooks';
import type { AgentRow, Offers, Runtime } from '../../bindings/nox';
import s from './Agents.module.css';
import { type Draft, inputOf, LIFE_FIELDS, LIMIT_KEYS, type LimitField, patchOf, type Wrong } from './draft';
import { Fold } from './Fold';
import { LifeRules, Limits } from './LimitFields';
import { ProgramFields } from './ProgramFields';
import { fieldsOf, hasProgram } from './program';
import { Services } from './ToolFields';
import { Trial } from './Trial';
import { EDITOR, FOLDS, LIMITS } from './text';

export interface AgentFormProps {
  row: AgentRow | null;
  /** What is stored. */
  base: Draft;
  draft: Draft;
  wrong: Wrong;
  onWrite: (change: Partial<Draft>) => void;
  /** The engine does not take what is written. */
  onError: (error: NoxError | null) => void;
}

/** What a person chooses from; `recorded` is for demonstrations and is written into the file. */
const CHOICES: readonly Runtime[] = ['runbook', 'claude', 'codex', 'acp', 'llm'];

export function AgentForm({ row, base, draft, wrong, onWrite, onError }: AgentFormProps) {
  const engine = useEngine();
  const desktop = useDesktop();
  const { bridge } = useNox();
  const [offers, setOffers] = useState<Offers | null>(null);
  const chooseFolder = async () => {
    const folder = await bridge.pickFolder();
    if (folder !== null) onWrite({ folder });
  };
  const { runtime } = draft;
  const part = { draft, wrong, onWrite };
  const { first, more } = fieldsOf(runtime, draft);
  const isSet = (fields: readonly (keyof Draft)[]) =>
    fields.filter((field) => {
      const value = draft[field];
      // No tools at all is something that was set; no word about them is not.
      if (field === 'tools') return value !== null;
      return Array.isArray(value) ? value.length > 0 : value !== '';
    }).length;
  const isWrong = (fields: readonly (keyof Draft)[]) => fields.some((field) => wrong[field] !== undefined);
  const note = (fields: readonly (keyof Draft)[]) => {
    const count = isSet(fields);
    return count > 0 ? FOLDS.set(count) : undefined;
  };
  const limits = Object.keys(LIMIT_KEYS) as LimitField[];
  const asTried = () => {
    onError(null);
    return row
      ? { agent: row.agent.id, patch: patchOf(draft, base) }
      : { runtime, patch: { ...inputOf(draft), name: draft.name.trim() || FOLDS.trial } };
  };
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
        <Field label={EDITOR.works} hint={EDITOR.worksHint} error={wrong.folder} layout="top">
          <TextInput
            classNames={{ input: s.mono }}
            placeholder={EDITOR.worksPlaceholder}
            spellCheck={false}
            value={draft.folder}
            onChange={(event) => onWrite({ folder: event.currentTarget.value })}
            rightSection={
              <IconButton icon="folder" size="sm" label={EDITOR.chooseFolder} onClick={() => void chooseFolder()} />
            }
          />
        </Field>
      </section>
      <section className={s.part} aria-label={EDITOR.carrier}>
        <h2>{EDITOR.carrier}</h2>
        {row ? (
          <p className={s.runtime}>
            {EDITOR.runtimes[runtime]}
            <span>{EDITOR.runtimeHints[runtime]}</span>
          </p>
        ) : (
          <Field label={EDITOR.runtime} hint={EDITOR.runtimeHints[runtime]} layout="top">
            <NativeSelect
              data={CHOICES.map((choice) => ({ value: choice, label: EDITOR.runtimes[choice] }))}
              value={runtime}
              onChange={(event) => {
                const next = event.currentTarget.value as Runtime;
                setOffers(null);
                // Work of a model is looked at by a person first, when nobody says otherwise.
                onWrite({ runtime: next, review: next !== 'runbook' });
              }}
            />
          </Field>
        )}
        <ProgramFields {...part} fields={first} offers={offers} />
        <Switch
          size="xs"
          label={EDITOR.review}
          classNames={{ description: s.switchNote }}
          description={EDITOR.reviewHint}
          checked={draft.review}
          onChange={(event) => onWrite({ review: event.currentTarget.checked })}
        />
        <Trial input={asTried} runtime={runtime} onOffers={setOffers} onError={onError} />
      </section>
      {more.length > 0 && (
        <Fold title={FOLDS.more} note={note([...more, 'skills'])} wrong={isWrong([...more, 'skills'])}>
          <Field label={EDITOR.skills} hint={EDITOR.skillsHint} error={wrong.skills} layout="top">
            <TextInput
              placeholder={EDITOR.skillsPlaceholder}
              spellCheck={false}
              value={draft.skills}
              onChange={(event) => onWrite({ skills: event.currentTarget.value })}
            />
          </Field>
          <ProgramFields {...part} fields={more} offers={offers} />
        </Fold>
      )}
      {hasProgram(runtime) && (
        <Fold title={FOLDS.services} note={note(['services'])} wrong={isWrong(['services'])}>
          <Services {...part} />
        </Fold>
      )}
      <Fold title={LIMITS.title} note={note(limits)} wrong={isWrong(limits)}>
        <Limits {...part} />
      </Fold>
      <Fold title={LIMITS.life} note={note(LIFE_FIELDS)} wrong={isWrong(LIFE_FIELDS)}>
        <LifeRules {...part} />
      </Fold>
      <Fold
        title={FOLDS.rest}
        note={note(['capabilities', 'environment'])}
        wrong={isWrong(['capabilities', 'environment'])}
      >
        <Field label={EDITOR.capabilities} hint={EDITOR.capabilitiesHint} error={wrong.capabilities} layout="top">
          <TextInput
            value={draft.capabilities}
            onChange={(event) => onWrite({ capabilities: event.currentTarget.value })}
          />
        </Field>
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
      </Fold>
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
