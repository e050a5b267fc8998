/** The agents and tasks on the pictures. Used by `screenshots.mjs`. Every command in them is harmless and runs anywhere. */
import { deflateSync } from 'node:zlib';

const agent = (id, name, description, prompt) => ({
  id,
  name,
  toml: `schema = 1\nname = "${name}"\ndescription = "${description}"\nruntime = "runbook"\nenabled = true\n`,
  prompt: `# ${name}\n\n${prompt}\n`,
});

export const SAMPLE_AGENTS = [
  agent('backend', 'Backend', 'Services, imports and the ledger', 'You run what the task says, step by step, and stop at the first failure.'),
  agent('docs', 'Docs', 'Guides, examples and release notes', 'You check every example before it is published.'),
  agent('release', 'Release', 'Builds, signs and publishes', 'Nothing leaves this computer without an answer from a person.'),
];

/** The date so many days from now: pictures that are made again look the same. */
const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

const sh = (script, name) => `\`\`\`sh${name ? ` name="${name}"` : ''}\n${script}\n\`\`\`\n`;

/**
 * `run`: `stay` starts it and leaves it running, `ask` leaves its approval open, `end` lets it finish or fail. `until` is what
 * its output says when the next may begin.
 */
export const SAMPLE_TASKS = [
  { title: 'Move invoice PDFs to object storage', status: 'backlog', priority: 'low', body: 'The old disk is full by spring.' },
  { title: 'Write the upgrade notes for 2.0', status: 'backlog', priority: 'medium', agent: 'docs', deadline: inDays(9), body: 'One page, with the three breaking changes first.' },
  { title: 'Read-only mode when the disk is full', status: 'backlog', priority: 'high', body: 'Show what can still be done.' },
  { title: 'Rate-limit the public search endpoint', status: 'todo', priority: 'high', agent: 'backend', body: 'Ten a second for each address.' },
  { title: 'Explain the permission rules with three examples', status: 'todo', priority: 'medium', agent: 'docs', deadline: inDays(2), body: 'Allow, ask, deny.' },
  {
    title: 'Check the nightly backup', status: 'todo', priority: 'low', agent: 'backend', run: 'stay', until: /checked pack 6\b/,
    body: `${sh('for n in $(seq 1 400); do printf "\\033[32mchecked\\033[0m pack %d of 400, no errors\\n" "$n"; sleep 0.3; done', 'Check the packs')}\n${sh('echo "restored one file to compare"', 'Restore one file')}`,
  },
  {
    title: 'Import the statements of 2023', status: 'todo', priority: 'medium', agent: 'backend', run: 'end', until: /already booked/,
    body: sh('echo "reading 2023-01.csv"\necho "line 212: statement 88121 is already booked" >&2\nexit 101', 'Import'),
  },
  {
    title: 'Publish 1.8.2 to the package index', status: 'todo', priority: 'high', agent: 'release', deadline: inDays(0), run: 'ask',
    body: `The tests are green and the notes are written.\n\n${sh('git push origin v1.8.2', 'Push the tag')}`,
  },
  { title: 'Clear out the stale feature flags', status: 'todo', priority: 'medium', agent: 'backend', run: 'ask', body: sh('rm -r flags/checkout_v1 flags/banner_2024', 'Remove two flags') },
  { title: 'Arrow keys in the date picker', status: 'review', priority: 'medium', agent: 'backend', body: 'Left and right by day, up and down by week.' },
  { title: 'How the ledger rounds, with a table of cases', status: 'review', priority: 'low', agent: 'docs', body: 'Half to even, shown on ten sums.' },
  { title: 'Retry with backoff for bank imports', status: 'done', priority: 'critical', agent: 'backend', body: 'Six tries, with jitter.' },
  { title: 'Print styles for receipts', status: 'done', priority: 'low', agent: 'docs', body: 'One page each.' },
];

/** An agent that plays a recording, so that what people do while a program works can be seen with none installed. */
export const PLAYER = {
  ...agent('player', 'Player', 'Plays a recorded conversation', 'It says what the recording says.'),
  toml: 'schema = 1\nname = "Player"\ndescription = "Plays a recorded conversation"\nruntime = "recorded"\nreview = false\nenabled = true\n',
};

/** A text that such an agent plays: each line is one step. */
export const recording = (...lines) => `\`\`\`recorded\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n\`\`\`\n`;

const offer = (id, name, description = '') => ({ id, name, description });

const PLAN = `## How I would do it

1. Keep the ledger’s tables as they are.
2. Write the importer with a **dry run**, and compare the sums of three months.
3. Switch over on a Sunday, with the old importer ready for a week.

Nothing is deleted before you have seen the sums.
`;

/** A task that asks two questions, listens to what is said meanwhile, shows a plan, and meets the limit of its model server in a third turn. */
export const TALK = {
  title: 'Replace the importer of bank statements',
  question: 'Which format should it read first?',
  body: `The old one breaks with every new bank.\n\n${recording(
    {
      offer: {
        modes: [offer('ask', 'Ask each time', 'Nothing is changed without an answer'), offer('plan', 'Plan only', 'It reads and plans, and changes nothing')],
        mode: 'ask',
        models: [offer('small', 'Small'), offer('large', 'Large')],
        model: 'small',
        commands: [offer('review', 'review', 'Looks at what changed')],
        steers: true,
        forks: true,
      },
    },
    { say: 'I have read the old importer. It knows **four formats**, and two of them share most of their code.' },
    {
      call: {
        title: 'Two questions',
        text: 'Which format should it read first?\nWhat has to be kept?',
        kind: 'other',
        questions: [
          {
            id: 'format', header: 'Format', text: 'Which format should it read first?', free: true,
            options: [{ label: 'CAMT.053', description: 'XML. Three of five banks send it.' }, { label: 'MT940', description: 'Old, and the only one that the savings bank has.' }],
          },
          { id: 'keep', header: 'Keep', text: 'What has to be kept?', many: true, options: [{ label: 'Old bookings' }, { label: 'Notes of people' }, { label: 'The order of entries' }] },
        ],
      },
    },
    { say: 'Good. I compare the two with the statements of March.' },
    'listen',
    { call: { title: 'The plan', text: PLAN, kind: 'other', prose: true } },
    { say: 'The plan stands.' },
    { end: 'end' },
    { say: 'I write the tests first, then.' },
    { end: 'end' },
    { say: 'The tests stand. I put all of it into one commit.' },
    { fault: { fault: 'rate_limit', message: 'too many tokens in a minute', again_in_ms: 25 * 60_000 } },
  )}`,
};

const TABLE = Array.from({ length: 256 }, (_, number) => {
  let value = number;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value >>> 0;
});

const number = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};

function chunk(name, content) {
  const named = Buffer.concat([Buffer.from(name), content]);
  const crc = named.reduce((sum, byte) => TABLE[(sum ^ byte) & 255] ^ (sum >>> 8), 0xffffffff) ^ 0xffffffff;
  return Buffer.concat([number(content.length), named, number(crc)]);
}

/** A picture of one colour, as wide and as high as this. */
export function png(side, colour) {
  const row = Buffer.concat([Buffer.from([0]), ...Array.from({ length: side }, () => Buffer.from(colour))]);
  const rows = deflateSync(Buffer.concat(Array.from({ length: side }, () => row)));
  const head = Buffer.concat([number(side), number(side), Buffer.from([8, 2, 0, 0, 0])]);
  return Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), chunk('IHDR', head), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]);
}
