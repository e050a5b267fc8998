/** The table of figures, and the numbers that the parts need for it. */

/**
 * @typedef {object} Row one figure
 * @property {string} what was measured
 * @property {string} nox what Nox gave
 * @property {string} yardstick what the yardstick gave, and which it is
 * @property {string} figure the number that is judged
 * @property {string} bound in words
 * @property {boolean} holds
 */

const HEADS = { what: 'What', nox: 'Nox', yardstick: 'Yardstick, same run', figure: 'Figure', bound: 'Bound', verdict: 'Verdict' };

/** @param {Row[]} rows */
export function table(rows) {
  const cells = [HEADS, ...rows.map((row) => ({ ...row, verdict: row.holds ? 'holds' : 'OUTSIDE' }))].map((row) => Object.keys(HEADS).map((key) => row[key]));
  const widths = Object.keys(HEADS).map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  const line = (row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd();
  return [line(cells[0]), widths.map((width) => '─'.repeat(width)).join('  '), ...cells.slice(1).map(line)].join('\n');
}

/** The value below which this part of all values lies; `quantile(values, 0.5)` is the median. */
export function quantile(values, part) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [low, high] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return low === high ? low : low + (high - low) * (at - Math.floor(at));
}

export const median = (values) => quantile(values, 0.5);

/** 12345.6 as “12,346”. */
export const whole = (value) => Math.round(value).toLocaleString('en-US');
