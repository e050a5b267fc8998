// How much runs at once, what all of it may use, and how sessions live when their agent does not say.
import { NativeSelect } from '@mantine/core';
import { Field } from '@/components/controls/Field';
import { LIFE } from '@/components/words';
import { useSettings } from '@/sync/hooks';
import type { LifeRules } from '../../bindings/nox';
import { Figure } from './Figure';
import s from './Settings.module.css';
import { SESSIONS } from './text';
import { useChange } from './useChange';

const CHOICES = ['restart', 'on_crash', 'on_disconnect'] as const;

export function SessionsSection() {
  const settings = useSettings();
  const change = useChange();
  if (!settings) return null;
  const { life } = settings;
  const changeLife = (part: LifeRules) => change({ life: { ...life, ...part } });
  return (
    <>
      <Figure
        {...SESSIONS.runs}
        least={1}
        most={200}
        value={settings.max_live_runs}
        onChange={(max_live_runs) => change({ max_live_runs })}
      />
      <Figure
        {...SESSIONS.rate}
        least={0}
        most={100_000}
        value={settings.runs_per_minute}
        onChange={(runs_per_minute) => change({ runs_per_minute })}
      />
      <Figure
        {...SESSIONS.budget}
        least={0}
        most={99_999_999}
        value={settings.memory_budget_mb}
        onChange={(memory_budget_mb) => change({ memory_budget_mb })}
      />
      <Figure
        {...SESSIONS.hibernate}
        least={0}
        most={9_999_999}
        value={settings.hibernate_after_seconds}
        onChange={(hibernate_after_seconds) => change({ hibernate_after_seconds })}
      />
      <h3 className={s.subhead}>{SESSIONS.life}</h3>
      <p className={s.intro}>{SESSIONS.lifeHint}</p>
      {CHOICES.map((rule) => (
        <Field key={rule} label={LIFE[rule].label} hint={LIFE[rule].hint}>
          <NativeSelect
            data={Object.entries(LIFE[rule].options).map(([value, label]) => ({ value, label }))}
            value={life[rule] ?? ''}
            onChange={(event) => changeLife({ [rule]: event.currentTarget.value })}
          />
        </Field>
      ))}
      <Field label={LIFE.wait_for_limit.label} hint={LIFE.wait_for_limit.hint}>
        <NativeSelect
          data={Object.entries(LIFE.wait_for_limit.options).map(([value, label]) => ({ value, label }))}
          value={String(life.wait_for_limit ?? true)}
          onChange={(event) => changeLife({ wait_for_limit: event.currentTarget.value === 'true' })}
        />
      </Field>
      <Figure
        {...LIFE.stall}
        least={0}
        most={9_999_999}
        value={life.stall_after_seconds ?? 0}
        onChange={(stall_after_seconds) => changeLife({ stall_after_seconds })}
      />
    </>
  );
}
