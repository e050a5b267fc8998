// Words of a permission request.
export const PERMISSION = {
  asked: 'asked',
  ago: (age: string) => (age === 'now' ? 'asked now' : `asked ${age} ago`),
  label: (agent: string, wants: string) => `${agent} ${wants}`,
  command: 'The exact command',
  prose: 'The plan',
  plan: 'shows you its plan',
  odd: 'This text has characters that cannot be seen. They are drawn as their codes.',
  facts: {
    folder: 'Folder',
    shell: 'Shell',
    environment: 'Environment',
    limit: 'Time limit',
    after: 'If it fails',
    why: 'Why',
    risk: 'Risk',
  },
  noEnvironment: 'Nothing',
  seconds: (count: number) => (count === 1 ? '1 second' : `${count} seconds`),
  goesOn: 'The next one is asked all the same',
  reason: 'Reason, sent to the agent',
  answer: 'Answer',
};

export const QUESTION = {
  label: (agent: string) => `${agent} asks you`,
  one: 'Choose one',
  many: 'Choose one or more',
  optional: 'May stay empty',
  number: (whole: boolean, least: string, most: string) => {
    const kind = whole ? 'a whole number' : 'a number';
    const from = least && ` from ${least}`;
    const to = most && (least ? ` to ${most}` : ` up to ${most}`);
    return `Write ${kind}${from}${to}.`;
  },
  own: 'Or in your own words',
  words: 'Your answer',
  send: 'Send answer',
  missing: (count: number) => (count === 1 ? '1 question has no answer yet' : `${count} questions have no answer yet`),
  wrong: (count: number) => (count === 1 ? '1 answer does not fit' : `${count} answers do not fit`),
  skip: 'Skip',
  skipWhat: 'The agent is told that you do not answer, and goes on without.',
  reason: 'Why you skip it, sent to the agent',
  skipped: 'Skipped',
  answered: 'Answered',
  none: 'No answer',
};

export const RULE = {
  title: 'Always allow',
  what: 'what the rule would say',
  rule: 'Rule',
  scope: 'For',
  everyone: 'Every agent',
  prefixHint: 'Shorten it to allow more. It never matches a second command, a redirection or a variable.',
  exactHint: 'This is more than one simple command, so the rule holds for exactly this text and nothing else.',
  anyHint: 'This rule would allow everything of this kind.',
  exact: 'Exactly the text above',
  any: 'Everything of this kind',
  notPrefix: 'Only whole words from the beginning of the command can be the rule. Delete words at the end.',
  mismatch: 'This rule does not match the command at hand.',
  go: 'Always allow with this rule',
  fold: 'Close',
  would: 'Would have matched',
  past: (count: number) => (count === 1 ? '1 past command' : `${count} past commands`),
  none: 'no past command',
  split: (allowed: number, denied: number) => `${allowed} allowed, ${denied} denied`,
  shown: (shown: number, count: number) => `The newest ${shown} of ${count}; what you denied comes first.`,
  failed: 'What the rule would match could not be found out',
  retry: 'Try again',
};
