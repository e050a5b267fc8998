/** The agents along the bottom of the board: what each does now, and a place to drop a card on. */
import { useMemo } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import type { AgentRow } from '@/bindings/nox';
import { KeyHint } from '@/components/controls/Key';
import { cx } from '@/components/cx';
import { Monogram } from '@/components/identity/Monogram';
import { keepClear } from '@/components/layout/lowerBars';
import { type SignName, StatusSign } from '@/components/status/StatusSign';
import { useAgents, useSessions } from '@/sync/hooks';
import s from './AgentsBar.module.css';
import { DROP_AGENT } from './landing';
import { BOARD, DROP } from './text';
import { useView } from './view';

interface Now {
  running: number;
  needsYou: boolean;
}

export function AgentsBar() {
  const agents = useAgents();
  const sessions = useSessions();
  const hand = useView((state) => state.hand);
  const now = useMemo(() => {
    const byAgent = new Map<string, Now>();
    for (const { row, status } of sessions) {
      const known = byAgent.get(row.agent) ?? { running: 0, needsYou: false };
      if (status.sign === 'running') known.running += 1;
      if (status.sign === 'needs_you' || status.words.code === 'unknown_outcome') known.needsYou = true;
      byAgent.set(row.agent, known);
    }
    return byAgent;
  }, [sessions]);
  if (agents.length === 0) return null;
  return (
    <section ref={keepClear} className={s.strip} aria-label={BOARD.agents} data-pane="agents">
      <h2 className={s.heading}>{BOARD.agents}</h2>
      <ul className={s.chips}>
        {agents.map((row) => (
          <li key={row.agent.id}>
            <Chip row={row} now={now.get(row.agent.id)} />
          </li>
        ))}
      </ul>
      {hand?.kind === 'card' && (
        <p className={s.hint}>
          {BOARD.dragHint} <KeyHint combo="Escape" /> {BOARD.cancel}
        </p>
      )}
    </section>
  );
}

function Chip({ row, now }: { row: AgentRow; now: Now | undefined }) {
  const { id, name, enabled } = row.agent;
  const [, navigate] = useLocation();
  const target = useView((state) => state.landing?.kind === 'agent' && state.landing.agent === id);
  const dragging = useView((state) => state.hand !== null);
  const fromDesktop = useView((state) => state.hand?.kind === 'desktop');
  const [sign, word] = wordOf(enabled, now);
  return (
    <button
      type="button"
      className={cx(s.chip, dragging && s.open, target && s.target)}
      onClick={() => navigate(routes.agent(id))}
      {...{ [DROP_AGENT]: id }}
    >
      <Monogram name={name} />
      <span className={s.text}>
        <b>{name}</b>
        {target ? (
          <span>{fromDesktop ? DROP.makeFor(name) : DROP.assign(name)}</span>
        ) : (
          <span className={cx(s.now, s[sign])}>
            <StatusSign sign={sign} size="sm" />
            {word}
          </span>
        )}
      </span>
    </button>
  );
}

function wordOf(enabled: boolean, now: Now | undefined): [SignName, string] {
  if (now?.needsYou) return ['needs_you', BOARD.agentNeedsYou];
  if (now && now.running > 0) return ['running', BOARD.agentRunning(now.running)];
  return enabled ? ['idle', BOARD.agentIdle] : ['paused', BOARD.agentOff];
}
