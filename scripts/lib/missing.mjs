// The one error of the scripts that a person can do something about. Anything else is a fault of the scripts.

/** Something that is missing or failed; the message says what to do. */
export class Missing extends Error {}

/** Runs `main` and turns a `Missing` into its message and exit code 1. */
export async function orSay(main, print = console.error) {
  try {
    return await main();
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    print(error.message);
    return 1;
  }
}
