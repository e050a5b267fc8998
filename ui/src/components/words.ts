// The product's own words for what the engine says by code: statuses, problems, decisions, why and how risky. Shared by
// cards, sessions and approvals, so that one thing is called the same everywhere. It looks words up and derives nothing.
import type {
  AgentFault,
  CallEnd,
  CallStatus,
  Decision,
  Effect,
  HeldBack,
  LimitHit,
  LimitKind,
  PauseWhy,
  Problem,
  RequestRow,
  Risk,
  ToolKind,
  Why,
  Words,
} from '../bindings/nox';
import { formatTime } from './status/age';
import type { SignName } from './status/StatusSign';

/** What stands beside a status sign. */
export function statusWords(words: Words): string {
  switch (words.code) {
    case 'backlog':
      return 'Backlog';
    case 'todo':
      return 'To do';
    case 'blocked':
      return words.open === 1 ? 'Waits for 1 task' : `Waits for ${words.open} tasks`;
    case 'not_started':
      return `Not started: ${LIMITS[words.hit.limit].short}`;
    case 'by_hand':
      return 'By hand';
    case 'queued':
      return words.held_back ? HELD_BACK[words.held_back.why] : 'Queued';
    case 'starting':
      return 'Starting';
    case 'running':
      return words.doing ? `Runs ${firstLine(words.doing)}` : 'Running';
    case 'approval':
      if (words.question) return words.open > 1 ? `${words.open} questions or approvals` : 'Asks you';
      return words.open > 1 ? `${words.open} approvals` : 'Approval';
    case 'rate_limited':
      return `Waits for the model’s limit until ${formatTime(words.until)}`;
    case 'unknown_outcome':
      return 'Result unknown';
    case 'lost':
      return words.problem ? `Interrupted: ${problemWord(words.problem)}` : 'Interrupted';
    case 'stalled':
      return words.computes ? 'Silent, still computes' : 'Silent';
    case 'restarting':
      return `Starts again, ${words.number} of ${RESTARTS}`;
    case 'session_paused':
      return words.finishing ? `Pausing after ${firstLine(words.finishing)}` : 'Paused';
    case 'idle':
      return 'Waits for your next message';
    case 'hibernated':
      return 'Asleep';
    case 'stopping':
      return 'Stopping';
    case 'stopped':
      return words.problem && words.problem.code !== 'stopped' ? `Stopped: ${problemWord(words.problem)}` : 'Stopped';
    case 'failed':
      return words.problem ? `Failed: ${problemWord(words.problem)}` : 'Failed';
    case 'review':
      return 'To review';
    case 'done':
      return 'Done';
    case 'cancelled':
      return 'Cancelled';
  }
}

/** Restarts of a run within five minutes before a person is asked. */
export const RESTARTS = 3;

const HELD_BACK: Record<HeldBack['why'], string> = {
  places: 'Queued for a place',
  agent_places: 'Queued for its agent',
  memory: 'Queued for memory',
  rate: 'Queued: too many starts',
  breaker: 'Queued: agent failed',
};

/** What keeps a session from starting, in one sentence without the time of a retry. */
export function heldBackText(held: HeldBack, agent: string): string {
  switch (held.why) {
    case 'places':
      return held.max === 1
        ? '1 session runs, and only one may run at the same time.'
        : `${held.max} sessions run, and no more may run at the same time.`;
    case 'agent_places':
      return held.max === 1
        ? `${agent} works on 1 session, and may not work on more.`
        : `${agent} works on ${held.max} sessions, and may not work on more.`;
    case 'memory':
      return `What runs uses ${held.used_mb.toLocaleString()} MB of the ${held.budget_mb.toLocaleString()} MB that all sessions together may use.`;
    case 'rate':
      return held.max_per_minute === 1
        ? 'Only one session may be started in a minute.'
        : `Only ${held.max_per_minute} sessions may be started in a minute.`;
    case 'breaker':
      return `${agent} failed ${held.faults} times in a row, so it is left alone for a while.`;
  }
}

