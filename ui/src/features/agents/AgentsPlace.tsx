// The place “Agents”.
import { Bar } from '@/components/layout/Bar';
import { AGENTS } from './text';

export function AgentsPlace() {
  return <Bar title={AGENTS.title} />;
}
