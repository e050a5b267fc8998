/** How a card writes dates. */
import { dateFormat } from '@/components/status/dateFormat';
import { CARD } from './text';

const DAY = 86_400_000;
const near = dateFormat({ weekday: 'short', day: 'numeric', month: 'short' });
const far = dateFormat({ day: 'numeric', month: 'short' });
const otherYear = dateFormat({ day: 'numeric', month: 'short', year: 'numeric' });

export interface Deadline {
  text: string;
  late: boolean;
}

/** A calendar day as it is written on a card; null when it is no day. `now` is in milliseconds since 1970. */
export function deadlineOf(day: string, now: number): Deadline | null {
  const parts = /^(\d{4})-(\d{2})-(\d{2})/.exec(day);
  if (!parts) return null;
  const [year = 0, month = 1, date = 1] = parts.slice(1).map(Number);
  const then = new Date(year, month - 1, date);
  const today = new Date(now);
  const days = Math.round(
    (Date.UTC(year, month - 1, date) - Date.UTC(today.getFullYear(), today.getMonth(), today.getDate())) / DAY,
  );
  if (days < 0) return { text: CARD.late(-days), late: true };
  if (days === 0) return { text: CARD.today, late: false };
  if (days === 1) return { text: CARD.tomorrow, late: false };
  if (days < 7) return { text: near(then), late: false };
  return { text: (year === today.getFullYear() ? far : otherYear)(then), late: false };
}