/** Why a session is paused, in one sentence. */
export const PAUSED_BECAUSE: Record<PauseWhy, string> = {
  person: 'You paused it.',
  disconnected: 'It paused because no window watched it any more.',
  everything: 'Everything was paused.',
};

/** A cause in two or three words, to stand after “Failed:”. */
export function problemWord(problem: Problem): string {
  switch (problem.code) {
    case 'exit_code':
      return `exit ${problem.exit_code}`;
    case 'signal':
      return `signal ${problem.signal}`;
    case 'timed_out':
      return `over ${seconds(problem.seconds)}`;
    case 'denied':
      return 'denied';
    case 'bad_text':
      return `line ${problem.line}`;
    case 'not_started':
      return 'not started';
    case 'connection_ended':
      return 'connection ended';
    case 'limit':
      return LIMITS[problem.hit.limit].short;
    case 'agent':
      return AGENT_FAULTS[problem.fault];
    case 'stopped':
      return 'stopped';
  }
}

/** What is wrong with the program of an agent, to stand after “Failed:”. */
const AGENT_FAULTS: Record<AgentFault, string> = {
  not_installed: 'not installed',
  not_signed_in: 'not signed in',
  bad_key: 'bad key',
  rate_limit: 'rate limit',
  overloaded: 'overloaded',
  context_full: 'too long',
  unreachable: 'no answer',
  refused: 'refused',
  protocol: 'not understood',
  crashed: 'broke down',
  elsewhere: 'open elsewhere',
  settings: 'settings',
};

/** A cause in one sentence. */
export function problemText(problem: Problem): string {
  switch (problem.code) {
    case 'exit_code':
      return `“${problem.title}” ended with exit code ${problem.exit_code}.`;
    case 'signal':
      return `“${problem.title}” was ended by signal ${problem.signal}.`;
    case 'timed_out':
      return `“${problem.title}” was ended because it took longer than ${seconds(problem.seconds)}.`;
    case 'denied':
      return problem.reason
        ? `“${problem.title}” was denied: ${sentence(problem.reason)}`
        : `“${problem.title}” was denied.`;
    case 'bad_text':
      return `Line ${problem.line} of the task: ${sentence(problem.message)}`;
    case 'not_started':
      return `It could not be started: ${sentence(problem.message)}`;
    case 'connection_ended':
      return `The connection to the agent ended: ${sentence(problem.message)}`;
    case 'limit':
      return limitText(problem.hit);
    case 'agent':
      return sentence(problem.message);
    case 'stopped':
      return 'It was stopped.';
  }
}

interface LimitWords {
  /** After “Failed:”. */
  short: string;
  /** Before the figures. */
  it: string;
  unit: string;
  /** What to do so that it does not happen again. */
  todo: string;
}

const LIMITS: Record<LimitKind, LimitWords> = {
  memory: {
    short: 'memory limit',
    it: 'memory',
    unit: 'MB',
    todo: 'Raise “Memory” of the agent, or make the step smaller.',
  },
  cpu: { short: 'processor limit', it: 'processor', unit: '% of a core', todo: 'Raise “Processor” of the agent.' },
  processes: {
    short: 'too many processes',
    it: 'processes',
    unit: 'processes',
    todo: 'Raise “Processes” of the agent, or look for what starts so many.',
  },
  wall: { short: 'time limit', it: 'time', unit: 's', todo: 'Raise “Time” of the agent, or make the task smaller.' },
  output: {
    short: 'output limit',
    it: 'output',
    unit: 'MB',
    todo: 'Raise “Output” of the agent, or let the step print less.',
  },
  disk: {
    short: 'disk limit',
    it: 'new data in its folder',
    unit: 'MB',
    todo: 'Raise “Disk” of the agent, or clean up the folder.',
  },
  spawn_rate: {
    short: 'too many sessions',
    it: 'sessions in an hour',
    unit: '',
    todo: 'Raise “Sessions an hour” of the agent.',
  },
  depth: {
    short: 'too deep',
    it: 'depth of sessions that start sessions',
    unit: '',
    todo: 'Raise “Depth” of the agent.',
  },
};

