/** The lists behind `M`, `A`, `B` and a start without an agent. */
import { useMemo } from 'react';
import type { AgentId, Card, Target, TaskId } from '@/bindings/nox';
import { PickDialog, type PickOption } from '@/components/dialog/PickDialog';
import { Monogram } from '@/components/identity/Monogram';
import { type SignName, StatusSign } from '@/components/status/StatusSign';
import { useNox } from '@/sync/context';
import { useAgents } from '@/sync/hooks';
import { ASK, BOARD, TARGET_WORDS } from './text';

const TARGETS: readonly { to: Target; sign: SignName }[] = [
  { to: 'backlog', sign: 'backlog' },
  { to: 'todo', sign: 'todo' },
  { to: 'working', sign: 'running' },
  { to: 'review', sign: 'review' },
  { to: 'done', sign: 'done' },
  { to: 'cancelled', sign: 'paused' },
];

interface PickerProps<T> {
  /** What the answer is for; null closes it. */
  cards: readonly Card[] | null;
  onPick: (picked: T) => void;
  onClose: () => void;
}

export function MovePicker({ cards, onPick, onClose }: PickerProps<Target>) {
  const only = cards?.length === 1 ? cards[0] : undefined;
  const options = TARGETS.map(({ to, sign }) => ({
    id: to,
    label: TARGET_WORDS[to],
    sign: <StatusSign sign={sign} />,
    current: only !== undefined && only.column === to && only.task.status !== 'cancelled',
  }));
  return (
    <PickDialog
      opened={cards !== null}
      title={ASK.moveTo}
      options={options}
      onPick={(id) => onPick(id as Target)}
      onClose={onClose}
    />
  );
}

function useAgentOptions(current: AgentId | null | undefined): PickOption[] {
  const agents = useAgents();
  return useMemo(
    () =>
      agents.map(({ agent }) => ({
        id: agent.id,
        label: agent.name,
        sign: <Monogram name={agent.name} size="sm" />,
        note: agent.enabled ? undefined : BOARD.agentOff,
        current: agent.id === current,
      })),
    [agents, current],
  );
}

const NOBODY = '';

export function AssignPicker({ cards, onPick, onClose }: PickerProps<AgentId | null>) {
  const only = cards?.length === 1 ? cards[0] : undefined;
  const agents = useAgentOptions(only?.task.agent);
  const nobody = {
    id: NOBODY,
    label: ASK.nobody,
    sign: <Monogram name={null} size="sm" />,
    current: only?.task.agent === null,
  };
  return (
    <PickDialog
      opened={cards !== null}
      title={ASK.assign}
      options={[...agents, nobody]}
      find={ASK.find}
      none={ASK.none}
      onPick={(id) => onPick(id === NOBODY ? null : id)}
      onClose={onClose}
    />
  );
}

export function AgentPicker(props: { opened: boolean; onPick: (agent: AgentId) => void; onClose: () => void }) {
  const options = useAgentOptions(null).filter((option) => option.note === undefined);
  return <PickDialog {...props} title={ASK.whichAgent} options={options} find={ASK.find} none={ASK.none} />;
}

export function BlockPicker({ cards, onPick, onClose }: PickerProps<TaskId | null>) {
  const { mirror } = useNox();
  // Read when it opens: the list of tasks may be long and stays as it is while somebody chooses from it.
  const options = useMemo(() => {
    if (!cards) return [];
    const about = new Set(cards.map((card) => card.task.id));
    const rows = mirror.cards.all().filter((card) => !about.has(card.task.id) && card.column !== 'done');
    return rows.map(
      (card): PickOption => ({
        id: card.task.id,
        label: card.task.title,
        sign: <StatusSign sign={card.status.sign} />,
        current: cards.every(({ task }) => task.depends_on.includes(card.task.id)),
      }),
    );
  }, [cards, mirror]);
  const nothing = { id: '', label: ASK.nothing };
  const waits = cards?.some((card) => card.task.depends_on.length > 0) ?? false;
  return (
    <PickDialog
      opened={cards !== null}
      title={ASK.blockedBy}
      options={waits ? [nothing, ...options] : options}
      find={ASK.find}
      none={ASK.none}
      onPick={(id) => onPick(id === '' ? null : id)}
      onClose={onClose}
    />
  );
}
