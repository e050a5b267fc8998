// Words of diffs, plans and usage.
export const TRANSCRIPT = {
  diff: (path: string) => `Change of ${path}`,
  changed: (added: number, removed: number) => `${added} added, ${removed} removed`,
  cut: 'The rest of this change is not shown.',
  all: (lines: number) => `Show all ${lines} lines`,
  less: 'Show less',
  plan: 'Plan',
  steps: { pending: 'To be done', in_progress: 'Being done', completed: 'Done' },
  thought: 'Thought',
  thinking: 'Thinks',
  tokens: (read: string, cached: string, written: string) => `${read} read, ${cached} from cache, ${written} written`,
};