/** A limit that was reached: what was measured, what is allowed, what was done and what to do, in whole sentences. */
export function limitText({ limit, value, allowed, action }: LimitHit): string {
  const { it, unit, todo } = LIMITS[limit];
  const figures = `${value.toLocaleString()} of ${allowed.toLocaleString()}${unit && unit !== it ? (unit.startsWith('%') ? unit : ` ${unit}`) : ''}`;
  switch (action) {
    case 'refused':
      return limit === 'depth'
        ? `Another session was not started: it would stand ${value.toLocaleString()} levels deep, and ${allowed.toLocaleString()} may be. ${todo}`
        : `A session was not started: ${it} ${figures}. Start it later, or ${todo.charAt(0).toLowerCase()}${todo.slice(1)}`;
    case 'warned':
      return `It is near a limit: ${it} ${figures}.`;
    case 'throttled':
      return `It was slowed down at a limit: ${it} ${figures}. It goes on.`;
    case 'ended':
      return `It was ended at a limit: ${it} ${figures}. ${todo}`;
  }
}

/** How sessions live: each rule with its question and its answers. Agents and the settings say the same. */
export const LIFE = {
  restart: {
    label: 'When it breaks down',
    hint: 'Whether a run that ended although its work was not over is started again. At most 3 times in five minutes, longer apart each time.',
    options: { on_failure: 'Restart when it was at work', always: 'Restart in any case', never: 'Ask me' },
  },
  on_crash: {
    label: 'After Nox crashed',
    hint: 'A step whose end nobody saw waits for you in any case.',
    options: { resume: 'Go on by itself', ask: 'Ask me' },
  },
  on_disconnect: {
    label: 'When nobody watches',
    hint: 'When the last window or terminal that showed it is closed.',
    options: { continue: 'Go on', pause: 'Pause after the step' },
  },
  wait_for_limit: {
    label: 'Wait for the model server’s limit',
    hint: 'When the server says until when too much was asked of it.',
    options: { true: 'Wait, then go on by itself', false: 'End the turn and tell me' },
  },
  stall: {
    label: 'Silent after',
    hint: 'When nothing was heard of a run for so long, you are asked whether to wait. 0: never.',
    unit: 's',
    wrong: 'Write whole seconds, or 0 for never.',
  },
} as const;

/** Why a request was put to a person. */
export function whyText(why: Why): string {
  switch (why.code) {
    case 'rule':
      return `The rule “${why.rule}” asks before this runs`;
    case 'question':
      return 'It asks you something, and only you can answer that.';
    case 'no_rule':
      return 'No rule covers this command';
    case 'not_simple':
      return 'More than one command, which rules for single commands cannot judge';
    case 'indirect':
      return 'It starts another program, or goes by another path than a rule names';
    case 'outside_folder':
      return 'It would run outside of the session’s folder, where rules allow nothing';
    case 'session':
      return 'Allowed for this session before';
    case 'again':
      return 'You chose to run it again';
    case 'flag':
      return 'Allowed on the command line';
  }
}

export const RISK_WORDS: Record<Risk, string> = { low: 'Low', medium: 'Medium', high: 'High' };

/** What made the text look as risky as it does: the word in it that decided. */
export function riskText(risk: Risk, reason: string): string {
  if (risk === 'low') return 'it only looks';
  if (reason === '>') return 'it writes to a file';
  if (reason === '') return 'it is not known what it does';
  return risk === 'high' ? `“${reason}” can do what cannot be taken back` : `“${reason}” may change things`;
}

/** What somebody wants to do, after the agent's name. */
export const WANTS: Record<ToolKind, string> = {
  read: 'wants to read files',
  edit: 'wants to change files',
  delete: 'wants to delete files',
  move: 'wants to move files',
  search: 'wants to search',
  execute: 'wants to run a command',
  think: 'wants to think',
  fetch: 'wants to use the network',
  other: 'wants to use a tool',
};

/** The same in the third person, for a row of a list. */
export const DOES: Record<ToolKind, string> = {
  read: 'reads files',
  edit: 'changes files',
  delete: 'deletes files',
  move: 'moves files',
  search: 'searches',
  execute: 'runs a command',
  think: 'thinks',
  fetch: 'uses the network',
  other: 'uses a tool',
};

