// Characters that change how a text looks without being seen: a command must not read differently from how it runs.

/** Control and format characters but line end and tab; what is drawn as nothing; line separators; blanks but the space. */
const ODD = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]|(?! )\p{Zs}/gu;

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
