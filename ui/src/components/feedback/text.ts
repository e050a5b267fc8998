// Words of banners, toasts and empty places.
export const FEEDBACK = {
  close: 'Close',
  undo: 'Undo',
  toasts: 'Messages',
  loading: 'Loading',
  line: (file: string, line: number) => `${file}, line ${line}`,
};
