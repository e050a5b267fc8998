// What carries the agent, as its runtime takes it: the fields that matter, and those that can wait.
import { NativeSelect, Textarea, TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useId } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Field } from '@/components/controls/Field';
import { useNox } from '@/sync/context';
import { useDiscovery } from '@/sync/discovery';
import type { Offers } from '../../bindings/nox';
import type { AgentFormProps } from './AgentForm';
import s from './Agents.module.css';
import { EFFORTS, PLACEMENTS, type ProgramField } from './program';
import { Commands } from './ToolFields';
import { PROGRAM } from './text';

export interface ProgramFieldsProps extends Pick<AgentFormProps, 'draft' | 'wrong' | 'onWrite'> {
  fields: readonly ProgramField[];
  /** What its program offered when it was tried last. */
  offers: Offers | null;
}

export function ProgramFields({ fields, ...rest }: ProgramFieldsProps) {
  return fields.map((field) => <One key={field} field={field} {...rest} />);
}

type OneProps = Omit<ProgramFieldsProps, 'fields'> & { field: ProgramField };

function One(props: OneProps) {
  const { field, draft, wrong, offers, onWrite } = props;
  const { runtime } = draft;
  if (field === 'commands') return <Commands {...props} />;
  const { label, hint } = PROGRAM.fields[field];
  const at = { label, hint: PROGRAM.hints[runtime]?.[field] ?? hint, error: wrong[field], layout: 'top' as const };
  if (field === 'tools') return <ToolNames {...at} value={draft.tools} onWrite={(tools) => onWrite({ tools })} />;
  const set = (value: string) => onWrite({ [field]: value });
  const value = draft[field];
  if (field === 'preset' || field === 'provider') {
    const none = runtime === 'acp' && field === 'provider' ? PROGRAM.itself : PROGRAM[field][''];
    const options = Object.entries(PROGRAM[field]).map(([word, title]) => ({
      value: word,
      label: word ? title : none,
    }));
    return (
      <Field {...at}>
        <NativeSelect data={options} value={value} onChange={(event) => set(event.currentTarget.value)} />
      </Field>
    );
  }
  if (field === 'key') return <KeyField {...at} value={value} onWrite={set} />;
  if (field === 'model') return <ModelField {...at} {...props} />;
  if (field === 'mode' && runtime === 'claude') {
    const options = Object.entries(PROGRAM.modes).map(([word, title]) => ({ value: word, label: title }));
    return (
      <Field {...at}>
        <NativeSelect data={options} value={value} onChange={(event) => set(event.currentTarget.value)} />
      </Field>
    );
  }
  if (field === 'effort') {
    const options = [{ value: '', label: PROGRAM.itself }, ...(EFFORTS[runtime] ?? [])];
    return (
      <Field {...at}>
        <NativeSelect data={options} value={value} onChange={(event) => set(event.currentTarget.value)} />
      </Field>
    );
  }
  if (field === 'promptPlacement') {
    const options = ['' as const, ...(PLACEMENTS[runtime] ?? [])];
    return (
      <Field {...at}>
        <NativeSelect
          data={options.map((word) => ({ value: word, label: PROGRAM.placements[word] }))}
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        />
      </Field>
    );
  }
  if (field === 'mode') {
    const modes = (offers?.modes ?? []).map(({ id }) => id);
    return <Suggested {...at} placeholder={PROGRAM.itself} suggestions={modes} value={value} onWrite={set} />;
  }
  if (field === 'arguments') {
    return (
      <Field {...at}>
        <Textarea
          classNames={{ input: s.mono }}
          autosize
          minRows={2}
          maxRows={8}
          spellCheck={false}
          value={value}
          onChange={(event) => set(event.currentTarget.value)}
        />
      </Field>
    );
  }
  const isFigure = field === 'iterations' || field === 'context';
  const isCode = field === 'command' || field === 'address';
  return (
    <Field {...at}>
      <TextInput
        className={isFigure ? s.figure : undefined}
        classNames={isCode ? { input: s.mono } : {}}
        inputMode={isFigure ? 'numeric' : undefined}
        placeholder={PROGRAM.placeholders[runtime]?.[field] ?? PROGRAM.none}
        spellCheck={false}
        value={value}
        onChange={(event) => set(event.currentTarget.value)}
      />
    </Field>
  );
}

