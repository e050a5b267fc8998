// Words of the statuses and of ages.
import type { SignName } from './StatusSign';

export const SIGN_WORDS: Record<SignName, string> = {
  backlog: 'Backlog',
  todo: 'To do',
  idle: 'Idle',
  queued: 'Queued',
  running: 'Running',
  needs_you: 'Needs you',
  review: 'Review',
  done: 'Done',
  failed: 'Failed',
  blocked: 'Blocked',
  paused: 'Paused',
  unknown: 'Unknown',
};

export const AGE = {
  now: 'now',
  seconds: (n: number) => `${n} s`,
  minutes: (n: number) => `${n} min`,
  hours: (n: number) => `${n} h`,
  yesterday: 'yesterday',
};
