// Who an agent is, at a glance: two letters on one of eight tints. Squares are agents, circles are statuses.
import { cx } from '../cx';
import s from './Monogram.module.css';

export interface MonogramProps {
  /** The agent's name; none draws the dashed box of “nobody has it”. */
  name: string | null | undefined;
  size?: 'sm' | 'md' | 'lg' | undefined;
  className?: string | undefined;
}

/** Decorative: the name always stands beside it or in the label of what it belongs to. */
export function Monogram({ name, size = 'md', className }: MonogramProps) {
  const tint = name ? s[`tint${tintOf(name)}`] : s.nobody;
  return (
    <span className={cx(s.monogram, s[size], tint, className)} aria-hidden="true">
      {name ? lettersOf(name) : ''}
    </span>
  );
}

/** The tint of a name, 1 to 8; the same everywhere and for ever. */
export function tintOf(name: string): number {
  // FNV-1a: short names that differ in one letter get far tints.
  let hash = 0x811c9dc5;
  for (const letter of name.trim().toLowerCase()) {
    hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  }
  return (((hash ^ (hash >>> 16)) >>> 0) % 8) + 1;
}

/**
 * Two letters: the initials of two words, else the first letter and the first consonant after a vowel, since names of
 * agents often begin alike (Refactor, Release, Reviewer).
 */
export function lettersOf(name: string): string {
  const words = name
    .trim()
    .split(/[\s_\-./]+/u)
    .filter(Boolean);
  const [first = '', second] = words;
  const letters = [...first];
  const telling = letters[letters.findIndex((letter, at) => at > 1 && !isVowel(letter) && isVowel(letters[at - 1]))];
  const other = second ? [...second][0] : /^[aeiou]/iu.test(first) ? letters[1] : (telling ?? letters[1]);
  return `${letters[0] ?? ''}${other ?? ''}`.toLocaleUpperCase();
}

function isVowel(letter: string | undefined): boolean {
  return letter !== undefined && /[aeiouyäöü]/iu.test(letter);
}
