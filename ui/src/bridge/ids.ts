/**
 * Ids that a window makes itself: a prefix and a UUIDv7 as 26 Crockford base32 figures.
 *
 * A command's id is made here, before it is sent, so that repeating it is answered from its receipt.
 */
import type { CommandId } from '../bindings/nox';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** A new id such as `cmd_01k9…`; the time is in its first ten figures. */
export function newId(prefix: string, now: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  let value = BigInt(now) << 80n;
  for (const [index, byte] of random.entries()) {
    value |= BigInt(byte) << BigInt(8 * (9 - index));
  }
  // Version 7 in bits 76 to 79, variant 10 in bits 62 and 63, as RFC 9562 wants them.
  value = (value & ~(0xfn << 76n)) | (0x7n << 76n);
  value = (value & ~(0x3n << 62n)) | (0x2n << 62n);
  let text = '';
  for (let index = 0; index < 26; index += 1) {
    text = ALPHABET.charAt(Number(value & 31n)) + text;
    value >>= 5n;
  }
  return `${prefix}_${text}`;
}

/** The id of a command that is about to be sent. */
export function newCommandId(): CommandId {
  return newId('cmd');
}
