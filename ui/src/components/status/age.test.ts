import { expect, test } from 'vitest';
import { formatAge, formatDuration } from './age';

const noon = new Date(2026, 10, 21, 12, 0, 0).getTime();

test.each([
  [0, 'now'],
  [-5000, 'now'],
  [2000, '2 s'],
  [59_999, '59 s'],
  [4 * 60_000, '4 min'],
  [3 * 3_600_000, '3 h'],
  [20 * 3_600_000, 'yesterday'],
])('%i ms ago is “%s”', (past, text) => {
  expect(formatAge(noon - past, noon)).toBe(text);
});

test('last night is still counted in hours shortly after midnight', () => {
  const one = new Date(2026, 10, 21, 1, 0, 0).getTime();
  expect(formatAge(one - 3 * 3_600_000, one)).toBe('3 h');
});

test('older is a date, with the year when it is another', () => {
  expect(formatAge(noon - 5 * 24 * 3_600_000, noon)).not.toContain('2026');
  expect(formatAge(new Date(2025, 0, 2).getTime(), noon)).toContain('2025');
});

test.each([
  [340, '0.3 s'],
  [12_000, '12 s'],
  [200_000, '3 min 20 s'],
  [7_500_000, '2 h 5 min'],
])('%i ms long is “%s”', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
