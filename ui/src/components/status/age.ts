// How old something is, in as few letters as possible: `2 s`, `4 min`, `3 h`, `yesterday`, then the date.
import { dateFormat } from './dateFormat';
import { AGE } from './text';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const thisYear = dateFormat({ day: 'numeric', month: 'short' });
const otherYear = dateFormat({ day: 'numeric', month: 'short', year: 'numeric' });
const full = dateFormat({ dateStyle: 'full', timeStyle: 'medium' });
const clock = dateFormat({ hour: '2-digit', minute: '2-digit' });

/** Both in milliseconds since 1970, UTC. A clock that went backwards counts as now. */
export function formatAge(at: number, now: number): string {
  const past = now - at;
  if (past < SECOND) return AGE.now;
  if (past < MINUTE) return AGE.seconds(Math.floor(past / SECOND));
  if (past < HOUR) return AGE.minutes(Math.floor(past / MINUTE));
  const then = new Date(at);
  const days = daysBetween(then, new Date(now));
  if (days === 0 || past < 6 * HOUR) return AGE.hours(Math.floor(past / HOUR));
  if (days === 1) return AGE.yesterday;
  return (then.getFullYear() === new Date(now).getFullYear() ? thisYear : otherYear)(then);
}

/** The whole moment, for a tooltip. */
export function formatMoment(at: number): string {
  return full(at);
}

/** The time of day, for the head of a message. */
export function formatTime(at: number): string {
  return clock(at);
}

/** Length of something that ran: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatDuration(ms: number): string {
  if (ms < 10 * SECOND) return `${(Math.max(0, ms) / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return AGE.seconds(seconds);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 ? `${AGE.minutes(minutes)} ${AGE.seconds(seconds % 60)}` : AGE.minutes(minutes);
  const hours = Math.floor(minutes / 60);
  return minutes % 60 ? `${AGE.hours(hours)} ${AGE.minutes(minutes % 60)}` : AGE.hours(hours);
}

function daysBetween(earlier: Date, later: Date): number {
  const day = (date: Date) => Date.UTC(date.getFullYear(), date.getMonth(), date.getDate());
  return Math.round((day(later) - day(earlier)) / (24 * HOUR));
}
