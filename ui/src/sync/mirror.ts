/**
 * The window's copy of the engine's rows: filled by a snapshot, kept by pushes, read by hooks.
 *
 * It derives nothing that the engine decides; it only keeps rows by id, the board's order and what is not recorded yet.
 * Pushes are applied at once; who looks is told once per animation frame.
 */
import type {
  AgentRow,
  Card,
  Changed,
  Column,
  EngineInfo,
  FileProblem,
  FirstLook,
  Place,
  ProjectRow,
  Push,
  RequestRow,
  SessionId,
  SessionView,
  Settings,
  TaskId,
  Told,
} from '../bindings/nox';
import type { Bridge, NoxError } from '../bridge/bridge';
import { BoardOrder } from './board';
import { Conversation } from './conversation';
import { Frame, Signal } from './frame';
import { Pending } from './pending';
import { Table } from './table';

/** How the window stands to the engine. */
export type Link = { state: 'connecting' } | { state: 'ready' } | { state: 'failed'; error: NoxError };

/** Things that happen once and are not rows. */
export interface Events {
  told: Told;
  open: Place;
  quitAsked: { live: number };
}

type Listeners = { [Name in keyof Events]: Set<(event: Events[Name]) => void> };

export class Mirror {
  readonly frame = new Frame();
  readonly cards = new Table<Card>(this.frame);
  readonly sessions = new Table<SessionView>(this.frame);
  readonly requests = new Table<RequestRow>(this.frame);
  readonly agents = new Table<AgentRow>(this.frame);
  readonly projects = new Table<ProjectRow>(this.frame);
  readonly problems = new Table<FileProblem>(this.frame);
  readonly board = new BoardOrder(this.frame, (id) => this.cards.get(id));
  readonly pending = new Pending(this.frame);
  readonly #single = new Signal(this.frame);
  readonly #conversations = new Map<SessionId, { conversation: Conversation; users: number }>();
  readonly #listeners: Listeners = { told: new Set(), open: new Set(), quitAsked: new Set() };
  #settings: Settings | null = null;
  #engine: EngineInfo | null = null;
  #link: Link = { state: 'connecting' };
  #seq = 0;
  /** While cards are still on their way: those that are here, and those that a push has told of, which is newer. */
  #known: Set<TaskId> | null = null;

  /** Listens to the settings, the engine's facts and the link. */
  readonly subscribeSingle = this.#single.subscribe;

  get settings() {
    return this.#settings;
  }

  get engine() {
    return this.#engine;
  }

  get link() {
    return this.#link;
  }

  /** Everything up to here is in the mirror. */
  get seq() {
    return this.#seq;
  }

  setLink(link: Link) {
    this.#link = link;
    this.#single.raise();
  }

