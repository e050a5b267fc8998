// What is told, how much is logged.
import { Switch } from '@mantine/core';
import { Field } from '@/components/controls/Field';
import { Segmented } from '@/components/controls/Segmented';
import { useSettings } from '@/sync/hooks';
import s from './Settings.module.css';
import { GENERAL } from './text';
import { useChange } from './useChange';

type Level = keyof typeof GENERAL.levels;
const LEVELS = Object.entries(GENERAL.levels).map(([value, label]) => ({ value: value as Level, label }));

export function GeneralSection() {
  const settings = useSettings();
  const change = useChange();
  if (!settings) return null;
  return (
    <>
      <Field label={GENERAL.notifications} hint={GENERAL.notificationsHint}>
        <Switch
          className={s.switch}
          size="xs"
          checked={settings.notifications}
          onChange={(event) => change({ notifications: event.currentTarget.checked })}
        />
      </Field>
      <div className={s.line}>
        <span className={s.label}>{GENERAL.log}</span>
        <div className={s.value}>
          <Segmented
            label={GENERAL.log}
            value={settings.log_level as Level}
            options={LEVELS}
            onChange={(log_level) => change({ log_level })}
          />
          <p className={s.hint}>{GENERAL.logHint}</p>
        </div>
      </div>
    </>
  );
}
