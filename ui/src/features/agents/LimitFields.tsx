// What an agent may use, and how its sessions live. Nothing written is no limit, or as the settings say.
import { NativeSelect, TextInput } from '@mantine/core';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Field } from '@/components/controls/Field';
import { LIFE } from '@/components/words';
import type { AgentFormProps } from './AgentForm';
import s from './Agents.module.css';
import type { LimitField } from './draft';
import { LIMITS } from './text';

type PartProps = Pick<AgentFormProps, 'draft' | 'wrong' | 'onWrite'>;

const GROUPS: readonly { title: string; fields: readonly LimitField[] }[] = [
  { title: LIMITS.perAgent, fields: ['concurrent', 'rate', 'depth'] },
  { title: LIMITS.perRun, fields: ['memory', 'cpu', 'processes', 'wall', 'seconds', 'output', 'disk'] },
];

export function Limits({ draft, wrong, onWrite }: PartProps) {
  return GROUPS.map(({ title, fields }) => (
    <section key={title} className={s.part} aria-label={title}>
      <h2>{title}</h2>
      {fields.map((field) => {
        const { label, hint, unit } = LIMITS.fields[field];
        return (
          <Field key={field} label={label} hint={hint} error={wrong[field]}>
            <TextInput
              className={s.figure}
              inputMode="numeric"
              placeholder={LIMITS.none}
              rightSection={unit ? <span className={s.unit}>{unit}</span> : undefined}
              value={draft[field]}
              onChange={(event) => onWrite({ [field]: event.currentTarget.value })}
            />
          </Field>
        );
      })}
    </section>
  ));
}

const CHOICES = [
  ['restart', LIFE.restart],
  ['onCrash', LIFE.on_crash],
  ['onDisconnect', LIFE.on_disconnect],
  ['waitForLimit', LIFE.wait_for_limit],
] as const;

export function LifeRules({ draft, wrong, onWrite }: PartProps) {
  return (
    <section className={s.part} aria-label={LIMITS.life}>
      <h2>{LIMITS.life}</h2>
      <p className={s.lead}>
        {LIMITS.lifeHint} <Link href={routes.settings('sessions')}>{LIMITS.toSettings}</Link>
      </p>
      {CHOICES.map(([field, { label, hint, options }]) => (
        <Field key={field} label={label} hint={hint}>
          <NativeSelect
            data={[
              { value: '', label: LIMITS.asSettings },
              ...Object.entries(options).map(([value, word]) => ({ value, label: word })),
            ]}
            value={draft[field]}
            onChange={(event) => onWrite({ [field]: event.currentTarget.value })}
          />
        </Field>
      ))}
      <Field label={LIFE.stall.label} hint={LIFE.stall.hint} error={wrong.stall}>
        <TextInput
          className={s.figure}
          inputMode="numeric"
          placeholder={LIMITS.asSettingsShort}
          rightSection={<span className={s.unit}>{LIFE.stall.unit}</span>}
          value={draft.stall}
          onChange={(event) => onWrite({ stall: event.currentTarget.value })}
        />
      </Field>
    </section>
  );
}
