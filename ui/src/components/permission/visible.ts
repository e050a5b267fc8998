// Characters that change how a text looks without being seen: a command must not read differently from how it runs.

/** Control characters but line end and tab; bidirectional, zero-width and filler characters; blanks that are no space. */
const ODD =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|[\u{e0000}-\u{e0fff}]/gu;

export interface Piece {
  text: string;
  /** The text is the code of one character that cannot be seen. */
  odd: boolean;
}

/** A text as pieces that can be drawn one after the other. */
export function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  let done = 0;
  for (const match of text.matchAll(ODD)) {
    if (match.index > done) pieces.push({ text: text.slice(done, match.index), odd: false });
    pieces.push({ text: codeOf(match[0]), odd: true });
    done = match.index + match[0].length;
  }
  if (done < text.length) pieces.push({ text: text.slice(done), odd: false });
  return pieces;
}

/** The same as one string, for rows with room for one line. */
export function visibleText(text: string): string {
  return text.replace(ODD, (letter) => codeOf(letter));
}

function codeOf(letter: string): string {
  return `⟨U+${(letter.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
}