interface Shown {
  label: string;
  hint: string | undefined;
  error: string | undefined;
}

/** All tools, or those that are named; to name none is something else than to say nothing. */
function ToolNames({
  label,
  hint,
  error,
  value,
  onWrite,
}: Shown & { value: string | null; onWrite: (names: string | null) => void }) {
  return (
    <>
      <Field label={label} hint={value === null ? undefined : hint} error={error} layout="top">
        <NativeSelect
          data={Object.entries(PROGRAM.toolSets).map(([set, title]) => ({ value: set, label: title }))}
          value={value === null ? 'all' : 'named'}
          onChange={(event) => onWrite(event.currentTarget.value === 'all' ? null : '')}
        />
      </Field>
      {value !== null && (
        <TextInput
          aria-label={PROGRAM.toolNames}
          placeholder={PROGRAM.placeholders.llm?.tools}
          spellCheck={false}
          value={value}
          onChange={(event) => onWrite(event.currentTarget.value)}
        />
      )}
    </>
  );
}

/** Models that a server on this computer told, or the program when it was tried. Any other name can be written. */
function ModelField({ draft, offers, onWrite, label, hint, error }: OneProps & Shown) {
  const { found } = useDiscovery();
  const servers = found?.servers.filter(({ agent }) => agent.program.address === draft.address) ?? [];
  const local = draft.runtime === 'llm' ? servers.flatMap(({ models }) => models) : [];
  const offered = (offers?.models ?? []).map(({ id }) => id);
  return (
    <Suggested
      label={label}
      hint={hint}
      error={error}
      placeholder={draft.runtime === 'llm' ? PROGRAM.model : PROGRAM.itself}
      suggestions={[...new Set([...offered, ...local])]}
      value={draft.model}
      onWrite={(model) => onWrite({ model })}
    />
  );
}

interface SuggestedProps extends Shown {
  placeholder: string;
  suggestions: readonly string[];
  value: string;
  onWrite: (text: string) => void;
}

/** A text with suggestions, of the browser's own making. */
function Suggested({ label, hint, error, placeholder, suggestions, value, onWrite }: SuggestedProps) {
  const list = useId();
  return (
    <>
      <Field label={label} hint={hint} error={error} layout="top">
        <TextInput
          list={suggestions.length > 0 ? list : undefined}
          placeholder={placeholder}
          spellCheck={false}
          value={value}
          onChange={(event) => onWrite(event.currentTarget.value)}
        />
      </Field>
      {suggestions.length > 0 && (
        <datalist id={list}>
          {suggestions.map((suggestion) => (
            <option key={suggestion} value={suggestion} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** A name of a stored key; the key itself is never here. */
export function KeyField({
  label,
  hint,
  error,
  value,
  onWrite,
}: Shown & { value: string; onWrite: (key: string) => void }) {
  const { bridge } = useNox();
  const keys = useQuery({ queryKey: ['keys'], queryFn: () => bridge.listKeys({}), staleTime: 0, gcTime: 0 });
  const names = keys.data?.keys.map(({ name }) => name) ?? [];
  const options = [
    { value: '', label: PROGRAM.noKey },
    ...[...new Set([...names, ...(value ? [value] : [])])].map((name) => ({
      value: name,
      label: keys.data && !names.includes(name) ? PROGRAM.notStored(name) : name,
    })),
  ];
  const note = (
    <span>
      {hint} <Link href={routes.settings('keys')}>{PROGRAM.storeKey}</Link>
    </span>
  );
  return (
    <Field label={label} hint={note} error={error} layout="top">
      <NativeSelect data={options} value={value} onChange={(event) => onWrite(event.currentTarget.value)} />
    </Field>
  );
}
