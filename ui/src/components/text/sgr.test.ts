import { describe, expect, test } from 'vitest';
import { lookAfter, PLAIN, parseLine, plainText } from './sgr';

const ESC = '\u001b';

describe('colours of terminal output', () => {
  test('a line without sequences is one span', () => {
    expect(parseLine('plain', PLAIN)).toEqual({ spans: [{ text: 'plain', look: PLAIN }], to: PLAIN });
  });

  test('colour and weight begin and end where the codes stand', () => {
    const { spans } = parseLine(`a ${ESC}[1;32mok${ESC}[0m b`, PLAIN);
    expect(spans).toEqual([
      { text: 'a ', look: {} },
      { text: 'ok', look: { bold: true, color: 'green' } },
      { text: ' b', look: {} },
    ]);
  });

  test('a look goes on in the next line until it is ended', () => {
    const look = lookAfter(`${ESC}[31mred`, PLAIN);
    expect(look).toEqual({ color: 'red' });
    expect(parseLine(`still${ESC}[39m not`, look).spans.map((span) => span.look)).toEqual([{ color: 'red' }, {}]);
  });

  test('colours of the large palettes become the nearest of ours', () => {
    const hueOf = (codes: string) => lookAfter(`${ESC}[${codes}m`, PLAIN).color;
    expect(hueOf('38;5;196')).toBe('red');
    expect(hueOf('38;5;46')).toBe('green');
    expect(hueOf('38;2;30;60;250')).toBe('blue');
    expect(hueOf('38;5;240')).toBe('grey');
    expect(hueOf('38;2;250;250;250')).toBeUndefined();
  });

  test('the codes after a large colour are still read', () => {
    expect(lookAfter(`${ESC}[38;5;196;1m`, PLAIN)).toEqual({ color: 'red', bold: true });
    expect(lookAfter(`${ESC}[48;2;1;2;3;4m`, PLAIN)).toEqual({ underline: true });
  });

  test('other sequences are dropped, never shown', () => {
    expect(
      parseLine(`a${ESC}[2Kb${ESC}[10;5Hc${ESC}`, PLAIN)
        .spans.map((span) => span.text)
        .join(''),
    ).toBe('abc');
    expect(plainText(`a${ESC}[1mb`)).toBe('ab');
  });

  test('a carriage return writes the line anew', () => {
    expect(plainText('10 %\r50 %\r100 %')).toBe('100 %');
    expect(plainText('windows line\r')).toBe('windows line');
  });
});
