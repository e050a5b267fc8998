// A dialog that nobody has opened costs nothing: it is in the page from its first opening on, and stays, so that its closing
// can be seen. Mantine notes who has the focus when an existing dialog opens, so it comes closed and opens at once.
import { useLayoutEffect, useState } from 'react';

export interface Opening {
  /** Whether the dialog is in the page, open or not. */
  isThere: boolean;
  /** What its modal is told. */
  opened: boolean;
}

export function useFirstOpening(opened: boolean): Opening {
  const [stands, setStands] = useState(false);
  useLayoutEffect(() => {
    if (opened) setStands(true);
  }, [opened]);
  return { isThere: opened || stands, opened: opened && stands };
}
