// Words of code, terminals and Markdown.
export const TEXT = {
  copy: 'Copy',
  copied: 'Copied',
  output: 'Output',
  earlier: (count: number) => `${count.toLocaleString()} earlier lines are in the file only`,
  newer: (count: number) => `${count.toLocaleString()} new`,
  image: (alt: string) => (alt ? `Image: ${alt}` : 'Image'),
};
