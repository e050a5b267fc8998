// What is told and whether the desktop shows it, how much is logged.
import { Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Field } from '@/components/controls/Field';
import { Segmented } from '@/components/controls/Segmented';
import { StatusText } from '@/components/status/StatusText';
import { useNox } from '@/sync/context';
import { useSettings } from '@/sync/hooks';
import s from './Settings.module.css';
import { GENERAL } from './text';
import { useChange } from './useChange';

type Level = keyof typeof GENERAL.levels;
const LEVELS = Object.entries(GENERAL.levels).map(([value, label]) => ({ value: value as Level, label }));

export function GeneralSection() {
  const settings = useSettings();
  const change = useChange();
  if (!settings) return null;
  return (
    <>
      <Field label={GENERAL.notifications} hint={GENERAL.notificationsHint}>
        <Switch
          className={s.switch}
          size="xs"
          checked={settings.notifications}
          onChange={(event) => change({ notifications: event.currentTarget.checked })}
        />
      </Field>
      <Desktop />
      <div className={s.line}>
        <span className={s.label}>{GENERAL.log}</span>
        <div className={s.value}>
          <Segmented
            label={GENERAL.log}
            value={settings.log_level as Level}
            options={LEVELS}
            onChange={(log_level) => change({ log_level })}
          />
          <p className={s.hint}>{GENERAL.logHint}</p>
        </div>
      </div>
    </>
  );
}

/** Whether notifications and the tray are seen at all, and if not, why. Asked when the page opens: a desktop seldom changes. */
function Desktop() {
  const { bridge } = useNox();
  const status = useQuery({
    queryKey: ['desktop'],
    queryFn: () => bridge.desktopStatus(),
    staleTime: 0,
    gcTime: 0,
  });
  const problem = status.data?.notifications_problem;
  return (
    <>
      {problem && (
        <div className={s.line}>
          <span />
          <div className={s.value}>
            <StatusText sign="needs_you" word={GENERAL.notificationsMissing} size="xs" />
            <p className={s.hint} data-selectable>
              {problem}
            </p>
            <p className={s.hint}>{GENERAL.notificationsMissingHint}</p>
          </div>
        </div>
      )}
      <div className={s.line}>
        <span className={s.label}>{GENERAL.tray}</span>
        <div className={s.value}>
          {status.data && (
            <>
              <span className={s.state}>
                <StatusText
                  sign={status.data.tray === 'present' ? 'done' : 'needs_you'}
                  word={status.data.tray === 'present' ? GENERAL.trayShown : GENERAL.trayMissing}
                />
              </span>
              <p className={s.hint}>
                {status.data.tray === 'present' ? GENERAL.trayShownHint : GENERAL.trayMissingHint}
              </p>
            </>
          )}
          {status.isError && (
            <p className={s.hint}>
              {GENERAL.desktopFailed}: {status.error.message}
            </p>
          )}
        </div>
      </div>
    </>
  );
}
