// One group of rows for each session: itself with its sums and limits, and under it every process. Nox stands last.
import { Fragment, useState } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Mark } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { Age } from '@/components/status/Age';
import { StatusText } from '@/components/status/StatusText';
import { statusWords } from '@/components/words';
import { useAct } from '@/sync/act';
import { usePending, useSession } from '@/sync/hooks';
import type { ProcessesView, ProcessView, RunView } from '../../bindings/nox';
import s from './Processes.module.css';
import { cpuText, memoryText, PROCESSES } from './text';
import { cpuBetween, sameProcess } from './useProcesses';

export function ProcessTable({ view, before }: { view: ProcessesView; before: ProcessesView | null }) {
  const engineCpu = cpuBetween(view.engine, view.at, before?.engine, before?.at);
  return (
    <table className={s.table} aria-label={PROCESSES.table}>
      <thead>
        <tr>
          <th scope="col">{PROCESSES.name}</th>
          <th scope="col" className={s.now}>
            {PROCESSES.now}
          </th>
          <th scope="col" className={cx(s.figure, s.since)}>
            {PROCESSES.since}
          </th>
          <th scope="col" className={s.figure}>
            {PROCESSES.memory}
          </th>
          <th scope="col" className={s.figure}>
            {PROCESSES.cpu}
          </th>
          <th scope="col" className={s.act}>
            <span className="visually-hidden">{PROCESSES.act}</span>
          </th>
        </tr>
      </thead>
      {view.runs.map((run) => (
        <Run
          key={run.session}
          run={run}
          at={view.at}
          before={before?.runs.find(({ session }) => session === run.session)}
          beforeAt={before?.at}
        />
      ))}
      <tbody>
        <tr className={s.run}>
          <th scope="row">
            <span className={s.who}>
              <Mark className={s.mark} />
              <span className={s.names}>
                <span className={s.title}>{PROCESSES.engine}</span>
                <span className={s.quiet}>{PROCESSES.pid(view.engine.pid)}</span>
              </span>
            </span>
          </th>
          <td className={s.now}>{PROCESSES.engineParts(view.engine.threads, view.engine.descriptors)}</td>
          <td className={cx(s.figure, s.since)}>
            <Age at={view.engine.started_at} className={s.age} />
          </td>
          <td className={s.figure}>{memoryText(view.engine.memory_bytes, null)}</td>
          <Cpu percent={engineCpu} />
          <td className={s.act} />
        </tr>
      </tbody>
    </table>
  );
}

interface RunProps {
  run: RunView;
  at: number;
  before: RunView | undefined;
  beforeAt: number | undefined;
}

function Run({ run, at, before, beforeAt }: RunProps) {
  // What the engine said last is fresher than the last look.
  const status = useSession(run.session)?.status ?? run.status;
  const { limits, processes } = run;
  const began = Math.min(...processes.map(({ started_at }) => started_at));
  return (
    <tbody>
      <tr className={s.run}>
        <th scope="row">
          <span className={s.who}>
            <Monogram name={run.agent_name} />
            <span className={s.names}>
              <Link href={routes.session(run.session)} className={s.title} title={`${run.agent_name}: ${run.title}`}>
                {run.title}
              </Link>
              <span className={s.quiet}>
                {run.agent_name} · {PROCESSES.processes(processes.length, limits.max_processes ?? null)}
                <span className={s.nowHere}> · {statusWords(status.words)}</span>
                {run.attempt > 1 && ` · ${PROCESSES.attempt(run.attempt)}`}
              </span>
            </span>
          </span>
        </th>
        <td className={s.now}>
          <StatusText sign={status.sign} word={statusWords(status.words)} at={status.at} size="xs" />
        </td>
        <td className={cx(s.figure, s.since)}>
          <Age at={began} className={s.age} />
        </td>
        <td className={s.figure}>{memoryText(run.memory_bytes, limits.max_memory_mb)}</td>
        <Cpu percent={cpuBetween(run, at, before, beforeAt)} most={limits.max_cpu_percent} />
        <td className={s.act}>
          <Stop run={run} />
        </td>
      </tr>
      {processes.map((process) => (
        <One
          key={`${process.pid} ${process.started_at}`}
          process={process}
          cpu={cpuBetween(process, at, sameProcess(before?.processes, process), beforeAt)}
        />
      ))}
    </tbody>
  );
}

function One({ process, cpu }: { process: ProcessView; cpu: number | null }) {
  return (
    <tr className={s.process}>
      <th scope="row">
        <code title={process.name}>{process.name}</code>
        <span className={s.quiet}>{PROCESSES.pid(process.pid)}</span>
      </th>
      <td className={s.now} />
      <td className={cx(s.figure, s.since)}>
        <Age at={process.started_at} className={s.age} />
      </td>
      <td className={s.figure}>{memoryText(process.memory_bytes, null)}</td>
      <Cpu percent={cpu} />
      <td className={s.act} />
    </tr>
  );
}

function Cpu({ percent, most }: { percent: number | null; most?: number | null | undefined }) {
  return (
    <td className={s.figure} title={percent === null ? PROCESSES.measuring : undefined}>
      {cpuText(percent, most)}
    </td>
  );
}

function Stop({ run }: { run: RunView }) {
  const act = useAct();
  const pending = usePending(run.session);
  const [asked, setAsked] = useState(false);
  const count = run.processes.length;
  const stop = () => {
    setAsked(false);
    void act('stopSession', { session: run.session }, { about: [run.session] });
  };
  return (
    <Fragment>
      <Button
        className={s.stop}
        size="sm"
        icon="stop"
        aria-label={PROCESSES.stopIt(run.title)}
        pending={pending}
        onClick={count > 1 ? () => setAsked(true) : stop}
      >
        {PROCESSES.stop}
      </Button>
      <ConfirmDialog
        opened={asked}
        question={PROCESSES.stopQuestion(run.title, count)}
        stay={PROCESSES.stay}
        go={PROCESSES.stopGo(count)}
        onStay={() => setAsked(false)}
        onGo={stop}
      >
        <p>{PROCESSES.stopText}</p>
      </ConfirmDialog>
    </Fragment>
  );
}
