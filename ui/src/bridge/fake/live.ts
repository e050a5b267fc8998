/**
 * What the fake engine does while a session works: steering, prompts that wait, modes and models, forks.
 */
import type { AddImage, Changed, ControlsRow, Image, ImageKind, ItemBody, SessionId } from '../../bindings/nox';
import { type CommandInputs, NoxError } from '../bridge';
import { newId } from '../ids';
import { type FakeState, newTask, viewOf } from './state';

/** What can be done with a session of which nothing was told. */
export function controlsOf(state: FakeState, session: SessionId): ControlsRow {
  return state.controls.get(session) ?? { session, offers: {}, waiting: [] };
}

function put(state: FakeState, row: ControlsRow): Changed[] {
  state.controls.set(row.session, row);
  const rows: Changed[] = [{ kind: 'controls', row }];
  const session = state.sessions.get(row.session);
  if (session && session.waiting_prompts !== row.waiting.length) {
    const next = { ...session, waiting_prompts: row.waiting.length };
    state.sessions.set(row.session, next);
    rows.push({ kind: 'session', row: viewOf(next) });
  }
  return rows;
}

function say(state: FakeState, session: SessionId, body: ItemBody): Changed {
  const items = state.items.get(session) ?? [];
  const now = Date.now();
  const item = { id: newId('itm', now), session, turn: null, ord: items.length, at: now, body };
  state.items.set(session, [...items, item]);
  return { kind: 'item', row: item };
}

/** A prompt that waits behind what runs. */
export function wait(state: FakeState, session: SessionId, text: string, images: Image[]): Changed[] {
  const row = controlsOf(state, session);
  return put(state, { ...row, waiting: [...row.waiting, { turn: newId('trn', Date.now()), text, images }] });
}

const KINDS: readonly (readonly [string, ImageKind])[] = [
  ['iVBORw0KGgo', 'png'],
  ['/9j/', 'jpeg'],
  ['R0lGOD', 'gif'],
  ['UklGR', 'webp'],
];

/** What every file holds here: a point. */
const ANY_FILE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** An image, told by how it begins. */
export async function addImage(state: FakeState, input: AddImage): Promise<Image> {
  const name = input.from === 'bytes' ? input.name : (input.path.split('/').at(-1) ?? input.path);
  const base64 = input.from === 'bytes' ? input.base64 : ANY_FILE;
  const kind = KINDS.find(([head]) => base64.startsWith(head))?.[1];
  if (!kind) {
    throw new NoxError({
      code: 'bad_input',
      message: `${name} is not added: it is no image of a kind that can be shown: PNG, JPEG, GIF or WebP`,
      hint: 'Save it as one of these, or write where it lies.',
      field: 'image',
    });
  }
  const size = input.from === 'bytes' ? Math.floor((input.base64.length * 3) / 4) : 1000;
  // One name for the same content, as a hash is.
  let mixed = 7;
  for (const letter of input.from === 'bytes' ? input.base64 : input.path)
    mixed = (mixed * 31 + letter.charCodeAt(0)) >>> 0;
  const sha256 = mixed.toString(16).padStart(64, '0');
  state.images.set(sha256, { kind, base64 });
  return { sha256, kind, size_bytes: size, width: 640, height: 400, name };
}

/** The commands of this file, as the table of the fake takes them. */
export function liveCommands(state: FakeState, prompt: (session: SessionId, text: string) => void) {
  const switched = (session: SessionId, dial: 'mode' | 'model', to: string) => {
    const row = controlsOf(state, session);
    const list = (dial === 'mode' ? row.offers.modes : row.offers.models) ?? [];
    const name = list.find((offer) => offer.id === to)?.name ?? to;
    const told = say(state, session, { kind: 'switched', dial, name, via: 'window' });
    return { session, rows: [told, ...put(state, { ...row, offers: { ...row.offers, [dial]: to } })] };
  };
  return {
    steerSession({ session, text }: CommandInputs['steerSession']) {
      const steers = controlsOf(state, session).offers.steers && state.sessions.get(session)?.state.state === 'running';
      if (steers) return { session, rows: [say(state, session, { kind: 'steered', text })] };
      prompt(session, text);
      return { session };
    },
    changePrompt({ session, turn, text }: CommandInputs['changePrompt']) {
      const row = controlsOf(state, session);
      const waiting = row.waiting.map((each) => (each.turn === turn ? { ...each, text } : each));
      return { session, rows: put(state, { ...row, waiting }) };
    },
    withdrawPrompt({ session, turn }: CommandInputs['withdrawPrompt']) {
      const row = controlsOf(state, session);
      const waiting = row.waiting.filter((each) => each.turn !== turn);
      const inverse = () => put(state, row);
      return { session, rows: put(state, { ...row, waiting }), inverse };
    },
    setSessionMode: ({ session, mode }: CommandInputs['setSessionMode']) => switched(session, 'mode', mode),
    setSessionModel: ({ session, model }: CommandInputs['setSessionModel']) => switched(session, 'model', model),
    forkSession({ session, text }: CommandInputs['forkSession']) {
      const from = state.sessions.get(session);
      if (!from) return { session };
      const now = Date.now();
      const { project, agent } = from;
      const task = newTask({ title: `Fork of ${from.title}`, status: 'in_progress', project, agent }, text, now);
      const id = newId('ses', now);
      state.tasks.set(task.id, task);
      state.bodies.set(task.id, text);
      const fork = { ...from, id, task: task.id, title: task.title, opened_at: now, last_event_at: now };
      const row = { ...fork, fork_of: session, fork_of_title: from.title, waiting_prompts: 0 };
      state.sessions.set(id, row);
      const told = say(state, id, { kind: 'prompt', text });
      return { session: id, task: task.id, rows: [{ kind: 'session' as const, row: viewOf(row) }, told] };
    },
  };
}
