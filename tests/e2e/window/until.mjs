/** Waiting without guessing: poll a condition until a deadline. Used by everything here that waits. */

const STEP_MS = 40;

/**
 * Calls `condition` until it returns something truthy and returns that. An exception counts as "not yet", and the last one
 * is told when the time is over.
 * @param {() => any} condition may be async
 * @param {string} what completes the sentence "waited for …"
 */
export async function until(condition, what, limitMs = 5000) {
  const deadline = Date.now() + limitMs;
  let last;
  for (;;) {
    try {
      last = undefined;
      const value = await condition();
      if (value) return value;
    } catch (error) {
      last = error;
    }
    if (Date.now() >= deadline) {
      const why = last ? `; the last attempt said: ${last.message}` : '';
      throw new Error(`waited ${limitMs} ms for ${what}${why}`);
    }
    await new Promise((resolve) => setTimeout(resolve, STEP_MS));
  }
}
