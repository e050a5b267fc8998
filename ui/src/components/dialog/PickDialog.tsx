// A choice from a list: “Move to…”, “Assign to…”. Typing narrows it, the arrows walk, Enter takes, Esc leaves it as it is.
import { type KeyboardEvent, type ReactNode, useId, useMemo, useRef, useState } from 'react';
import { cx } from '../cx';
import { Dialog } from './Dialog';
import s from './PickDialog.module.css';

export interface PickOption {
  id: string;
  label: string;
  /** What stands before the label: a sign, a monogram. */
  sign?: ReactNode;
  /** At the right end, grey. */
  note?: string | undefined;
  /** It is so already. */
  current?: boolean | undefined;
}

export interface PickDialogProps {
  opened: boolean;
  title: string;
  options: readonly PickOption[];
  onPick: (id: string) => void;
  onClose: () => void;
  /** Label of the field that narrows; without it there is none, for lists of few. */
  find?: string | undefined;
  /** When nothing is left. */
  none?: string | undefined;
}

/** More would not be read; the field narrows. */
const MOST = 60;

export function PickDialog({ opened, title, options, onPick, onClose, find, none }: PickDialogProps) {
  return (
    <Dialog opened={opened} onClose={onClose} title={title} closable>
      {opened && <Picker options={options} onPick={onPick} find={find} none={none} label={title} />}
    </Dialog>
  );
}

type PickerProps = Pick<PickDialogProps, 'options' | 'onPick' | 'find' | 'none'> & { label: string };

function Picker({ options, onPick, find, none, label }: PickerProps) {
  const id = useId();
  const list = useRef<HTMLDivElement>(null);
  const [text, setText] = useState('');
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      options.findIndex((option) => option.current),
    ),
  );
  const shown = useMemo(() => {
    const words = text.trim().toLowerCase().split(/\s+/);
    return options.filter(({ label: name }) => words.every((word) => name.toLowerCase().includes(word))).slice(0, MOST);
  }, [options, text]);

  const onKeyDown = (event: KeyboardEvent) => {
    const walk = (to: number) => {
      event.preventDefault();
      setAt(to);
      list.current?.children[to]?.scrollIntoView({ block: 'nearest' });
    };
    if (event.key === 'ArrowDown') walk(Math.min(shown.length - 1, at + 1));
    else if (event.key === 'ArrowUp') walk(Math.max(0, at - 1));
    else if (event.key === 'Home') walk(0);
    else if (event.key === 'End') walk(shown.length - 1);
    else if (event.key === 'Enter' || (event.key === ' ' && !find)) {
      const option = shown[at];
      event.preventDefault();
      if (option) onPick(option.id);
    }
  };

  const active = shown[at] ? `${id}-${at}` : undefined;
  const rows = shown.map((option, index) => (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list or the field above it has the focus and handles the keys.
    // biome-ignore lint/a11y/useFocusableInteractive: it is named by aria-activedescendant instead.
    <div
      key={option.id}
      id={`${id}-${index}`}
      role="option"
      aria-selected={index === at}
      aria-current={option.current || undefined}
      className={cx(s.option, index === at && s.at)}
      onPointerMove={() => setAt(index)}
      onClick={() => onPick(option.id)}
    >
      {option.sign}
      <span className={s.label}>{option.label}</span>
      {option.note && <span className={s.note}>{option.note}</span>}
    </div>
  ));
  return (
    <>
      {find && (
        <input
          className={s.field}
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={id}
          aria-activedescendant={active}
          aria-label={find}
          placeholder={find}
          value={text}
          data-autofocus
          onChange={(event) => {
            setText(event.currentTarget.value);
            setAt(0);
          }}
          onKeyDown={onKeyDown}
        />
      )}
      <div
        ref={list}
        id={id}
        className={s.list}
        role="listbox"
        aria-label={label}
        {...(find
          ? { tabIndex: -1 }
          : { tabIndex: 0, 'aria-activedescendant': active, 'data-autofocus': true, onKeyDown })}
      >
        {rows}
      </div>
      {shown.length === 0 && none && <p className={s.none}>{none}</p>}
    </>
  );
}
