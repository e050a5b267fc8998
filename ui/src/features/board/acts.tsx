/**
 * Everything that can be done with cards, the same for pointer, keys, menus and buttons: it is sent, drawn as not recorded,
 * and said in a toast with Undo. Questions (which agent, stop it?) are asked here.
 */
import { createContext, type ReactNode, useContext, useMemo, useRef, useState } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import type { AgentId, Card, Column, SessionId, Target, TaskId } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { toast } from '@/components/feedback/toasts';
import { useViewParams } from '@/components/layout/viewParams';
import { type Act, useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import type { Mirror } from '@/sync/mirror';
import { type Send, useSend } from '@/sync/send';
import { AgentPicker, AssignPicker, BlockPicker, MovePicker } from './pickers';
import { ASK, COLUMN_WORDS, DONE } from './text';
import { useBoardView } from './view';

export type Asked = 'move' | 'assign' | 'block';

/** A place in a column: between these two cards, or at its end. */
export interface Spot {
  after: TaskId | null;
  before: TaskId | null;
}

export interface BoardActs {
  /** Shows the task beside the board. */
  open: (card: Card) => void;
  /** A session that is live or just beginning, else the task. */
  openWork: (card: Card) => void;
  openSession: (session: SessionId) => void;
  /** Opens the list of columns, agents or tasks for these cards. */
  ask: (what: Asked, tasks: readonly TaskId[]) => void;
  move: (card: Card, to: Target, spot?: Spot) => void;
  start: (card: Card) => void;
  assign: (card: Card, agent: AgentId | null) => void;
  waitFor: (card: Card, other: TaskId | null) => void;
  remove: (card: Card) => void;
}

type Question =
  | { kind: Asked; tasks: readonly TaskId[] }
  | { kind: 'agent'; card: Card; retry: (agent: AgentId) => void }
  | { kind: 'stop'; card: Card; to: Target; spot: Spot | undefined };

const Context = createContext<BoardActs | null>(null);

export function useBoardActs(): BoardActs {
  const acts = useContext(Context);
  if (!acts) throw new Error('useBoardActs is called outside of the board');
  return acts;
}

export function BoardActsProvider({ children }: { children: ReactNode }) {
  const { mirror } = useNox();
  const view = useBoardView();
  const send = useSend();
  const act = useAct();
  const [, setParams] = useViewParams();
  const [, navigate] = useLocation();
  const [question, setQuestion] = useState<Question | null>(null);
  const { current: starting } = useRef<Starting>(new Map());

  const acts = useMemo<BoardActs>(() => {
    const openSession = (session: SessionId) => navigate(routes.session(session));
    const open = (card: Card) => setParams({ task: card.task.id });
    const mover = makeMover({ mirror, send, act, openSession, ask: setQuestion, starting });
    return {
      open,
      openSession,
      openWork(card) {
        if (card.live && card.session) return openSession(card.session);
        const begins = starting.get(card.task.id);
        if (!begins) return open(card);
        // It was started a moment ago: the session is what is meant, also when it is not recorded yet.
        void begins.then((session) => {
          const now = mirror.cards.get(card.task.id) ?? card;
          if (now.live && now.session) openSession(now.session);
          else if (session && !mirror.sessions.get(session)) openSession(session);
          else open(now);
        });
      },
      ask: (kind, tasks) => tasks.length > 0 && setQuestion({ kind, tasks }),
      move: (card, to, spot) =>
        card.live && to !== 'working' ? setQuestion({ kind: 'stop', card, to, spot }) : void mover(card, to, spot),
      start: (card) => void mover(card, 'working', undefined),
      assign(card, agent) {
        const name = agent ? (mirror.agents.get(agent)?.agent.name ?? agent) : null;
        const { id, title } = card.task;
        void act(
          'changeTask',
          { task: id, patch: { agent: agent ? { set: agent } : 'clear' } },
          { about: [id], done: name ? DONE.assigned(title, name) : DONE.unassigned(title) },
        );
      },
      waitFor(card, other) {
        const { id, title, depends_on: before } = card.task;
        const otherTitle = other ? (mirror.cards.get(other)?.task.title ?? other) : '';
        const after = other ? [...before.filter((each) => each !== other), other] : [];
        const done = other ? DONE.blocked(title, otherTitle) : DONE.unblocked(title);
        void act('changeTask', { task: id, patch: { depends_on: after } }, { about: [id], done });
      },
      remove(card) {
        const { id, title } = card.task;
        void act('deleteTask', { task: id }, { about: [id], done: DONE.deleted(title) });
      },
    };
  }, [mirror, send, act, setParams, navigate, starting]);

  const close = () => setQuestion(null);
  const cards = question && 'tasks' in question ? question.tasks.map((id) => mirror.cards.get(id)) : [];
  const asked = cards.filter((card) => card !== undefined);
  const answer = (run: (card: Card) => void) => {
    close();
    for (const card of asked) run(card);
  };
  return (
    <Context.Provider value={acts}>
      {children}
      <MovePicker
        cards={question?.kind === 'move' ? asked : null}
        onClose={close}
        onPick={(to) => {
          const [first] = asked;
          // The keys go on at the card, wherever it is drawn then.
          if (first) view.want(first.task.id);
          answer((card) => acts.move(card, to));
        }}
      />
      <AssignPicker
        cards={question?.kind === 'assign' ? asked : null}
        onClose={close}
        onPick={(agent) => answer((card) => acts.assign(card, agent))}
      />
      <BlockPicker
        cards={question?.kind === 'block' ? asked : null}
        onClose={close}
        onPick={(other) => answer((card) => acts.waitFor(card, other))}
      />
      <AgentPicker
        opened={question?.kind === 'agent'}
        onClose={close}
        onPick={(agent) => {
          close();
          if (question?.kind === 'agent') question.retry(agent);
        }}
      />
      <ConfirmDialog
        opened={question?.kind === 'stop'}
        question={question?.kind === 'stop' ? ASK.stopQuestion(question.card.task.title) : ''}
        stay={ASK.keep}
        go={ASK.stop}
        onStay={close}
        onGo={() => {
          close();
          if (question?.kind === 'stop') {
            void makeMover({ mirror, send, act, openSession: acts.openSession, ask: setQuestion, starting })(
              question.card,
              question.to,
              question.spot,
            );
          }
        }}
      >
        <p>{ASK.stopText}</p>
      </ConfirmDialog>
    </Context.Provider>
  );
}

interface MoverParts {
  mirror: Mirror;
  send: Send;
  act: Act;
  openSession: (session: SessionId) => void;
  ask: (question: Question) => void;
  starting: Starting;
}

/** Sessions that a start from here will have, by their tasks; null when it came to nothing. The newest of each task. */
type Starting = Map<TaskId, Promise<SessionId | null>>;

/** Moves a card; into Working that starts it, and when it has no agent one is asked for. */
function makeMover({ mirror, send, act, openSession, ask, starting }: MoverParts) {
  return async function mover(card: Card, to: Target, spot: Spot | undefined, agent?: AgentId): Promise<void> {
    const { id, title } = card.task;
    const column: Column = to === 'cancelled' ? 'done' : to;
    const at = { column, after: spot ? spot.after : undefined };
    try {
      const sent = send(
        'moveTask',
        { task: id, to, after: spot?.after ?? null, before: spot?.before ?? null, agent: agent ?? null },
        { about: [id], hold: { task: id, at } },
      );
      if (to === 'working') {
        const begins = sent.then(
          ({ session }) => session ?? null,
          () => null,
        );
        starting.set(id, begins);
      }
      const done = await sent;
      if (to === card.column) return;
      const { session, command } = done;
      toast({
        text: to === 'working' ? DONE.started(title) : DONE.moved(title, COLUMN_WORDS[column]),
        sign: to === 'working' ? 'running' : undefined,
        undo: done.undo ? () => void act('undo', { command }) : undefined,
        action: to === 'working' && session ? { label: DONE.open, run: () => openSession(session) } : undefined,
      });
    } catch (thrown) {
      const error = asNoxError(thrown);
      if (error.code === 'needs_agent' && mirror.agents.size > 0) {
        ask({ kind: 'agent', card, retry: (chosen) => void mover(card, to, spot, chosen) });
        return;
      }
      toast({ text: error.message, detail: error.hint ?? undefined, sign: 'failed' });
    }
  };
}
