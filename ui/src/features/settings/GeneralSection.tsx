// How much runs at once, what is told, how much is logged.
import { Switch, TextInput } from '@mantine/core';
import { useState } from 'react';
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
      <MostRuns value={settings.max_live_runs} onChange={(max_live_runs) => change({ max_live_runs })} />
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

/** Sent when it is left or Enter is pressed, so that “12” is not first sent as “1”. */
function MostRuns({ value, onChange }: { value: number; onChange: (value: number) => void }) {
  const [text, setText] = useState<string | null>(null);
  const shown = text ?? String(value);
  const number = /^\d{1,2}$/.test(shown.trim()) ? Number(shown) : 0;
  const wrong = number < 1 || number > 64;
  const send = () => {
    if (text === null || wrong) return;
    setText(null);
    if (number !== value) onChange(number);
  };
  return (
    <Field label={GENERAL.runs} hint={GENERAL.runsHint} error={wrong ? GENERAL.runsWrong : undefined}>
      <TextInput
        className={s.figure}
        inputMode="numeric"
        value={shown}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={send}
        onKeyDown={(event) => {
          if (event.key === 'Enter') send();
          if (event.key === 'Escape') setText(null);
        }}
      />
    </Field>
  );
}
