// The place “Approvals”.
import { Bar } from '@/components/layout/Bar';
import { APPROVALS } from './text';

export function ApprovalsPlace() {
  return <Bar title={APPROVALS.title} />;
}
