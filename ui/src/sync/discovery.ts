/**
 * What on this computer can carry an agent, and one click that makes an agent of it.
 *
 * The engine looks when a page that asks for the first time stands on the screen, and again when somebody says so. Which of it has an agent already
 * is told from the agents that there are.
 */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { Agent, AgentOffer, Discovered } from '../bindings/nox';
import { useIdle } from '../components/useIdle';
import { useAct } from './act';
import { useNox } from './context';
import { useAgents } from './hooks';

const QUERY = ['discovered'];

/** As `FoundHere` takes it. */
export interface Discovery {
  found: Discovered | undefined;
  /** Why it could not be looked. */
  failed: string | undefined;
  looking: boolean;
  onAgain: () => void;
}

export function useDiscovery(): Discovery {
  const { bridge } = useNox();
  const queries = useQueryClient();
  // To look starts the programs that are found: that waits until the page is there.
  const idle = useIdle();
  const query = useQuery({
    enabled: idle,
    queryKey: QUERY,
    queryFn: () => bridge.discover({ again: queries.getQueryState(QUERY)?.dataUpdateCount !== 0 }),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  return {
    found: query.data,
    failed: query.error?.message,
    looking: query.isFetching,
    onAgain: () => void query.refetch(),
  };
}

/** The agent that was made of an offer, if one was. */
export function madeOf(offer: AgentOffer, model: string | null, agents: readonly Agent[]): Agent | undefined {
  const { runtime, program } = offer;
  return agents.find(
    (agent) =>
      agent.runtime === runtime &&
      (agent.program?.preset ?? null) === (program.preset ?? null) &&
      (runtime !== 'llm' || (agent.program?.address === program.address && agent.program?.model === model)),
  );
}

/** As `FoundHere` takes it. */
export interface Adding {
  /** The name of what is being added now. */
  pending: string | null;
  onAdd: (offer: AgentOffer, model: string | null) => void;
  made: (offer: AgentOffer, model: string | null) => Agent | undefined;
}

export function useAdding(words: { added: (name: string) => string }): Adding {
  const act = useAct();
  const agents = useAgents().map(({ agent }) => agent);
  const [pending, setPending] = useState<string | null>(null);
  return {
    pending,
    made: (offer, model) => madeOf(offer, model, agents),
    onAdd(offer, model) {
      const name = model ?? offer.name;
      setPending(name);
      void act(
        'createAgent',
        {
          name,
          description: offer.description,
          runtime: offer.runtime,
          program: model ? { ...offer.program, model } : offer.program,
        },
        { done: words.added(name) },
      ).then(() => setPending(null));
    },
  };
}
