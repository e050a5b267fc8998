// A choice between a few that are all in sight. A group of radio buttons to the keyboard and to screen readers.
import { useId } from 'react';
import { cx } from '../cx';
import s from './Segmented.module.css';

export interface SegmentedProps<T extends string> {
  label: string;
  value: T;
  options: ReadonlyArray<{ value: T; label: string; disabled?: boolean | undefined }>;
  onChange: (value: T) => void;
  className?: string | undefined;
}

export function Segmented<T extends string>({ label, value, options, onChange, className }: SegmentedProps<T>) {
  const name = useId();
  return (
    <div className={cx(s.group, className)} role="radiogroup" aria-label={label}>
      {options.map((option) => (
        <label key={option.value} className={cx(s.option, option.value === value && s.on)}>
          <input
            className={s.input}
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.disabled}
            onChange={() => onChange(option.value)}
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
