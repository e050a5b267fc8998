// Dates in the words of the person's locale.

/**
 * A writer of dates that is made when it is first used: the tables behind one cost a start several milliseconds and the
 * page a megabyte, and most pages need none.
 */
export function dateFormat(options: Intl.DateTimeFormatOptions): (at: Date | number) => string {
  let format: Intl.DateTimeFormat | undefined;
  return (at) => {
    format ??= new Intl.DateTimeFormat(undefined, options);
    return format.format(at);
  };
}
