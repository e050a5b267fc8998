// A part of the form that can wait: folded until somebody opens it, open from the start when something is set in it, and
// opened by an error.

import { UnstyledButton } from '@mantine/core';
import { type ReactNode, useId, useState } from 'react';
import { cx } from '@/components/cx';
import { Icon } from '@/components/icons/icons';
import s from './Agents.module.css';

export interface FoldProps {
  title: string;
  /** What is set in it, told while it is closed. */
  note?: string | undefined;
  /** Something in it is wrong. */
  wrong: boolean;
  /** Open from the start. */
  opened?: boolean;
  children: ReactNode;
}

export function Fold({ title, note, wrong, opened = false, children }: FoldProps) {
  const [chosen, setChosen] = useState<boolean | null>(null);
  const id = useId();
  const open = wrong || (chosen ?? opened);
  return (
    <section className={s.fold} aria-label={title}>
      <h2>
        <UnstyledButton className={s.foldHead} aria-expanded={open} aria-controls={id} onClick={() => setChosen(!open)}>
          <Icon name="arrowRight" size="sm" className={cx(s.foldSign, open && s.foldOpen)} />
          {title}
          {!open && note && <span className={s.foldNote}>{note}</span>}
        </UnstyledButton>
      </h2>
      <div id={id} className={s.foldBody} hidden={!open}>
        {open && children}
      </div>
    </section>
  );
}
