import { expect, test } from 'vitest';
import { fuzzy } from './fuzzy';

const best = (query: string, texts: string[]) =>
  texts
    .map((text) => ({ text, found: fuzzy(query, text) }))
    .filter(({ found }) => found)
    .sort((a, b) => (b.found?.score ?? 0) - (a.found?.score ?? 0))
    .map(({ text }) => text);

test('letters must stand in order', () => {
  expect(fuzzy('abc', 'a b c')).not.toBeNull();
  expect(fuzzy('cab', 'a b c')).toBeNull();
});

test('whole words come first, then beginnings of words, then letters anywhere', () => {
  expect(best('rev', ['Drive over', 'Revoke a rule…', 'The review'])).toEqual([
    'Revoke a rule…',
    'The review',
    'Drive over',
  ]);
  expect(best('gs', ['Go to Settings', 'Bags of sand'])[0]).toBe('Go to Settings');
});

test('says which letters were found', () => {
  expect(fuzzy('gts', 'Go to Settings')?.at).toEqual([0, 3, 6]);
});

test('nothing finds everything', () => {
  expect(fuzzy('', 'anything')).toEqual({ score: 0, at: [] });
});
