// Words of the dialogs.
export const DIALOG = {
  openLink: 'Open this link in the browser?',
  openLinkHint: 'It was written by an agent or stands in a file. Look at the whole address first.',
  open: 'Open link',
  stay: 'Stay here',
  close: 'Close',
};
