// Where everything is, how long it is kept, and what the last start found.
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Button } from '@/components/controls/Button';
import { useDesktop } from '@/sync/desktop';
import { useEngine } from '@/sync/hooks';
import { LogPolicy } from './LogPolicy';
import { LogSize } from './LogSize';
import s from './Settings.module.css';
import { DATA } from './text';

export function DataSection() {
  const engine = useEngine();
  const desktop = useDesktop();
  if (!engine) return null;
  const lost = engine.lost_runs > 0 || engine.swept > 0;
  const logs = `${engine.home}${engine.home.includes('\\') ? '\\' : '/'}logs`;
  return (
    <>
      <div className={s.line}>
        <span className={s.label}>{DATA.home}</span>
        <div className={s.value}>
          <code data-selectable>{engine.home}</code>
          <p className={s.hint}>{DATA.homeHint}</p>
          <Button className={s.start} icon="folder" onClick={() => desktop.openPath(engine.home)}>
            {DATA.openHome}
          </Button>
        </div>
      </div>
      <LogPolicy />
      <LogSize />
      <div className={s.line}>
        <span className={s.label}>{DATA.logs}</span>
        <div className={s.value}>
          <code data-selectable>{logs}</code>
          <Button className={s.start} icon="list" onClick={() => desktop.openPath(logs)}>
            {DATA.openLogs}
          </Button>
        </div>
      </div>
      <div className={s.line}>
        <span className={s.label}>{DATA.start}</span>
        <div className={s.value}>
          <p className={s.plain}>{lost ? DATA.startLost(engine.lost_runs) : DATA.startClean}</p>
          <Link href={routes.recovery()}>{DATA.seeStart}</Link>
        </div>
      </div>
    </>
  );
}
