// `node tests/contract/clean.mjs RECORDED CLEANED`: makes a recording small and free of what belongs to one machine or one
// moment, so that it can be a fixture: folders, ids, times, and the long lists of what the program offers.
import { readFileSync, writeFileSync } from 'node:fs';

const [from, to] = process.argv.slice(2);
const text = readFileSync(from, 'utf8');
const names = new Map();

const KEPT_OFFERS = 4;

/** Of the program's first words only these say something here. */
const KEPT = {
  init: ['type', 'subtype', 'session_id', 'model', 'permissionMode', 'apiKeySource', 'claude_code_version', 'cwd'],
  answer: ['claude_code_version', 'current_permission_mode', 'hooks_applied'],
};
const pick = (value, keys) => Object.fromEntries(keys.filter((key) => key in value).map((key) => [key, value[key]]));

/** Times of Codex. */
const GONE = ['emittedAtMs', 'startedAtMs', 'completedAtMs', 'startedAt', 'completedAt', 'durationMs'];

/** Of the first answers of Codex only these say something here. */
function codex(result) {
  if (result?.thread) result.thread = pick(result.thread, ['id', 'cwd', 'forkedFromId', 'modelProvider']);
  if (result?.data?.[0]?.model) result.data = result.data.slice(0, 2).map((model) => pick(model, ['id', 'model', 'displayName', 'hidden']));
}

function clean(line) {
  let frame;
  try {
    frame = JSON.parse(line, (key, value) => (GONE.includes(key) ? undefined : value));
  } catch {
    return line;
  }
  if (frame.type === 'system' && frame.subtype === 'init') frame = pick(frame, KEPT.init);
  const answer = frame.response?.response;
  shorten(frame.result);
  shorten(frame.params?.update);
  if (answer?.commands) frame.response.response = pick(answer, KEPT.answer);
  codex(frame.result);
  codex(frame.params);
  if (frame.method === 'remoteControl/status/changed') frame.params = {};
  for (const key of ['uuid', 'timestamp', 'request_id_of_api']) delete frame[key];
  return same(JSON.stringify(frame));
}

/** Of long lists the first ones stay: what a program offers is the same in every recording. */
function shorten(said) {
  // Qwen Code tells all of its skills beside them.
  if (said?.availableCommands) delete said._meta;
  const lists = [said?.modes?.availableModes, said?.models?.availableModels, said?.availableCommands];
  for (const option of said?.configOptions ?? []) lists.push(option.options);
  for (const list of lists) list?.splice(KEPT_OFFERS);
  if (Array.isArray(said?.configOptions)) said.configOptions = said.configOptions.filter((option) => ['mode', 'model'].includes(option.category));
}

/** The same name for the same id and the same folder, in the whole recording. */
function same(line) {
  return line
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => {
      if (!names.has(id)) names.set(id, `00000000-0000-4000-8000-${String(names.size + 1).padStart(12, '0')}`);
      return names.get(id);
    })
    .replace(/\b20\d{6}_(\d+)\b/g, '20260101_$1')
    .replace(/\b20\d\d-\d\d-\d\dT[\d:.]+(Z|\+00:00)/g, '2026-01-01T00:00:00Z')
    .replace(/"created":\d{10}/g, '"created":1700000000')
    .replace(/\/[^\s"'\\]*nox-world-[^/"'\\]*\/work/g, '/nowhere/project')
    .replace(/\/[^\s"'\\]*nox-world-[^/"'\\]*\/own/g, '/nowhere/home')
    .replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:1')
    .replace(/-tmp-nox-world-[A-Za-z0-9-]*?-work/g, '-nowhere-project')
    .replace(/nox-world-[A-Za-z0-9]+/g, 'nox-world');
}

const lines = text.trim().split('\n').map((line) => {
  const said = JSON.parse(line);
  for (const name of ['from', 'to', 'err']) if (name in said) said[name] = clean(said[name]);
  return JSON.stringify(said);
});
writeFileSync(to, `${lines.join('\n')}\n`);
