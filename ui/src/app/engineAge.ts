// For how long the engine has run, in whole words: `3 days`, `2 hours`, `5 minutes`.
const MINUTE = 60_000;
const UNITS = [
  { of: 24 * 60 * MINUTE, one: 'day', many: 'days' },
  { of: 60 * MINUTE, one: 'hour', many: 'hours' },
  { of: MINUTE, one: 'minute', many: 'minutes' },
];

export function engineAge(startedAt: number, now: number): string {
  const past = now - startedAt;
  for (const unit of UNITS) {
    const count = Math.floor(past / unit.of);
    if (count >= 1) return `${count} ${count === 1 ? unit.one : unit.many}`;
  }
  return 'less than a minute';
}
