// What a status says, by the engine's code. The engine decides which code and when; here are only the words.
import type { Problem, Words } from '@/bindings/nox';

const COUNT = (n: number, one: string, many: string) => (n === 1 ? one : `${n} ${many}`);

/** The words beside the sign. `blockedBy` is the title of the only task that is waited for, if there is just one. */
export function statusWord(words: Words, blockedBy?: string | undefined): string {
  switch (words.code) {
    case 'backlog':
      return 'Backlog';
    case 'todo':
      return 'To do';
    case 'blocked':
      return blockedBy ? `Blocked by ${blockedBy}` : `Blocked by ${COUNT(words.open, '1 task', 'tasks')}`;
    case 'by_hand':
      return 'Worked on by hand';
    case 'queued':
      return 'Queued';
    case 'starting':
      return 'Starts';
    case 'running':
      return words.doing ? `Runs ${words.doing}` : 'Running';
    case 'approval':
      return COUNT(words.open, 'Approval', 'approvals');
    case 'unknown_outcome':
      return `Result unknown: ${words.title}`;
    case 'lost':
      return 'Interrupted, can go on';
    case 'stopping':
      return 'Stopping';
    case 'stopped':
      return words.problem ? `Stopped: ${problemWord(words.problem)}` : 'Stopped';
    case 'failed':
      return words.problem ? `Failed: ${problemWord(words.problem)}` : 'Failed';
    case 'review':
      return 'Review';
    case 'done':
      return 'Done';
    case 'cancelled':
      return 'Cancelled';
  }
}

/** Why something did not end well, short enough for a card. */
export function problemWord(problem: Problem): string {
  switch (problem.code) {
    case 'exit_code':
      return `exit ${problem.exit_code}`;
    case 'signal':
      return `signal ${problem.signal}`;
    case 'timed_out':
      return `over ${problem.seconds} s`;
    case 'denied':
      return 'denied';
    case 'bad_text':
      return `line ${problem.line}: ${problem.message}`;
    case 'not_started':
    case 'connection_ended':
      return problem.message;
    case 'stopped':
      return 'stopped by you';
  }
}