/** What a rule is about. */
export const KIND_WORDS: Record<ToolKind, string> = {
  read: 'Read files',
  edit: 'Change files',
  delete: 'Delete files',
  move: 'Move files',
  search: 'Search',
  execute: 'Run commands',
  think: 'Think',
  fetch: 'Use the network',
  other: 'Other tools',
};

export const EFFECT_WORDS: Record<Effect, string> = { allow: 'Allowed', ask: 'Asks', deny: 'Denied' };

/** Button and answer at once: these names are what tests and screen readers know. */
export const ANSWERS = {
  once: 'Allow once',
  session: 'Allow for this session',
  always: 'Always allow',
  deny: 'Deny',
};

/** How a request was settled. */
export const DECISION_WORDS: Record<Decision, string> = {
  allow_once: 'Allowed once',
  allow_session: 'Allowed for session',
  allow_always: 'Always allowed',
  deny: 'Denied',
};

const WITHDRAWN: Record<string, string> = {
  changed: 'Withdrawn: it would run something else now',
  stopped: 'Withdrawn: stopped',
  deleted: 'Withdrawn: deleted',
};

/** Sign and word of how a request ended. */
export function settled(state: RequestRow['state']): { sign: SignName; word: string } {
  if (state.state === 'open') return { sign: 'needs_you', word: 'Waiting' };
  if (state.state === 'withdrawn') return { sign: 'paused', word: WITHDRAWN[state.why] ?? 'Withdrawn' };
  return { sign: state.decision === 'deny' ? 'failed' : 'done', word: DECISION_WORDS[state.decision] };
}

/** Sign and word of a tool call. */
export function callWords(status: CallStatus, end: CallEnd | null): { sign: SignName; word: string } {
  switch (status) {
    case 'proposed':
      return { sign: 'queued', word: 'Proposed' };
    case 'waiting':
      return { sign: 'needs_you', word: 'Waiting for you' };
    case 'allowed':
      return { sign: 'queued', word: 'Allowed' };
    case 'running':
      return { sign: 'running', word: 'Running' };
    case 'succeeded':
      return { sign: 'done', word: 'Done' };
    case 'failed':
      return { sign: 'failed', word: failedWord(end) };
    case 'denied':
      return { sign: 'failed', word: 'Denied' };
    case 'cancelled':
      return { sign: 'paused', word: 'Stopped' };
    case 'unknown':
      return { sign: 'unknown', word: 'Result unknown, not repeated' };
    case 'skipped':
      return { sign: 'paused', word: 'Skipped' };
  }
}

function failedWord(end: CallEnd | null): string {
  if (end?.outcome !== 'failed') return 'Failed';
  if (end.timed_out) return 'Failed: took too long';
  if (end.problem) return 'Failed: not started';
  if (end.signal !== null) return `Failed: signal ${end.signal}`;
  if (end.exit_code !== null) return `Failed: exit ${end.exit_code}`;
  return 'Failed';
}

/** There is no sandbox yet; whoever works outside of one wears this. */
export const NOT_SANDBOXED = 'Not sandboxed';
export const NOT_SANDBOXED_HINT =
  'It runs as you, with all your files and the network. Your approval is the only thing between a command and them.';

/** The first line of a text, for places with room for one. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((each) => each.trim() !== '') ?? text;
  return line.trim();
}

const UNITS = ['bytes', 'KB', 'MB', 'GB'];

/** 1 KB is 1024 bytes. */
export function sizeText(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(size < 10 ? 1 : 0)} ${UNITS[unit]}`;
}

/** Millionths of a US dollar as money; null where nobody told what it cost. */
export function costText(microUsd: number | null): string {
  if (microUsd === null) return 'not told';
  if (microUsd === 0) return 'no cost';
  const dollars = microUsd / 1_000_000;
  return dollars > 0 && dollars < 0.01 ? 'under $0.01' : `$${dollars.toFixed(2)}`;
}

function seconds(count: number): string {
  return count === 1 ? '1 second' : `${count} seconds`;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
