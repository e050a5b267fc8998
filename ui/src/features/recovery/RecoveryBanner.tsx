// On the board after a start that found something lost: one calm line that leads to the whole story.
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Banner } from '@/components/feedback/Banner';
import type { RecoveryView } from '../../bindings/nox';
import { RECOVERY } from './text';
import { useRecovery, useSeen } from './useRecovery';

export function RecoveryBanner() {
  const { data } = useRecovery();
  const [seen, put] = useSeen(data?.at);
  if (!data || data.clean || seen) return null;
  return (
    <Banner
      tone="info"
      title={titleOf(data)}
      actions={<Link href={routes.recovery()}>{RECOVERY.see}</Link>}
      onClose={put}
    />
  );
}

/** The worst of what was found. */
export function titleOf({ database, lost_runs, swept }: RecoveryView): string {
  if (database) return RECOVERY.damaged;
  return lost_runs > 0 ? RECOVERY.interrupted(lost_runs) : RECOVERY.sweptOnly(swept);
}
