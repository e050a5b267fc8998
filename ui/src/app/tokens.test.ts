// Every text is at least 4.5:1 on every surface it may lie on; signs, edges of controls and rings are 3:1. Computed from
// tokens.css, so that a colour cannot be changed into one that some people cannot read.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const css = readFileSync(resolve(import.meta.dirname, 'tokens.css'), 'utf8');

function tokensOf(selector: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, block = ''] of css.matchAll(new RegExp(`${selector}\\s*\\{([^}]*)\\}`, 'g'))) {
    for (const [, name = '', value = ''] of block.matchAll(/--([\w-]+):\s*([^;]+);/g)) found.set(name, value.trim());
  }
  return found;
}

const light = tokensOf('\\[data-mantine-color-scheme="light"\\]');
const schemes = { light, dark: new Map([...light, ...tokensOf('\\[data-mantine-color-scheme="dark"\\]')]) };

function colour(tokens: Map<string, string>, name: string): [number, number, number] {
  const value = tokens.get(name);
  const alias = /^var\(--([\w-]+)\)$/.exec(value ?? '')?.[1];
  if (alias) return colour(tokens, alias);
  const hex = /^#([0-9a-f]{6})$/i.exec(value ?? '')?.[1];
  if (!hex) throw new Error(`--${name} is no colour of six digits: ${value}`);
  return [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as [number, number, number];
}

/** WCAG 2.2, relative luminance. */
function luminance(rgb: [number, number, number]): number {
  const [red = 0, green = 0, blue = 0] = rgb.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(tokens: Map<string, string>, a: string, b: string): number {
  const [one, two] = [luminance(colour(tokens, a)), luminance(colour(tokens, b))];
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}

const SURFACES = ['surface-app', 'surface-panel', 'surface-raised', 'surface-sunken', 'surface-raised-hover'];
const UNDER_POINTER = ['surface-hover', 'surface-active'];
const STATUSES = ['idle', 'queued', 'running', 'needs-you', 'review', 'done', 'failed', 'blocked'];
const TERMINAL = ['red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'grey'].map((hue) => `term-${hue}`);
const SYNTAX = ['keyword', 'string', 'number', 'name', 'comment'].map((kind) => `syntax-${kind}`);

/** Text and what it lies on. */
const TEXT: [string[], string[]][] = [
  [
    ['ink', 'ink-2'],
    [...SURFACES, ...UNDER_POINTER, 'accent-soft', 'drop'],
  ],
  [['ink-3'], [...SURFACES, 'surface-hover', 'accent-soft', 'drop']],
  [['ink', 'ink-2', 'needs-you'], ['needs-you-soft']],
  [['accent-text'], [...SURFACES, 'accent-soft', 'drop']],
  [['on-accent'], ['accent', 'accent-hover']],
  [STATUSES, [...SURFACES, 'surface-hover', 'accent-soft']],
  [TERMINAL, ['surface-sunken', 'surface-panel']],
  [SYNTAX, ['surface-sunken', 'surface-panel']],
  [['ink', 'diff-add'], ['diff-add-line']],
  [['ink', 'diff-del'], ['diff-del-line']],
  [['ink'], ['diff-add-word', 'diff-del-word']],
  ...STATUSES.map((name): [string[], string[]] => [[name, 'ink-2'], [`${name}-soft`]]),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((n): [string[], string[]] => [[`agent-${n}`], [`agent-${n}-soft`]]),
];

/** Signs, edges of controls, rings: and what they stand against. */
const SHAPES: [string[], string[]][] = [
  [STATUSES, [...SURFACES, ...UNDER_POINTER]],
  [['border-control'], ['surface-panel', 'surface-app', 'surface-raised']],
  [['border-input'], ['surface-panel', 'surface-raised']],
  [
    ['focus', 'accent'],
    ['surface-app', 'surface-panel', 'surface-sunken'],
  ],
  [['focus'], [...SURFACES, ...UNDER_POINTER]],
];

describe.each(Object.entries(schemes))('%s', (_name, tokens) => {
  const pairs = (table: [string[], string[]][]) =>
    table.flatMap(([fronts, grounds]) => fronts.flatMap((front) => grounds.map((ground) => [front, ground] as const)));

  test('texts can be read', () => {
    const weak = pairs(TEXT)
      .map(([front, ground]) => ({ front, ground, ratio: contrast(tokens, front, ground) }))
      .filter(({ ratio }) => ratio < 4.5);
    expect(weak).toEqual([]);
  });

  test('signs, edges and rings can be seen', () => {
    const weak = pairs(SHAPES)
      .map(([front, ground]) => ({ front, ground, ratio: contrast(tokens, front, ground) }))
      .filter(({ ratio }) => ratio < 3);
    expect(weak).toEqual([]);
  });
});

test('both schemes say the same names', () => {
  const dark = tokensOf('\\[data-mantine-color-scheme="dark"\\]');
  expect(dark.size).toBeGreaterThan(60);
  expect([...dark.keys()].sort()).toEqual([...light.keys()].sort());
});
