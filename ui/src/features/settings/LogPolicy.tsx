// What becomes of the events of sessions that have been over for some time. Dropping them cannot be undone, so it asks.
import { useState } from 'react';
import { Segmented } from '@/components/controls/Segmented';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { useSettings } from '@/sync/hooks';
import type { LogPolicy as Policy } from '../../bindings/nox';
import { Figure } from './Figure';
import s from './Settings.module.css';
import { LOG_POLICY } from './text';
import { useChange } from './useChange';

const OPTIONS = Object.entries(LOG_POLICY.words).map(([value, label]) => ({ value: value as Policy, label }));

export function LogPolicy() {
  const settings = useSettings();
  const change = useChange();
  const [asked, setAsked] = useState(false);
  if (!settings) return null;
  const { log_policy: policy, log_after_days: days } = settings;
  const choose = (log_policy: Policy) => {
    if (log_policy === 'prune') setAsked(true);
    else change({ log_policy });
  };
  return (
    <>
      <div className={s.line}>
        <span className={s.label}>{LOG_POLICY.label}</span>
        <div className={s.value}>
          <Segmented label={LOG_POLICY.label} value={policy} options={OPTIONS} onChange={choose} />
          <p className={s.hint}>{LOG_POLICY.means[policy](days)}</p>
        </div>
      </div>
      {policy !== 'keep' && (
        <Figure
          {...LOG_POLICY.days}
          least={1}
          most={3650}
          value={days}
          onChange={(log_after_days) => change({ log_after_days })}
        />
      )}
      <ConfirmDialog
        opened={asked}
        question={LOG_POLICY.question(days)}
        stay={LOG_POLICY.stay}
        go={LOG_POLICY.go(days)}
        onStay={() => setAsked(false)}
        onGo={() => {
          setAsked(false);
          change({ log_policy: 'prune' });
        }}
      >
        <p>{LOG_POLICY.means.prune(days)}</p>
      </ConfirmDialog>
    </>
  );
}
