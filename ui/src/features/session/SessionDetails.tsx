// What is known about a session beside what was said in it.
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Button, IconButton } from '@/components/controls/Button';
import { Bar } from '@/components/layout/Bar';
import { PaneBody } from '@/components/layout/Panes';
import { Age } from '@/components/status/Age';
import { formatMoment } from '@/components/status/age';
import { StatusText } from '@/components/status/StatusText';
import { usageText } from '@/components/transcript/usage';
import { costText, statusWords } from '@/components/words';
import { useDesktop } from '@/sync/desktop';
import { useAgent } from '@/sync/hooks';
import type { SessionView } from '../../bindings/nox';
import { ExportMenu } from './ExportMenu';
import s from './Session.module.css';
import { useStopAndDelete } from './StopAndDelete';
import { ACTS, DETAILS, SESSIONS } from './text';
import { useExport } from './transfer';
import { useSessionActs } from './useSessionActs';

export function SessionDetails({ view, onClose }: { view: SessionView; onClose: () => void }) {
  const { row, status } = view;
  const desktop = useDesktop();
  const agent = useAgent(row.agent);
  const acts = useSessionActs(view);
  const stopAndDelete = useStopAndDelete(view);
  const exporting = useExport(row);
  return (
    <>
      <Bar end={<IconButton className={s.onlyFolded} icon="close" label={DETAILS.close} onClick={onClose} />}>
        <StatusText sign={status.sign} word={statusWords(status.words)} at={status.at} variant="pill" />
      </Bar>
      <PaneBody>
        {row.progress && (
          <section className={s.section} aria-label={DETAILS.progress}>
            <h2 className={s.heading}>
              {DETAILS.progress}
              <span>{SESSIONS.blocks(row.progress.done, row.progress.of)}</span>
            </h2>
            <progress
              className={s.bar}
              value={row.progress.done}
              max={Math.max(1, row.progress.of)}
              aria-label={DETAILS.progress}
            />
          </section>
        )}
        <section className={s.section} aria-label={DETAILS.about}>
          <dl className={s.facts} data-selectable>
            <dt>{DETAILS.agent}</dt>
            <dd>
              {agent ? <Link href={routes.agent(row.agent)}>{row.agent_name}</Link> : row.agent_name}{' '}
              <span className={s.quiet}>{DETAILS.at}</span>{' '}
              <code title={row.agent_version}>{row.agent_version.slice(0, 7)}</code>
            </dd>
            <dt>{DETAILS.runtime}</dt>
            <dd>{DETAILS.runtimes[row.runtime]}</dd>
            {row.project && (
              <>
                <dt>{DETAILS.project}</dt>
                <dd>
                  <Link href={routes.board({ project: row.project })}>{row.project}</Link>
                </dd>
              </>
            )}
            <dt>{DETAILS.folder}</dt>
            <dd className={s.whole}>
              <code>{row.folder}</code>
            </dd>
            <dt>{DETAILS.attempt}</dt>
            <dd>{row.attempt}</dd>
            <dt>{DETAILS.opened}</dt>
            <dd title={formatMoment(row.opened_at)}>
              <Age at={row.opened_at} className={s.age} />
            </dd>
            {row.closed_at !== null && (
              <>
                <dt>{DETAILS.closed}</dt>
                <dd title={formatMoment(row.closed_at)}>
                  <Age at={row.closed_at} className={s.age} />
                </dd>
              </>
            )}
            <dt>{DETAILS.items}</dt>
            <dd>{row.items.toLocaleString()}</dd>
            {(row.cost_micro_usd !== null || row.usage) && (
              <>
                <dt>{DETAILS.cost}</dt>
                <dd>{costText(row.cost_micro_usd)}</dd>
              </>
            )}
            {row.usage && (
              <>
                <dt>{DETAILS.tokens}</dt>
                <dd className={s.whole} title={row.usage.model}>
                  {usageText(row.usage)}
                </dd>
              </>
            )}
          </dl>
        </section>
        <div className={s.buttons}>
          {acts.openTask && (
            <Button icon="board" onClick={acts.openTask}>
              {ACTS.openTask}
            </Button>
          )}
          <Button icon="folder" onClick={() => desktop.openPath(row.folder)}>
            {DETAILS.openFolder}
          </Button>
          <ExportMenu given={exporting} />
          {acts.canDelete && (
            <Button icon="trash" variant="danger" pending={acts.pending} onClick={acts.remove}>
              {ACTS.delete}
            </Button>
          )}
          {acts.canStop && (
            <Button icon="trash" variant="danger" pending={acts.pending} onClick={stopAndDelete.ask}>
              {ACTS.stopAndDelete}
            </Button>
          )}
        </div>
        {stopAndDelete.dialog}
      </PaneBody>
    </>
  );
}
