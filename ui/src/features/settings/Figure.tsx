// A number of the settings. Sent when it is left or Enter is pressed, so that “12” is not first sent as “1”.
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { Field } from '@/components/controls/Field';
import s from './Settings.module.css';

export interface FigureProps {
  label: string;
  hint: string;
  /** What is told when it is no whole number of the range. */
  wrong: string;
  value: number;
  least: number;
  most: number;
  unit?: string | undefined;
  /** What an empty field shows; it stands for 0. Without it a number has to be written. */
  none?: string | undefined;
  onChange: (value: number) => void;
}

export function Figure({ label, hint, wrong, value, least, most, unit, none, onChange }: FigureProps) {
  const [text, setText] = useState<string | null>(null);
  const kept = none !== undefined && value === 0 ? '' : String(value);
  const shown = text ?? kept;
  const number = none !== undefined && shown.trim() === '' ? 0 : /^\d{1,9}$/.test(shown.trim()) ? Number(shown) : -1;
  const isWrong = number < least || number > most;
  const send = () => {
    if (text === null || isWrong) return;
    setText(null);
    if (number !== value) onChange(number);
  };
  return (
    <Field label={label} hint={hint} error={isWrong ? wrong : undefined}>
      <TextInput
        className={s.figure}
        inputMode="numeric"
        placeholder={none}
        rightSectionWidth={unit && unit.length > 2 ? 'var(--space-12)' : undefined}
        rightSection={unit ? <span className={s.unit}>{unit}</span> : undefined}
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
