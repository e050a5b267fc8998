// Words of the place “Processes”.
import type { Held } from '../../bindings/nox';

export const PROCESSES = {
  title: 'Processes',
  intro: 'Everything that Nox has started, measured every two seconds while you look.',
  table: 'Processes that Nox owns',
  name: 'Session',
  now: 'Now',
  since: 'Runs for',
  memory: 'Memory',
  cpu: 'Processor',
  act: 'Stop',
  pid: (pid: number) => `PID ${pid}`,
  processes: (count: number, most: number | null) =>
    most === null ? (count === 1 ? '1 process' : `${count} processes`) : `${count} of ${most} processes`,
  attempt: (number: number) => `run ${number}`,
  stop: 'Stop',
  stopIt: (title: string) => `Stop “${title}”`,
  stopQuestion: (title: string, count: number) => `Stop “${title}” and its ${count} processes?`,
  stopText: 'All of them are ended. What they have done stays.',
  stay: 'Keep it running',
  stopGo: (count: number) => `Stop ${count} processes`,
  stopAll: 'Stop all…',
  stopAllQuestion: (count: number) =>
    count === 1 ? 'Stop the running session?' : `Stop all ${count} running sessions?`,
  stopAllText: 'What they have done stays. Each can be started again, from the beginning.',
  stayAll: 'Keep them running',
  stopAllGo: (count: number) => (count === 1 ? 'Stop 1 session' : `Stop ${count} sessions`),
  pauseAll: 'Pause all',
  continueAll: 'Continue all',
  engine: 'Nox itself',
  engineParts: (threads: number, descriptors: number) => `${threads} threads · ${descriptors} open files`,
  all: (memory: string, cpu: string | null) =>
    cpu === null ? `All sessions together: ${memory}` : `All sessions together: ${memory}, ${cpu}`,
  empty: 'No session runs anything',
  emptyHint:
    'When a session runs a command, its processes appear here with what they use. When the session ends, Nox ends all of them.',
  toBoard: 'Open the board',
  failed: 'The processes could not be measured',
  tryAgain: 'Try again',
  loading: 'Measuring',
  measuring: 'Measured between two looks',
  holds: 'What holds limits here',
  memoryIs: 'How memory is measured',
  proportional: 'Pages that several processes share are parted among them, so that the sum is right.',
  private: 'Pages that processes share count for each of them, so a figure may be too high. It is never too low.',
};

const HELD: Record<Held, string> = {
  cgroup_v2: 'cgroup v2',
  cgroup_v1: 'cgroup v1',
  rlimit: 'limit of each process',
  watched: 'watched by Nox',
  nothing: 'not held',
};

export function holdsText(holding: { memory: Held; cpu: Held; processes: Held }): string {
  return `Memory: ${HELD[holding.memory]} · Processor: ${HELD[holding.cpu]} · Processes: ${HELD[holding.processes]}`;
}

/** What that means, when it is not the strongest kind. */
export function holdsMeans(holding: { memory: Held; cpu: Held; processes: Held }): string {
  const kinds = Object.values(holding);
  if (kinds.includes('nothing')) return 'What is not held can be exceeded: this system offers Nox no way.';
  if (kinds.includes('watched'))
    return 'What is watched is measured again and again, so it can be exceeded for a moment.';
  if (kinds.includes('rlimit'))
    return 'A limit of each process holds for one process, not for all of a session together.';
  return 'The system itself holds the limits, for all processes of a session together.';
}

const MB = 1024 * 1024;

function megabytes(bytes: number): string {
  const size = bytes / MB;
  return size < 10 ? size.toFixed(1) : Math.round(size).toLocaleString();
}

/** “412 MB”, or “412 of 512 MB”. 1 MB is 1024 times 1024 bytes. */
export function memoryText(bytes: number, mostMb: number | null | undefined): string {
  return mostMb ? `${megabytes(bytes)} of ${mostMb.toLocaleString()} MB` : `${megabytes(bytes)} MB`;
}

/** Per cent of one core; “87 of 200%”. */
export function cpuText(percent: number | null, most?: number | null): string {
  if (percent === null) return '–';
  const figure = percent < 10 ? percent.toFixed(1) : String(Math.round(percent));
  return most ? `${figure} of ${most}%` : `${figure}%`;
}
