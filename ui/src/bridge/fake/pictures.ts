/**
 * A session in which a person and an agent show each other images, one of which is not there any more.
 */
import type { Image, Item, ItemBody, SessionRow, ToolCall } from '../../bindings/nox';
import { newId } from '../ids';
import { type FakeState, newTask } from './state';

const MINUTE = 60_000;

/** A chart of six bars. */
const CHART =
  'iVBORw0KGgoAAAANSUhEUgAAAeAAAAEsBAMAAADp0H1pAAAAElBMVEX////r7PBjZvEQo3/1ngtGSFDYoY/gAAABb0lEQVR42u3aUQ3DMAxF0RbCKIxCKYzC+FMZAquuZGWJcy6AKEfJ5zsOSZIkSZIkaeHOV89C8He3FwYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGnhb8DgIGBgYGBgYGBgYGBgYGBgYGBs6CR0/VI/CzU66gCRfxNS8cgdt+aWBgYGBgYGBgYGBgYGBgYOAacM1VgYGBgYGBgYGBgYGBgYGBgYGBG4I/QcDAwMDAwMDAi4FHb9kTp0Tg0Yt4XxoYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBh4T3DiHsDAwMDAwMDAwMDAwMDAwMDAwHOA80P1Xot4XxoYGBgYGBh4MXDiHsDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwLuBSxfxt0P1bot4XxoYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgYGBgY+H/gpgFLkiRJkiRJkiRJiX7BSu9qMaF3hQAAAABJRU5ErkJggg==';

const chart: Image = {
  sha256: 'ed68dd619100accb6785c1aeb3b8e280189b49549a908c165ca58dbab0270bca',
  kind: 'png',
  size_bytes: 454,
  width: 480,
  height: 300,
  name: 'retries.png',
};
/** As told; what is shown is the chart. */
const photo: Image = { ...chart, sha256: '1'.repeat(64), name: 'whole-page.png', width: 300, height: 2400 };
const mark: Image = { ...chart, sha256: '2'.repeat(64), name: 'favicon.png', width: 16, height: 16 };
const gone: Image = {
  ...chart,
  sha256: '3'.repeat(64),
  name: 'before the migration, with all regions and their totals.png',
};

const CALL: ToolCall = {
  key: 'call:1',
  kind: 'other',
  title: 'browser screenshot',
  text: '{\n  "page": "http://localhost:8080/retries"\n}',
  shell: '',
  folder: '/home/you/src/importer',
  environment: [],
  environment_hash: '0'.repeat(64),
  sandbox: 'none',
  timeout_seconds: null,
  continue_on_failure: true,
};

/** Puts it into a state. */
export function addPictures(state: FakeState, now: number) {
  const at = now - 4 * MINUTE;
  for (const { sha256 } of [chart, photo, mark]) state.images.set(sha256, { kind: 'png', base64: CHART });
  const task = newTask({ title: 'Draw the retries of a week', status: 'in_progress', agent: 'reviewer' });
  state.tasks.set(task.id, task);
  const row: SessionRow = {
    id: newId('ses', at),
    task: task.id,
    agent: 'reviewer',
    agent_name: 'Reviewer',
    agent_version: 'fake',
    runtime: 'claude',
    project: null,
    folder: '/home/you/src/importer',
    title: task.title,
    state: { state: 'idle', problem: null },
    review: true,
    progress: null,
    attempt: 1,
    takes_prompts: true,
    opened_at: at,
    last_event_at: now,
    closed_at: null,
    items: 4,
    cost_micro_usd: 40_000,
    deleted: false,
  };
  const head = '[image: retries.png, PNG, 454 bytes]\n';
  const digest = { size_bytes: head.length, kept_bytes: head.length, sha256: '', head, tail: '', cut_off: false };
  const bodies: ItemBody[] = [
    { kind: 'prompt', text: 'Draw it like this one, but by day.', images: [chart, gone] },
    {
      kind: 'tool_call',
      call: CALL,
      status: 'succeeded',
      request: null,
      decision: 'allow_once',
      reason: null,
      started_at: at,
      ended_at: at + 1_400,
      end: { outcome: 'succeeded' },
      output: digest,
      images: [chart, photo, mark],
    },
    { kind: 'message', text: 'Friday stands out: the importer met the new limit **eleven** times.' },
    { kind: 'message', text: '', images: [chart] },
  ];
  const items: Item[] = bodies.map((body, ord) => ({
    id: newId('itm', at + ord),
    session: row.id,
    turn: null,
    ord,
    at: at + ord * MINUTE,
    body,
  }));
  state.sessions.set(row.id, row);
  state.items.set(row.id, items);
}
