// The place “Settings”.
import { Bar } from '@/components/layout/Bar';
import { SETTINGS } from './text';

export function SettingsPlace() {
  return <Bar title={SETTINGS.title} />;
}
