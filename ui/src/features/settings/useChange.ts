// Changes a setting: at once, told only when it was refused.
import { useAct } from '@/sync/act';
import type { ChangeSettings } from '../../bindings/nox';

export function useChange(): (patch: ChangeSettings) => void {
  const act = useAct();
  return (patch) => void act('changeSettings', patch);
}
