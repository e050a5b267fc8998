import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { asNoxError, COMMANDS, NoxError, QUERIES } from './bridge';
import { newCommandId, newId } from './ids';

describe('the operations', () => {
  it('are those of the bindings', () => {
    const bindings = readFileSync('src/bindings/nox.ts', 'utf8');
    for (const name of COMMANDS) expect(bindings).toMatch(new RegExp(`\\b${name}\\b.*\\bcommand\\b`));
    for (const name of QUERIES) expect(bindings).toMatch(new RegExp(`\\b${name}\\b`));
  });
});

describe('command ids', () => {
  it('are a prefix and 26 figures that sort by time', () => {
    const early = newId('cmd', 1_700_000_000_000);
    const late = newId('cmd', 1_700_000_000_001);
    expect(early).toMatch(/^cmd_[0-7][0-9a-hjkmnp-tv-z]{25}$/);
    expect(early < late).toBe(true);
    expect(newCommandId()).not.toBe(newCommandId());
  });

  it('hold version 7 and the variant of RFC 9562', () => {
    const digits = '0123456789abcdefghjkmnpqrstvwxyz';
    const value = [...newId('cmd').slice(4)].reduce((sum, letter) => sum * 32n + BigInt(digits.indexOf(letter)), 0n);
    expect((value >> 76n) & 0xfn).toBe(7n);
    expect((value >> 62n) & 3n).toBe(2n);
  });
});

describe('errors', () => {
  it('keep code, hint and field, whatever the transport threw', () => {
    const error = asNoxError({ code: 'bad_input', message: 'No title.', hint: 'Write one.', field: 'title' });
    expect(error).toBeInstanceOf(NoxError);
    expect(error).toMatchObject({ code: 'bad_input', message: 'No title.', hint: 'Write one.', field: 'title' });
    expect(asNoxError('window is gone')).toMatchObject({ code: 'internal', message: 'window is gone', hint: null });
  });
});
