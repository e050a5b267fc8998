// What Nox needs of this computer, looked at when the page opens and when somebody asks.
import { useQuery } from '@tanstack/react-query';
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { Loading, SkeletonRows } from '@/components/feedback/Skeleton';
import type { SignName } from '@/components/status/StatusSign';
import { StatusSign } from '@/components/status/StatusSign';
import { useNox } from '@/sync/context';
import type { CheckState } from '../../bindings/nox';
import s from './Settings.module.css';
import { DOCTOR } from './text';

const SIGNS: Record<CheckState, SignName> = { good: 'done', warning: 'needs_you', bad: 'failed' };

export function DoctorSection() {
  const { bridge } = useNox();
  const report = useQuery({ queryKey: ['doctor'], queryFn: () => bridge.doctor({}), staleTime: 0, gcTime: 0 });
  return (
    <>
      <p className={s.intro}>{DOCTOR.intro}</p>
      {report.isError && (
        <Banner tone="error" title={DOCTOR.failed}>
          {report.error.message}
        </Banner>
      )}
      {report.isPending && (
        <Loading>
          <SkeletonRows count={3} />
        </Loading>
      )}
      {report.data && (
        <ul className={s.rows}>
          {report.data.checks.map(({ code, name, state, found, hint }) => (
            <li key={code} className={s.check}>
              <StatusSign sign={SIGNS[state]} label={DOCTOR.states[state]} />
              <span className={s.rowName}>{name}</span>
              <span className={s.found} data-selectable>
                {found}
              </span>
              {hint && (
                <p className={s.checkHint} data-selectable>
                  {hint}
                </p>
              )}
            </li>
          ))}
        </ul>
      )}
      <Button className={s.start} icon="refresh" pending={report.isFetching} onClick={() => void report.refetch()}>
        {DOCTOR.again}
      </Button>
    </>
  );
}
