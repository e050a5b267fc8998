// What the scripts print: whole lines everywhere, and on a terminal one more line at the bottom that shows what runs.

const terminal = Boolean(process.stdout.isTTY) && !process.env.CI;
const BEAT_MS = 30_000;
let shown = '';
let lastBeat = Date.now();

/** Prints a line above the status line. */
export function say(line = '') {
  if (terminal && shown) process.stdout.write('\r\u001b[K');
  process.stdout.write(`${line}\n`);
  if (terminal && shown) process.stdout.write(shown);
  lastBeat = Date.now();
}

/** Shows what runs. Without a terminal it becomes a line of its own twice a minute, so that a log shows life. */
export function status(line) {
  if (!terminal) {
    if (line && Date.now() - lastBeat >= BEAT_MS) say(`  … ${line}`);
    return;
  }
  shown = line.slice(0, (process.stdout.columns ?? 80) - 1);
  process.stdout.write(`\r\u001b[K${shown}`);
}

/** Seconds as people read them: `0.4 s`, `38 s`, `2 min 05 s`. */
export function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
}
