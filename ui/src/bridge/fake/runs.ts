/**
 * Sessions of the fake engine: blocks run one by one, each asks first, writes a few lines and ends well, unless its text
 * holds `exit 1`. A block with `flood` writes 2,000 lines a second until it is stopped.
 */
import type {
  Changed,
  Decision,
  Image,
  Item,
  ItemBody,
  PauseWhy,
  RequestRow,
  SessionRow,
  SessionState,
  ToldWhat,
} from '../../bindings/nox';
import { newId } from '../ids';
import { wait } from './live';
import { readRunbook } from './runbook';
import { type FakeState, rowsOfTask, viewOf } from './state';

type Emit = (rows: Changed[]) => void;

interface Out {
  emit: Emit;
  output: (session: string, item: string, text: string) => void;
  told: (session: SessionRow, what: ToldWhat) => void;
}

export class FakeRuns {
  readonly #state: FakeState;
  readonly #out: Out;
  /** Milliseconds between two steps of a run. */
  readonly #stepMs: number;

  constructor(state: FakeState, out: Out, stepMs: number) {
    this.#state = state;
    this.#out = out;
    this.#stepMs = stepMs;
  }

  start(task: string, agent: string): string {
    const row = this.#state.tasks.get(task);
    const now = Date.now();
    const id = newId('ses', now);
    const blocks = readRunbook(this.#state.bodies.get(task) ?? '').blocks.length;
    this.#state.sessions.set(id, {
      id,
      task,
      agent,
      agent_name: this.#state.agents.get(agent)?.agent.name ?? agent,
      agent_version: 'fake',
      runtime: 'runbook',
      project: row?.project ?? null,
      folder: '/home/you/work',
      title: row?.title ?? '',
      state: { state: 'starting' },
      review: this.#state.agents.get(agent)?.agent.review ?? false,
      progress: blocks > 0 ? { done: 0, of: blocks } : null,
      attempt: 1,
      opened_at: now,
      last_event_at: now,
      closed_at: null,
      items: 0,
      cost_micro_usd: null,
      deleted: false,
    });
    this.#state.items.set(id, []);
    this.#setTask(task, 'in_progress');
    this.#later(() => this.#block(id, 0));
    return id;
  }

  answer(request: RequestRow, decision: Decision, reason: string | null) {
    const at = Date.now();
    request.state = { state: 'answered', decision, via: 'window', reason, at };
    this.#state.requests.set(request.request.id, { ...request });
    const session = this.#state.sessions.get(request.session);
    const items = this.#state.items.get(request.session) ?? [];
    const item = items.find((each) => each.id === request.request.item);
    if (!session || item?.body.kind !== 'tool_call') return;
    const body = item.body;
    if (decision === 'deny') {
      this.#item(session.id, {
        ...item,
        body: { ...body, status: 'denied', decision, reason, end: { outcome: 'denied', reason } },
      });
      this.#close(session.id, 'stopped');
      return;
    }
    const running: Item = { ...item, body: { ...body, status: 'running', decision, reason, started_at: at } };
    this.#item(session.id, running);
    this.#session(session.id, { state: { state: 'running', doing: body.call.title } });
    this.#write(session.id, running, 0);
  }

  stop(id: string) {
    const session = this.#state.sessions.get(id);
    if (!session || session.state.state === 'closed') return;
    for (const request of this.#state.requests.values()) {
      if (request.session === id && request.state.state === 'open') {
        const row: RequestRow = { ...request, state: { state: 'withdrawn', why: 'stopped', at: Date.now() } };
        this.#state.requests.set(request.request.id, row);
        this.#out.emit([{ kind: 'request', row }]);
      }
    }
    this.#close(id, 'stopped');
  }

  /** Between two steps at once; else when the step that runs is over. */
  pause(id: string, why: PauseWhy) {
    const session = this.#open(id);
    if (!session || session.state.state === 'paused') return;
    const finishing = session.state.state === 'running' ? session.state.doing : null;
    this.#session(id, { state: { state: 'paused', why, finishing } });
  }

  goOn(id: string) {
    const session = this.#state.sessions.get(id);
    if (!session) return;
    const doing = session.state.state === 'paused' ? session.state.finishing : null;
    this.#session(id, { state: { state: 'running', doing }, closed_at: null });
    if (doing === null && session.task) this.#later(() => this.#block(id, session.progress?.done ?? 0));
  }

  /** Answers at once when nothing is under way, else the prompt waits for its turn. */
  prompt(id: string, text: string, images: Image[] = []) {
    const session = this.#state.sessions.get(id);
    if (!session) return;
    if (session.state.state !== 'idle' && session.state.state !== 'hibernated') {
      this.#out.emit(wait(this.#state, id, text, images));
      return;
    }
    this.#say(id, { kind: 'prompt', text, images });
    this.#session(id, { state: { state: 'running', doing: null } });
    this.#later(() => {
      this.#say(id, {
        kind: 'message',
        text: images.length > 0 ? `Heard: ${text} (and saw ${images.length})` : `Heard: ${text}`,
      });
      this.#session(id, { state: { state: 'idle', problem: null } });
    });
  }

  /** Its turn is over wherever it is; it stands by. */
  interrupt(id: string) {
    const session = this.#open(id);
    if (session?.state.state !== 'running') return;
    this.#session(id, { state: { state: 'idle', problem: null } });
  }

  wait(id: string) {
    const session = this.#state.sessions.get(id);
    if (session?.state.state !== 'stalled') return;
    this.#session(id, { state: { state: 'running', doing: session.state.doing } });
  }

  restart(id: string) {
    const session = this.#state.sessions.get(id);
    if (!session) return;
    this.#session(id, { state: { state: 'starting' }, attempt: session.attempt + 1 });
    if (session.task) this.#later(() => this.#block(id, session.progress?.done ?? 0));
  }

  #say(id: string, body: ItemBody) {
    const now = Date.now();
    const ord = this.#state.items.get(id)?.length ?? 0;
    this.#item(id, { id: newId('itm', now), session: id, turn: null, ord, at: now, body });
  }

  #block(id: string, index: number) {
    const session = this.#open(id);
    if (!session) return;
    const blocks = readRunbook(this.#state.bodies.get(session.task ?? '') ?? '').blocks;
    const block = blocks[index];
    if (!block) {
      this.#close(id, 'finished');
      return;
    }
    const now = Date.now();
    const call = {
      key: `block:${block.index}`,
      kind: 'execute' as const,
      title: block.title,
      text: block.text,
      shell: block.shell,
      folder: session.folder,
      environment: ['HOME', 'LANG', 'PATH'],
      environment_hash: '0'.repeat(64),
      sandbox: 'none',
      timeout_seconds: null,
      continue_on_failure: false,
    };
    const request: RequestRow = {
      request: {
        id: newId('req', now),
        item: newId('itm', now),
        call,
        hash: '0'.repeat(64),
        risk: /rm |push|publish|curl/.test(block.text) ? 'high' : 'medium',
        risk_reason: 'unknown_program',
        why: { code: 'no_rule' },
        asked_at: now,
      },
      session: id,
      task: session.task,
      agent: session.agent,
      agent_name: session.agent_name,
      title: session.title,
      state: { state: 'open' },
    };
    this.#state.requests.set(request.request.id, request);
    this.#item(id, {
      id: request.request.item,
      session: id,
      turn: null,
      ord: session.items,
      at: now,
      body: {
        kind: 'tool_call',
        call,
        status: 'waiting',
        request: request.request.id,
        decision: null,
        reason: null,
        started_at: null,
        ended_at: null,
        end: null,
        output: null,
      },
    });
    this.#session(id, {
      state: { state: 'needs_approval', request: request.request.id, text: block.text, open: 1 },
      items: session.items + 1,
    });
    this.#out.emit([{ kind: 'request', row: request }]);
    this.#out.told(session, {
      what: 'asked',
      request: request.request.id,
      text: block.text,
      question: false,
      quick: true,
    });
  }

  #write(id: string, item: Item, line: number) {
    this.#later(() => {
      const session = this.#open(id);
      if (!session || item.body.kind !== 'tool_call') return;
      const flood = item.body.call.text.includes('flood');
      const lines = flood ? 100 : 1;
      let text = '';
      for (let each = 0; each < lines; each += 1) text += `${item.body.call.title}: line ${line + each + 1}\n`;
      this.#out.output(id, item.id, text);
      if (flood || line < 4) this.#write(id, item, line + lines);
      else this.#end(id, item);
    });
  }

  #end(id: string, item: Item) {
    const session = this.#open(id);
    if (!session || item.body.kind !== 'tool_call') return;
    const failed = item.body.call.text.includes('exit 1');
    const pieces = this.#state.output.get(item.id) ?? [];
    const text = pieces.map((piece) => piece.text).join('');
    this.#item(id, {
      ...item,
      body: {
        ...item.body,
        status: failed ? 'failed' : 'succeeded',
        ended_at: Date.now(),
        end: failed
          ? { outcome: 'failed', exit_code: 1, signal: null, timed_out: false, problem: null }
          : { outcome: 'succeeded' },
        output: { size_bytes: text.length, kept_bytes: text.length, sha256: '', head: text, tail: '', cut_off: false },
      },
    });
    if (failed) {
      this.#close(id, 'failed', item.body.call.title);
      return;
    }
    const done = (session.progress?.done ?? 0) + 1;
    this.#session(id, {
      progress: { done, of: session.progress?.of ?? done },
      state: { state: 'running', doing: null },
    });
    this.#later(() => this.#block(id, done));
  }

  #close(id: string, how: 'finished' | 'failed' | 'stopped', title = '') {
    const session = this.#state.sessions.get(id);
    if (!session) return;
    const problem = how === 'failed' ? { code: 'exit_code' as const, exit_code: 1, title } : null;
    this.#session(id, { state: { state: 'closed', how, problem }, closed_at: Date.now() });
    const after = { finished: session.review ? 'review' : 'done', failed: 'failed', stopped: 'todo' } as const;
    if (session.task) this.#setTask(session.task, after[how]);
    this.#out.told(session, {
      what: 'closed',
      how,
      done: session.progress?.done ?? null,
      of: session.progress?.of ?? null,
      problem: problem ? 'exit 1' : null,
      review: session.review,
    });
  }

  #open(id: string) {
    const session = this.#state.sessions.get(id);
    return session && session.state.state !== 'closed' ? session : undefined;
  }

  #later(step: () => void) {
    setTimeout(step, this.#stepMs);
  }

  #item(session: string, item: Item) {
    const items = this.#state.items.get(session) ?? [];
    const at = items.findIndex((each) => each.id === item.id);
    if (at < 0) items.push(item);
    else items[at] = item;
    this.#state.items.set(session, items);
    this.#out.emit([{ kind: 'item', row: item }]);
    const request = item.body.kind === 'tool_call' ? item.body.request : null;
    const row = request ? this.#state.requests.get(request) : undefined;
    if (row) this.#out.emit([{ kind: 'request', row }]);
  }

  #session(id: string, change: Partial<SessionRow>) {
    const session = this.#state.sessions.get(id);
    if (!session) return;
    const paused = change.state ? pausedIn(change.state) : session.paused;
    const next = { ...session, ...change, paused, last_event_at: Date.now() };
    this.#state.sessions.set(id, next);
    this.#out.emit([{ kind: 'session', row: viewOf(next) }, ...(next.task ? rowsOfTask(this.#state, next.task) : [])]);
  }

  #setTask(id: string, status: 'in_progress' | 'done' | 'review' | 'failed' | 'todo') {
    const task = this.#state.tasks.get(id);
    if (!task) return;
    this.#state.tasks.set(id, { ...task, status, changed_at: Date.now() });
    this.#out.emit(rowsOfTask(this.#state, id));
  }
}

/** Why a session that stands like this is paused. */
export function pausedIn(state: SessionState) {
  return state.state === 'paused' ? state.why : null;
}
