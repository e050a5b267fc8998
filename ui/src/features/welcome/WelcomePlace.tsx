// The place “Welcome to Nox”.
import { Bar } from '@/components/layout/Bar';
import { WELCOME } from './text';

export function WelcomePlace() {
  return <Bar title={WELCOME.title} />;
}
