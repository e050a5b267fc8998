// Finds everything that can be done or opened, by a few letters. Actions and places come from the registry, things from
// the sources that features add. A combobox in a dialog: the input keeps the focus, the list follows the arrows.
import { Modal } from '@mantine/core';
import { useEffect, useId, useMemo, useRef, useState } from 'react';
import { comboOf, currentActions, currentEntries, type Entry } from '../actions/registry';
import { KeyHint } from '../controls/Key';
import { cx } from '../cx';
import { useFirstOpening } from '../dialog/useFirstOpening';
import { Icon } from '../icons/icons';
import s from './CommandPalette.module.css';
import { fuzzy } from './fuzzy';
import { PALETTE } from './text';

/** More than this nobody reads; more letters find it. */
const MOST = 50;

interface Line extends Entry {
  combo?: string | undefined;
  at: number[];
}

interface Candidate extends Entry {
  combo?: string | undefined;
}

export interface CommandPaletteProps {
  opened: boolean;
  onClose: () => void;
}

export function CommandPalette({ opened, onClose }: CommandPaletteProps) {
  const opening = useFirstOpening(opened);
  if (!opening.isThere) return null;
  return (
    <Modal.Root
      opened={opening.opened}
      onClose={onClose}
      size="var(--palette)"
      yOffset="var(--palette-top)"
      zIndex="var(--z-palette)"
      centered={false}
      returnFocus
    >
      <Modal.Overlay />
      <Modal.Content aria-label={PALETTE.name} data-closing={!opened || undefined}>
        <div className={s.content}>{opened && <Finder onClose={onClose} />}</div>
      </Modal.Content>
    </Modal.Root>
  );
}

function Finder({ onClose }: { onClose: () => void }) {
  const id = useId();
  const [query, setQuery] = useState('');
  const [chosen, setChosen] = useState(0);
  const list = useRef<HTMLDivElement>(null);
  const candidates = useMemo(collect, []);
  const lines = useMemo(() => find(query, candidates), [query, candidates]);
  const current = lines[chosen];

  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  });

  const choose = (line: Line | undefined) => {
    if (!line) return;
    onClose();
    line.run();
  };

  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const to = move(event.key, chosen, lines.length);
    if (to !== null) setChosen(to);
    else if (event.key === 'Enter') choose(current);
    else return;
    event.preventDefault();
  };

  return (
    <>
      <div className={s.head}>
        <Icon name="search" />
        <input
          className={s.input}
          role="combobox"
          aria-label={PALETTE.name}
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={current && `${id}-${chosen}`}
          aria-autocomplete="list"
          autoComplete="off"
          spellCheck={false}
          data-autofocus
          placeholder={PALETTE.placeholder}
          value={query}
          onChange={(event) => {
            setQuery(event.currentTarget.value);
            setChosen(0);
          }}
          onKeyDown={onKeyDown}
        />
      </div>
      <div ref={list} id={`${id}-list`} className={s.list} role="listbox" aria-label={PALETTE.results}>
        {lines.map((line, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the focus and handles the keys.
          // biome-ignore lint/a11y/useFocusableInteractive: it is named by aria-activedescendant instead.
          <div
            key={line.id}
            id={`${id}-${index}`}
            className={cx(s.line, index === chosen && s.chosen)}
            role="option"
            aria-selected={index === chosen}
            onPointerMove={() => index !== chosen && setChosen(index)}
            onClick={() => choose(line)}
          >
            {line.icon ? <Icon name={line.icon} size="sm" /> : <span className={s.noIcon} />}
            <Marked text={line.label} at={line.at} />
            {line.hint && <span className={s.hint}>{line.hint}</span>}
            {line.combo && <KeyHint combo={line.combo} />}
          </div>
        ))}
      </div>
      {lines.length === 0 && (
        <div className={s.nothing}>
          <p>{PALETTE.nothing(query)}</p>
          <p className={s.nothingHint}>{PALETTE.nothingHint}</p>
        </div>
      )}
      <p className="visually-hidden" aria-live="polite">
        {query && PALETTE.found(lines.length)}
      </p>
    </>
  );
}

/** The letters that were found, bold. */
function Marked({ text, at }: { text: string; at: number[] }) {
  const runs: { from: number; text: string; hit: boolean }[] = [];
  const hits = new Set(at);
  for (let index = 0; index < text.length; index += 1) {
    const hit = hits.has(index);
    const last = runs.at(-1);
    if (last && last.hit === hit) last.text += text.charAt(index);
    else runs.push({ from: index, text: text.charAt(index), hit });
  }
  return (
    <span className={s.label} title={text}>
      {runs.map((run) => (run.hit ? <b key={run.from}>{run.text}</b> : <span key={run.from}>{run.text}</span>))}
    </span>
  );
}

function collect(): Candidate[] {
  const actions = currentActions()
    .filter((action) => !action.keysOnly && (action.enabled?.() ?? true))
    .map((action) => ({ ...action, combo: comboOf(action) }));
  return [...actions, ...currentEntries()];
}

function find(query: string, candidates: readonly Candidate[]): Line[] {
  const scored: { line: Line; score: number }[] = [];
  for (const candidate of candidates) {
    const found = fuzzy(query, candidate.label);
    const other = found ? null : candidate.also && fuzzy(query, candidate.also);
    if (found) scored.push({ line: { ...candidate, at: found.at }, score: found.score });
    else if (other) scored.push({ line: { ...candidate, at: [] }, score: other.score - 50 });
  }
  // Stable: with equal scores actions stay before things, and each in the order it was registered.
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, MOST).map(({ line }) => line);
}

function move(key: string, from: number, count: number): number | null {
  if (count === 0) return null;
  switch (key) {
    case 'ArrowDown':
      return (from + 1) % count;
    case 'ArrowUp':
      return (from - 1 + count) % count;
    case 'PageDown':
      return Math.min(count - 1, from + 10);
    case 'PageUp':
      return Math.max(0, from - 10);
    default:
      return null;
  }
}
