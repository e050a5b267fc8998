// Light, dark, or as the system is.
import { Segmented } from '@/components/controls/Segmented';
import { useSettings } from '@/sync/hooks';
import type { Theme } from '../../bindings/nox';
import s from './Settings.module.css';
import { APPEARANCE } from './text';
import { useChange } from './useChange';

const THEMES = Object.entries(APPEARANCE.themes).map(([value, label]) => ({ value: value as Theme, label }));

export function AppearanceSection() {
  const settings = useSettings();
  const change = useChange();
  if (!settings) return null;
  return (
    <div className={s.line}>
      <span className={s.label}>{APPEARANCE.theme}</span>
      <div className={s.value}>
        <Segmented
          label={APPEARANCE.theme}
          value={settings.theme}
          options={THEMES}
          onChange={(theme) => change({ theme })}
        />
      </div>
    </div>
  );
}
