// How the fake engine says no.
import type { ErrorCode } from '../../bindings/nox';
import { NoxError } from '../bridge';

/** An error of the engine; the hint says what to do, the field what is wrong. */
export function refused(code: ErrorCode, message: string, hint: string | null = null, field: string | null = null) {
  return new NoxError({ code, message, hint, field });
}
