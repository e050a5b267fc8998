// What this is, and what it does not do.
import { currentActions } from '@/components/actions/registry';
import { Button } from '@/components/controls/Button';
import { Mark } from '@/components/icons/icons';
import { formatMoment } from '@/components/status/age';
import { useEngine } from '@/sync/hooks';
import s from './Settings.module.css';
import { ABOUT } from './text';

export function AboutSection() {
  const engine = useEngine();
  if (!engine) return null;
  return (
    <>
      <p className={s.promise}>
        <Mark />
        {ABOUT.promise}
      </p>
      <dl className={s.facts} data-selectable>
        <dt>{ABOUT.version}</dt>
        <dd>Nox {engine.version}</dd>
        <dt>{ABOUT.licence}</dt>
        <dd>{ABOUT.mit}</dd>
        <dt>{ABOUT.started}</dt>
        <dd>{formatMoment(engine.started_at)}</dd>
        <dt>{ABOUT.sandbox}</dt>
        <dd>{engine.sandbox === 'none' ? ABOUT.noSandbox : engine.sandbox}</dd>
      </dl>
      <Button
        className={s.start}
        icon="list"
        combo="?"
        onClick={() =>
          currentActions()
            .find(({ id }) => id === 'keys')
            ?.run()
        }
      >
        {ABOUT.keys}
      </Button>
    </>
  );
}
