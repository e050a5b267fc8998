/**
 * What the fake engine does with its log: a session that is imported, a compaction that has begun.
 */
import type { Changed } from '../../bindings/nox';
import { NoxError } from '../bridge';
import { newId } from '../ids';
import { type FakeState, viewOf } from './state';

/** Imports a copy of a session that is over; only files that are named as exports are understood. */
export function importOne(state: FakeState, path: string) {
  const from = [...state.sessions.values()].find((row) => row.state.state === 'closed');
  if (!from || !path.endsWith('.jsonl')) {
    throw new NoxError({
      code: 'bad_input',
      message: `line 1 of ${path} is no beginning of an export`,
      hint: 'Choose a file that was exported as JSON lines.',
      field: 'path',
    });
  }
  const row = { ...from, id: newId('ses'), task: null, imported: true, title: `${from.title} (imported)` };
  state.sessions.set(row.id, row);
  const rows: Changed[] = [{ kind: 'session', row: viewOf(row) }];
  const inverse = (): Changed[] => {
    state.sessions.delete(row.id);
    return [{ kind: 'gone', row: { kind: 'session', id: row.id } }];
  };
  return { session: row.id, rows, inverse };
}

/** Begins a compaction; a test lets it end. */
export function compactNow(state: FakeState) {
  const begun_at = Date.now();
  state.log.compaction = { step: 'packing', begun_at, sessions: 3, events: 420, freed_bytes: null, problem: null };
  return {};
}
