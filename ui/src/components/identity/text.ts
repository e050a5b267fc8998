// Words of the priorities.
export const PRIORITY_WORDS = { low: 'Low', medium: 'Medium', high: 'High', critical: 'Critical' } as const;

export const PRIORITY_LABEL = (word: string) => `Priority: ${word}`;
