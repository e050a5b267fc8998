import { expect, test } from 'vitest';
import { lettersOf, tintOf } from './Monogram';

test('names that begin alike have other letters', () => {
  expect(['Refactor', 'Release', 'Reviewer', 'Docs', 'Triage'].map(lettersOf)).toEqual(['RF', 'RL', 'RV', 'DC', 'TG']);
  expect(lettersOf('night watch')).toBe('NW');
  expect(lettersOf('x')).toBe('X');
  expect(lettersOf('  ')).toBe('');
});

test('a tint is one of eight and stays', () => {
  const names = Array.from({ length: 500 }, (_, index) => `Agent ${index}`);
  const tints = names.map(tintOf);
  expect(new Set(tints)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
  expect(tintOf('Backend')).toBe(tintOf(' backend '));
});
