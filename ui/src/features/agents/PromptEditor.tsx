// The prompt as plain text, in mono or in the reading font. It grows with nothing and scrolls inside.
import { useId, useState } from 'react';
import { Segmented } from '@/components/controls/Segmented';
import { cx } from '@/components/cx';
import { Icon } from '@/components/icons/icons';
import s from './Agents.module.css';
import { EDITOR } from './text';

type Font = 'mono' | 'prose';
const FONT_KEY = 'nox.prompt-font';

export interface PromptEditorProps {
  text: string;
  changed: boolean;
  onWrite: (text: string) => void;
}

export function PromptEditor({ text, changed, onWrite }: PromptEditorProps) {
  const id = useId();
  const [font, setFont] = useState<Font>(() => (localStorage.getItem(FONT_KEY) === 'prose' ? 'prose' : 'mono'));
  const choose = (next: Font) => {
    setFont(next);
    localStorage.setItem(FONT_KEY, next);
  };
  return (
    <section className={s.prompt} aria-label={EDITOR.prompt}>
      <header className={s.promptHead}>
        <label htmlFor={id}>{EDITOR.prompt}</label>
        <code className={s.quiet}>{EDITOR.promptFile}</code>
        {changed && (
          <span className={s.changed}>
            <Icon name="pencil" size="sm" />
            {EDITOR.unsaved}
          </span>
        )}
        <Segmented
          className={s.fonts}
          label={EDITOR.font}
          value={font}
          options={[
            { value: 'mono', label: EDITOR.mono },
            { value: 'prose', label: EDITOR.prose },
          ]}
          onChange={choose}
        />
      </header>
      <textarea
        id={id}
        className={cx(s.text, font === 'mono' && s.textMono)}
        value={text}
        placeholder={EDITOR.promptPlaceholder}
        spellCheck={font === 'prose'}
        onChange={(event) => onWrite(event.currentTarget.value)}
      />
    </section>
  );
}
