// How a session stands when it does not simply work or is over: paused, kept back, silent, lost, starting again. What it
// means, and what can be done. The engine says which it is; here are only its words and buttons.
import { useState } from 'react';
import { Link } from 'wouter';
import { routes } from '@/app/routes';
import { Button } from '@/components/controls/Button';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { Banner } from '@/components/feedback/Banner';
import { formatDuration, formatTime } from '@/components/status/age';
import { useClock } from '@/components/status/clock';
import { firstLine, heldBackText, PAUSED_BECAUSE, problemText } from '@/components/words';
import type { HeldBack, PauseWhy, SessionState, SessionView } from '../../bindings/nox';
import s from './Session.module.css';
import { ACTS, STATE } from './text';
import { type SessionActs, useSessionActs } from './useSessionActs';

type Of<Name extends SessionState['state']> = Extract<SessionState, { state: Name }>;

export function StateBanner({ view }: { view: SessionView }) {
  const acts = useSessionActs(view);
  const banner = view.row.imported ? (
    <Banner tone="info" sign="idle" title={STATE.imported}>
      {STATE.importedText}
    </Banner>
  ) : (
    bannerOf(view, acts)
  );
  return banner && <div className={s.banner}>{banner}</div>;
}

function bannerOf({ row }: SessionView, acts: SessionActs) {
  const { state } = row;
  if (row.paused) {
    return <Paused why={row.paused} finishing={state.state === 'paused' ? state.finishing : null} acts={acts} />;
  }
  switch (state.state) {
    case 'restarting':
      return <Restarting state={state} acts={acts} />;
    case 'rate_limited':
      return <RateLimited state={state} acts={acts} />;
    case 'lost':
      return <Lost state={state} acts={acts} />;
    case 'stalled':
      return <Stalled state={state} acts={acts} />;
    case 'queued':
      return state.held_back && <Queued held={state.held_back} agent={row.agent} name={row.agent_name} />;
    default:
      return null;
  }
}

function Paused({ why, finishing, acts }: { why: PauseWhy; finishing: string | null; acts: SessionActs }) {
  return (
    <Banner
      tone="info"
      sign="paused"
      title={finishing ? STATE.pausing(firstLine(finishing)) : STATE.paused}
      actions={
        <Button variant="primary" icon="play" combo="P" pending={acts.pending} onClick={acts.goOn}>
          {ACTS.goOn}
        </Button>
      }
    >
      {PAUSED_BECAUSE[why]} {finishing ? STATE.pausingText : STATE.pausedText}
    </Banner>
  );
}

function Restarting({ state, acts }: { state: Of<'restarting'>; acts: SessionActs }) {
  const seconds = useClock((now) => Math.max(0, Math.ceil((state.at - now) / 1000)));
  return (
    <Banner
      tone="warning"
      sign="queued"
      title={seconds > 0 ? STATE.restartsIn(seconds) : STATE.restartsNow}
      actions={
        <Button icon="stop" pending={acts.pending} onClick={acts.stop}>
          {ACTS.stop}
        </Button>
      }
    >
      {STATE.restartText(state.number)}
    </Banner>
  );
}

function RateLimited({ state, acts }: { state: Of<'rate_limited'>; acts: SessionActs }) {
  // The minutes are enough: what counts by the second is read out without an end.
  const rest = useClock((now) =>
    state.until - now > 60_000 ? formatDuration(Math.ceil((state.until - now) / 60_000) * 60_000) : '',
  );
  return (
    <Banner
      tone="info"
      sign="queued"
      title={STATE.limitedUntil(formatTime(state.until), rest)}
      actions={
        <>
          <Button variant="primary" icon="play" pending={acts.pending} onClick={acts.goOn}>
            {STATE.goOnNow}
          </Button>
          <Button icon="stop" pending={acts.pending} onClick={acts.interrupt}>
            {STATE.stopWaiting}
          </Button>
        </>
      }
    >
      {problemText(state.problem)} {STATE.limitedText}
    </Banner>
  );
}

function Lost({ state, acts }: { state: Of<'lost'>; acts: SessionActs }) {
  return (
    <Banner
      tone="warning"
      sign="unknown"
      title={STATE.lost}
      actions={
        <>
          <Button variant="primary" icon="play" pending={acts.pending} onClick={acts.goOn}>
            {ACTS.goOn}
          </Button>
          <Button icon="stop" pending={acts.pending} onClick={acts.stop}>
            {ACTS.stop}
          </Button>
        </>
      }
    >
      {state.problem && `${problemText(state.problem)} `}
      {STATE.lostText}
    </Banner>
  );
}

function Stalled({ state, acts }: { state: Of<'stalled'>; acts: SessionActs }) {
  const [asked, setAsked] = useState(false);
  const { since, doing, computes } = state;
  const age = useClock((now) => formatDuration(now - since));
  const step = doing ? firstLine(doing) : null;
  return (
    <>
      <Banner
        tone="warning"
        title={STATE.silent(age, formatTime(since))}
        actions={
          <>
            <Button variant="primary" pending={acts.pending} onClick={acts.wait}>
              {STATE.wait}
            </Button>
            <Button icon="refresh" pending={acts.pending} onClick={() => setAsked(true)}>
              {STATE.restart}
            </Button>
            <Button icon="stop" pending={acts.pending} onClick={acts.stop}>
              {ACTS.stop}
            </Button>
          </>
        }
      >
        {step && `${STATE.worksOn(step)} `}
        {computes ? STATE.computes : STATE.computesNot}
      </Banner>
      <ConfirmDialog
        opened={asked}
        question={STATE.restartQuestion}
        stay={STATE.restartStay}
        go={STATE.restartGo}
        onStay={() => setAsked(false)}
        onGo={() => {
          setAsked(false);
          acts.restart();
        }}
      >
        <p>{STATE.restartAgain(step)}</p>
      </ConfirmDialog>
    </>
  );
}

function Queued({ held, agent, name }: { held: HeldBack; agent: string; name: string }) {
  const until = held.why === 'breaker' ? held.until : 0;
  const rest = useClock((now) => (until > now ? formatDuration(until - now) : ''));
  const ofAgent = held.why === 'agent_places' || held.why === 'breaker';
  return (
    <Banner
      tone="info"
      sign="queued"
      title={STATE.queued}
      actions={
        <Link className={s.link} href={ofAgent ? routes.agent(agent) : routes.settings('sessions')}>
          {ofAgent ? STATE.toAgent(name) : STATE.toLimits}
        </Link>
      }
    >
      {heldBackText(held, name)} {held.why === 'breaker' ? STATE.triedAgain(rest) : STATE.startsItself}
    </Banner>
  );
}
