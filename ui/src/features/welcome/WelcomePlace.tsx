/**
 * The page before the first task: what the board is, that something can run already, and a sample to try it with.
 *
 * What is found on this computer comes while somebody reads or is about to click. So nothing that can be clicked stands
 * below it in the same column: the sample is beside it, or above it where there is one column, and the foot is the window's.
 */
import { useMediaQuery } from '@mantine/hooks';
import { useState } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { FoundHere } from '@/components/discovery/FoundHere';
import { FOUND } from '@/components/discovery/text';
import { Icon, Mark } from '@/components/icons/icons';
import { StatusSign } from '@/components/status/StatusSign';
import { StatusText } from '@/components/status/StatusText';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useAdding, useDiscovery } from '@/sync/discovery';
import { SAMPLE_LINES, WELCOME } from './text';
import s from './Welcome.module.css';

export function WelcomePlace() {
  const { bridge } = useNox();
  const act = useAct();
  const [, navigate] = useLocation();
  const [pending, setPending] = useState(false);
  const discovery = useDiscovery();
  const adding = useAdding(FOUND);

  const leave = (to: string) => {
    // Read is read, also when that cannot be recorded, or not soon: the page is then shown once more at the next start.
    void act('changeSettings', { welcomed: true });
    navigate(to, { replace: true });
  };
  const runSample = async () => {
    setPending(true);
    const made = await act('makeSamples', {});
    const started = made?.task ? await act('startTask', { task: made.task }) : null;
    setPending(false);
    if (made || started) leave(routes.board());
  };
  const addFolder = async () => {
    const path = await bridge.pickFolder();
    if (path === null) return;
    const name = path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;
    const done = await act('grantProject', { path }, { done: WELCOME.added(name) });
    if (done) leave(routes.board());
  };

  const narrow = useMediaQuery('(max-width: 720px)', false, { getInitialValueInEffect: false }) ?? false;
  const programs = (
    <section key="programs" className={s.half} aria-label={WELCOME.programs}>
      <h2>{WELCOME.programs}</h2>
      <ul className={s.box}>
        <li className={s.program}>
          <span className={s.sign}>
            <Icon name="list" size="sm" />
          </span>
          <span className={s.words}>
            <b>{WELCOME.runbook}</b>
            <span>{WELCOME.runbookHint}</span>
          </span>
          <StatusText sign="done" word={WELCOME.builtIn} />
        </li>
      </ul>
      <div className={s.found}>
        <FoundHere {...discovery} {...adding} />
      </div>
    </section>
  );
  const how = (
    <section key="how" className={s.half} aria-label={WELCOME.how}>
      <h2>{WELCOME.how}</h2>
      <ul className={s.box}>
        {WELCOME.steps.map(({ sign, word, text }) => (
          <li key={word} className={s.program}>
            <StatusSign sign={sign} size="lg" />
            <span className={s.words}>
              <b>{word}</b>
              <span>{text}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
  const sample = (
    <section key="sample" className={s.half} aria-label={WELCOME.try}>
      <h2>{WELCOME.try}</h2>
      <div className={s.box}>
        <div className={s.file}>
          <Icon name="document" />
          <b>{WELCOME.sampleFile}</b>
          <span>{WELCOME.sampleNote}</span>
        </div>
        <pre className={s.sample}>
          {SAMPLE_LINES.map(({ text, kind }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the lines of a fixed text have no other name.
            <div key={index} className={cx(s[kind])}>
              {text || ' '}
            </div>
          ))}
        </pre>
        <div className={s.run}>
          <p>{WELCOME.sampleHint}</p>
          <Button variant="primary" size="lg" icon="play" pending={pending} onClick={() => void runSample()}>
            {WELCOME.run}
          </Button>
        </div>
      </div>
    </section>
  );
  return (
    <main className={s.page}>
      <div className={s.scroll}>
        <div className={s.wrap}>
          <header className={s.head}>
            <Mark className={s.mark} />
            <h1>{WELCOME.title}</h1>
            <p>{WELCOME.board}</p>
          </header>
          <div className={s.halves}>
            {narrow ? (
              [sample, programs, how]
            ) : (
              <>
                {programs}
                <div className={s.column}>{[sample, how]}</div>
              </>
            )}
          </div>
        </div>
      </div>
      <footer className={s.foot}>
        <Button size="lg" icon="folder" onClick={() => void addFolder()}>
          {WELCOME.addFolder}
        </Button>
        <Button size="lg" variant="quiet" onClick={() => leave(routes.board())}>
          {WELCOME.skip}
        </Button>
        <p>{WELCOME.promise}</p>
      </footer>
    </main>
  );
}
