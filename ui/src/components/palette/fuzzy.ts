// Finding by a few letters: they must occur in order; beginnings of words and runs of letters count more.

export interface Found {
  /** Higher is better. */
  score: number;
  /** Positions of the letters that matched, for drawing them bold. */
  at: number[];
}

const START = 12;
const RUN = 6;
const FIRST = 8;

/** Null when the letters of `query` do not all occur in order in `text`. An empty query finds everything equally. */
export function fuzzy(query: string, text: string): Found | null {
  const letters = query.toLocaleLowerCase().replace(/\s+/gu, '');
  const lower = text.toLocaleLowerCase();
  if (letters === '') return { score: 0, at: [] };
  const whole = lower.indexOf(query.trim().toLocaleLowerCase());
  const apart = inOrder(letters, lower);
  if (whole < 0) return apart;
  const length = query.trim().length;
  // A few letters inside a word are hardly what was meant; at its beginning, or many of them, they are.
  const worth = isBreak(lower, whole) ? 1000 : RUN * length * length;
  const score = worth - whole - text.length / 10;
  if (apart && apart.score > score) return apart;
  return { score, at: Array.from({ length }, (_, index) => whole + index) };
}

function inOrder(letters: string, lower: string): Found | null {
  const at: number[] = [];
  let score = 0;
  let from = 0;
  for (const letter of letters) {
    const next = nextPlace(lower, letter, from);
    if (next < 0) return null;
    const before = at.at(-1);
    if (before !== undefined && next === before + 1) score += RUN;
    else if (isBreak(lower, next)) score += START;
    else score -= Math.min(5, next - from);
    if (next === 0) score += FIRST;
    at.push(next);
    from = next + 1;
  }
  return { score: score - lower.length / 10, at };
}

/** The next letter, preferring the beginning of a word when it is not far; never one that would skip all others. */
function nextPlace(lower: string, letter: string, from: number): number {
  const near = lower.indexOf(letter, from);
  if (near < 0 || near === from || isBreak(lower, near)) return near;
  for (let place = near; place >= 0 && place < near + 24; place = lower.indexOf(letter, place + 1)) {
    if (isBreak(lower, place)) return place;
  }
  return near;
}

function isBreak(text: string, place: number): boolean {
  return place === 0 || /[\s\-_./:,(]/u.test(text.charAt(place - 1));
}
