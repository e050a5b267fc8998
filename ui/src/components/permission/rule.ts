// The words of a rule as text that can be shortened: a rule may only ever be a beginning of the command at hand.
import type { Matcher } from '../../bindings/nox';

/** One word as a shell would need it written. */
function quoted(word: string): string {
  return word !== '' && /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replace(/'/g, `'\\''`)}'`;
}

/** The words as one line. */
export function prefixText(words: readonly string[]): string {
  return words.map(quoted).join(' ');
}

/** The first words of `all` that this text is, or null when it is not such a beginning. */
export function readPrefix(text: string, all: readonly string[]): string[] | null {
  const wanted = text.trim();
  for (let count = 1; count <= all.length; count += 1) {
    const words = all.slice(0, count);
    if (prefixText(words) === wanted) return words;
  }
  return null;
}

export function prefixOf(matcher: Matcher): string[] | null {
  return typeof matcher === 'object' && matcher.prefix !== undefined ? matcher.prefix : null;
}