  on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void) {
    this.#listeners[name].add(listener);
    return () => {
      this.#listeners[name].delete(listener);
    };
  }

  /** Makes the mirror what the engine says. Unless that is whole, `addCards` and at last `isWhole` follow. */
  fill({ snapshot, columns, is_whole: isWhole }: FirstLook) {
    this.#known = new Set();
    for (const card of snapshot.cards) {
      this.#known.add(card.task.id);
      this.#putCard(card);
    }
    this.board.expect(columns);
    if (isWhole) this.isWhole();
    this.sessions.replace(snapshot.sessions.map((view) => [view.row.id, view]));
    this.requests.replace(snapshot.requests.map((row) => [row.request.id, row]));
    this.agents.replace(snapshot.agents.map((row) => [row.agent.id, row]));
    this.projects.replace(snapshot.projects.map((row) => [row.id, row]));
    this.problems.replace(snapshot.problems.map((row) => [row.path, row]));
    this.#settings = snapshot.settings;
    this.#engine = snapshot.engine;
    this.#seq = snapshot.cursor.seq;
    this.pending.applied(this.#seq, null);
    this.#single.raise();
  }

  /** Takes in cards that were out of sight. */
  addCards(cards: readonly Card[]) {
    for (const card of cards) {
      if (this.#known?.has(card.task.id)) continue;
      this.#known?.add(card.task.id);
      this.#putCard(card);
    }
  }

  /** All cards are here; those that the engine did not name are gone. */
  isWhole() {
    const known = this.#known;
    this.#known = null;
    if (known) {
      for (const { task } of this.cards.all()) if (!known.has(task.id)) this.#removeCard(task.id);
    }
    this.board.expect(null);
  }

  /** Applies one push. `gap` is not for here: the connection asks for a snapshot again. */
  apply(push: Push) {
    switch (push.push) {
      case 'changed':
        for (const row of push.rows) this.#change(row);
        this.#seq = Math.max(this.#seq, push.seq);
        this.pending.applied(this.#seq, push.command);
        break;
      case 'output':
        this.#conversations.get(push.session)?.conversation.push(push.item, push.pieces);
        break;
      case 'told':
        this.#emit('told', push);
        break;
      case 'open':
        this.#emit('open', push.place);
        break;
      case 'quit_asked':
        this.#emit('quitAsked', { live: push.live });
        break;
      case 'gap':
        break;
    }
  }

  /** The conversation of a session while somebody looks at it. Pair with `leave`. */
  enter(session: SessionId, bridge: Bridge): Conversation {
    let entry = this.#conversations.get(session);
    if (!entry) {
      entry = { conversation: new Conversation(session, bridge, this.frame), users: 0 };
      this.#conversations.set(session, entry);
      void entry.conversation.open();
    }
    entry.users += 1;
    return entry.conversation;
  }

  leave(session: SessionId) {
    const entry = this.#conversations.get(session);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#conversations.delete(session);
    entry.conversation.close();
  }

  /** After a gap: conversations are read again, since their pushes were among what was left out. */
  reopenConversations() {
    for (const { conversation } of this.#conversations.values()) void conversation.open();
  }

  #emit<Name extends keyof Events>(name: Name, event: Events[Name]) {
    for (const listener of [...this.#listeners[name]]) listener(event);
  }

  #change(changed: Changed) {
    switch (changed.kind) {
      case 'card':
        this.#known?.add(changed.row.task.id);
        this.#putCard(changed.row);
        break;
      case 'session':
        this.sessions.put(changed.row.row.id, changed.row);
        break;
      case 'item':
        this.#conversations.get(changed.row.session)?.conversation.put(changed.row);
        break;
      case 'controls':
        this.#conversations.get(changed.row.session)?.conversation.putControls(changed.row);
        break;
      case 'request':
        this.requests.put(changed.row.request.id, changed.row);
        break;
      case 'agent':
        this.agents.put(changed.row.agent.id, changed.row);
        break;
      case 'project':
        this.projects.put(changed.row.id, changed.row);
        break;
      case 'problem':
        this.problems.put(changed.row.path, changed.row);
        break;
      case 'settings':
        this.#settings = changed.row;
        this.#single.raise();
        break;
      case 'gone':
        this.#remove(changed.row.kind, changed.row.id);
        break;
    }
  }

  #remove(kind: string, id: string) {
    if (kind === 'card') {
      // A page that was read before must not bring it back.
      this.#known?.add(id);
      this.#removeCard(id);
    } else if (kind === 'session') this.sessions.remove(id);
    else if (kind === 'request') this.requests.remove(id);
    else if (kind === 'agent') this.agents.remove(id);
    else if (kind === 'project') this.projects.remove(id);
    else if (kind === 'problem') this.problems.remove(id);
  }

  #putCard(card: Card) {
    const id = card.task.id;
    const before = this.cards.get(id);
    this.cards.put(id, card);
    this.board.changed(id, before, card);
  }

  #removeCard(id: TaskId) {
    const before = this.cards.get(id);
    this.cards.remove(id);
    this.board.changed(id, before, undefined);
  }
}

/** The columns in the board's order. */
export const COLUMNS: readonly Column[] = ['backlog', 'todo', 'working', 'needs_you', 'review', 'done'];
