// Colours of terminal output. The engine has already taken out every sequence that acts; what is left are SGR codes
// (ECMA-48, 8.3.117), which are turned into class names here. Anything else that looks like a sequence is dropped.

/** How a run of letters looks; absent means as everything else. */
export interface Look {
  readonly color?: Hue;
  readonly bold?: true;
  readonly dim?: true;
  readonly underline?: true;
  readonly inverse?: true;
}

export type Hue = 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan' | 'grey';

export interface Span {
  text: string;
  look: Look;
}

export const PLAIN: Look = {};

const HUES: readonly (Hue | undefined)[] = ['grey', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', undefined];

// biome-ignore lint/suspicious/noControlCharactersInRegex: terminal sequences begin with the escape character.
const SEQUENCE = /\u001b(?:\[([0-9;:]*)([@-~])|[@-_]?)/g;

/** One line as spans, and the look that the next line begins with. */
export function parseLine(raw: string, from: Look): { spans: Span[]; to: Look } {
  const line = afterReturn(raw);
  if (!line.includes('\u001b')) return { spans: line ? [{ text: line, look: from }] : [], to: from };
  const spans: Span[] = [];
  let look = from;
  let done = 0;
  const push = (text: string) => {
    if (text) spans.push({ text, look });
  };
  for (const match of line.matchAll(SEQUENCE)) {
    push(line.slice(done, match.index));
    done = match.index + match[0].length;
    if (match[2] === 'm') look = change(look, match[1] ?? '');
  }
  push(line.slice(done));
  return { spans, to: look };
}

/** The look after a line, without making spans: for lines that are not in sight. */
export function lookAfter(raw: string, from: Look): Look {
  return raw.includes('\u001b') ? parseLine(raw, from).to : from;
}

/** The text without its sequences, for the clipboard. */
export function plainText(raw: string): string {
  const line = afterReturn(raw);
  return line.includes('\u001b') ? line.replace(SEQUENCE, '') : line;
}

/** A carriage return writes the line anew: progress bars show their last state. */
function afterReturn(raw: string): string {
  if (!raw.includes('\r')) return raw;
  return raw.replace(/\r+$/, '').split('\r').at(-1) ?? '';
}

function change(look: Look, codes: string): Look {
  const numbers = codes.split(/[;:]/).map((code) => (code === '' ? 0 : Number(code)));
  let next: { -readonly [Key in keyof Look]: Look[Key] } = { ...look };
  for (let index = 0; index < numbers.length; index += 1) {
    const code = numbers[index] ?? 0;
    if (code === 0) next = {};
    else if (code === 38 || code === 48) index += extended(numbers, index, code === 38 ? next : undefined);
    else single(code, next);
  }
  return next;
}

function single(code: number, next: { -readonly [Key in keyof Look]: Look[Key] }): void {
  if (code === 1) next.bold = true;
  else if (code === 2) next.dim = true;
  else if (code === 4) next.underline = true;
  else if (code === 7) next.inverse = true;
  else if (code === 22) {
    delete next.bold;
    delete next.dim;
  } else if (code === 24) delete next.underline;
  else if (code === 27) delete next.inverse;
  else if (code === 39) delete next.color;
  else if (code >= 30 && code <= 37) setColor(next, HUES[code - 30]);
  else if (code >= 90 && code <= 97) setColor(next, HUES[code - 90]);
}

function setColor(next: { -readonly [Key in keyof Look]: Look[Key] }, hue: Hue | undefined): void {
  if (hue) next.color = hue;
  else delete next.color;
}

/** `38;5;n` and `38;2;r;g;b`: the nearest of our hues, since only those are readable in both schemes. */
function extended(
  numbers: number[],
  at: number,
  next: { -readonly [Key in keyof Look]: Look[Key] } | undefined,
): number {
  const kind = numbers[at + 1];
  if (kind === 5) {
    if (next) setColor(next, fromPalette(numbers[at + 2] ?? 0));
    return 2;
  }
  if (kind === 2) {
    if (next) setColor(next, nearest(numbers[at + 2] ?? 0, numbers[at + 3] ?? 0, numbers[at + 4] ?? 0));
    return 4;
  }
  return 1;
}

function fromPalette(index: number): Hue | undefined {
  if (index < 16) return HUES[index % 8];
  if (index >= 232) return index < 248 ? 'grey' : undefined;
  const level = (part: number) => (part === 0 ? 0 : 55 + part * 40);
  const cube = index - 16;
  return nearest(level(Math.floor(cube / 36)), level(Math.floor(cube / 6) % 6), level(cube % 6));
}

function nearest(red: number, green: number, blue: number): Hue | undefined {
  const max = Math.max(red, green, blue);
  const min = Math.min(red, green, blue);
  if (max - min < 40) return max > 150 ? undefined : 'grey';
  const span = max - min;
  let hue = 0;
  if (max === red) hue = ((green - blue) / span + 6) % 6;
  else if (max === green) hue = (blue - red) / span + 2;
  else hue = (red - green) / span + 4;
  if (hue < 0.5 || hue >= 5.5) return 'red';
  if (hue < 1.4) return 'yellow';
  if (hue < 2.5) return 'green';
  if (hue < 3.5) return 'cyan';
  return hue < 4.4 ? 'blue' : 'magenta';
}
