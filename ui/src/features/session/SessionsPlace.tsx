// The place “Sessions”.
import { Bar } from '@/components/layout/Bar';
import { SESSIONS } from './text';

export function SessionsPlace() {
  return <Bar title={SESSIONS.title} />;
}
