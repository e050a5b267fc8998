/**
 * An engine in memory: for the tests of the window, and for looking at the window in a browser.
 *
 * It answers every operation plausibly and pushes what it changed; it keeps nothing and guards nothing.
 */
import type { Changed, CommandId, Decision, OutputPiece, Push, Recorded, SessionId, TaskRow } from '../../bindings/nox';
import {
  type Bridge,
  COMMANDS,
  type CommandInputs,
  type CommandName,
  type DesktopDrag,
  type NoxError,
  type ShellSays,
} from '../bridge';
import { newCommandId, newId } from '../ids';
import { discoveryOf } from './discovery';
import { addImage, controlsOf, liveCommands } from './live';
import { compactNow, importOne } from './log';
import { refused } from './refused';
import { readRunbook } from './runbook';
import { FakeRuns } from './runs';
import { type SampleName, sample } from './samples';
import {
  cardOf,
  type FakeState,
  firstLookOf,
  newAgent,
  newTask,
  rowsOfTask,
  sessionsOf,
  snapshotOf,
  viewOf,
} from './state';
import { processesOf, recoveryOf } from './vitals';

export { sample, sampleNamed } from './samples';

export interface FakeOptions {
  /** Milliseconds between two steps of a run. */
  stepMs?: number;
}

/** The bridge, and what a test may do that a window cannot. */
export interface FakeBridge extends Bridge {
  readonly kind: 'fake';
  readonly state: FakeState;
  /** What was sent, oldest first. */
  readonly sent: { name: CommandName; input: unknown; command: CommandId }[];
  /** What the desktop was asked to do: `openPath /…`, `revealPath /…`, `openExternal https://…`. */
  readonly desktop: string[];
  /** The next command is refused with this. */
  refuseNext(error: NoxError): void;
  /** Pushes as the engine would. */
  push(push: Push): void;
  /** Drags files over the window. */
  drag(drag: DesktopDrag): void;
  /** Says something as the shell would. */
  say(says: ShellSays): void;
  /** What `pickFolder` answers. */
  folder: string | null;
  /** What `chooseExport` and `chooseImport` answer. */
  chosen: string | null;
  /** What `copiedFiles` answers. */
  copied: string[];
}

type Outcome = Partial<Recorded> & { rows?: Changed[]; inverse?: () => Changed[] };
type Handlers = { [Name in CommandName]: (input: CommandInputs[Name]) => Outcome };

export function fakeBridge(given: FakeState | SampleName = 'full', { stepMs = 400 }: FakeOptions = {}): FakeBridge {
  const state = typeof given === 'string' ? sample(given) : given;
  const listeners = new Set<(push: Push) => void>();
  const shell = new Set<(says: ShellSays) => void>();
  const drags = new Set<(drag: DesktopDrag) => void>();
  const watched = new Set<SessionId>();
  const inverses = new Map<CommandId, () => Changed[]>();
  const sent: FakeBridge['sent'] = [];
  const desktop: string[] = [];
  let refusal: NoxError | null = null;
  let seq = 1;

  const push = (message: Push) => {
    for (const listener of [...listeners]) listener(message);
  };
  const emit = (rows: Changed[], command: CommandId | null = null) => {
    seq += 1;
    const seen = rows.filter((row) => (row.kind !== 'item' && row.kind !== 'controls') || watched.has(row.row.session));
    push({ push: 'changed', seq, command, rows: seen });
  };
  const runs = new FakeRuns(
    state,
    {
      emit,
      output(session, item, text) {
        const pieces = state.output.get(item) ?? [];
        const last = pieces.at(-1);
        const piece: OutputPiece = {
          offset: last ? last.offset + last.bytes : 0,
          bytes: text.length,
          stream: 'stdout',
          text,
        };
        pieces.push(piece);
        state.output.set(item, pieces);
        if (watched.has(session)) push({ push: 'output', session, item, pieces: [piece] });
      },
      told(session, what) {
        push({
          push: 'told',
          session: session.id,
          task: session.task,
          agent_name: session.agent_name,
          title: session.title,
          what,
        });
      },
    },
    stepMs,
  );

  const missing = (what: string) => refused('not_found', `There is no such ${what}.`);
  const task = (id: string): TaskRow => {
    const row = state.tasks.get(id);
    if (!row) throw missing('task');
    return row;
  };
  const putTask = (row: TaskRow): Changed[] => {
    state.tasks.set(row.id, { ...row, changed_at: Date.now(), hash: newId('hash') });
    return rowsOfTask(state, row.id);
  };
  const begin = (id: string, agent: string | null | undefined): string => {
    const row = task(id);
    const runner = agent ?? row.agent ?? (state.agents.has('runbook') ? 'runbook' : null);
    if (!runner) {
      throw refused('needs_agent', 'This task has no agent.', 'Choose one.', 'agent');
    }
    const problem = readRunbook(state.bodies.get(id) ?? '').problem;
    if (problem) {
      throw refused('bad_input', `Line ${problem.line}: ${problem.message}`, null, 'body');
    }
    if (agent && row.agent !== agent) state.tasks.set(id, { ...row, agent });
    return runs.start(id, runner);
  };
  const make = (given: Partial<TaskRow> & { title: string }, body: string): TaskRow => {
    const ranks = [...state.tasks.values()].map((row) => row.rank).sort();
    const row = newTask({ rank: `${ranks.at(-1) ?? 'V'}V`, ...given }, body);
    state.tasks.set(row.id, row);
    state.bodies.set(row.id, body);
    return row;
  };
  const removeTask = (id: string): Outcome => {
    const row = task(id);
    for (const session of sessionsOf(state, id)) runs.stop(session.id);
    const kept = state.tasks.get(id) ?? row;
    state.tasks.delete(id);
    return { rows: rowsOfTask(state, id), inverse: () => putTask(kept) };
  };

  const handlers: Handlers = {
    createTask({ title, body = '', ...rest }) {
      const name =
        title ||
        body
          .split('\n')
          .find((line) => line.trim())
          ?.replace(/^#+\s*/, '') ||
        '';
      if (!name) throw refused('bad_input', 'A task needs a title.', 'Write one line.', 'title');
      const row = make({ ...rest, title: name }, body);
      return { task: row.id, rows: rowsOfTask(state, row.id), inverse: () => removeTask(row.id).rows ?? [] };
    },
    changeTask({ task: id, patch }) {
      const before = task(id);
      const body = state.bodies.get(id) ?? '';
      const { body: newBody, agent, project, deadline, ...rest } = patch;
      const change = <T>(field: { set: T } | 'clear' | null | undefined, old: T | null) =>
        field === 'clear' ? null : (field?.set ?? old);
      const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value != null));
      if (newBody != null) state.bodies.set(id, newBody);
      const rows = putTask({
        ...before,
        ...given,
        agent: change(agent, before.agent),
        project: change(project, before.project),
        deadline: change(deadline, before.deadline),
        blocks: readRunbook(state.bodies.get(id) ?? '').blocks.length,
      });
      return {
        task: id,
        rows,
        inverse: () => {
          state.bodies.set(id, body);
          return putTask(before);
        },
      };
    },
    moveTask({ task: id, to, after, before, agent }) {
      const old = task(id);
      const card = cardOf(state, old);
      if (to === 'working') return { task: id, session: card.live ? card.session : begin(id, agent) };
      if (card.live && card.session) runs.stop(card.session);
      const low = after ? state.tasks.get(after)?.rank : undefined;
      const high = before ? state.tasks.get(before)?.rank : undefined;
      const rank =
        low !== undefined
          ? `${low}V`
          : high !== undefined
            ? `${high.slice(0, -1)}${String.fromCharCode(high.charCodeAt(high.length - 1) - 1)}V`
            : old.rank;
      const rows = putTask({ ...task(id), status: to, rank, agent: agent ?? old.agent });
      return { task: id, rows, inverse: () => putTask(old) };
    },
    deleteTask: ({ task: id }) => removeTask(id),
    startTask: ({ task: id, agent }) => ({ task: id, session: begin(id, agent) }),
    dropThings({ paths = [], text, to, agent }) {
      const names = paths.map((path) => path.split('/').at(-1) ?? path);
      const title =
        names.length === 1
          ? (names[0] ?? '')
          : names.length > 1
            ? `${names[0]} and ${names.length - 1} more`
            : (text ?? '').slice(0, 80);
      const row = make(
        {
          title,
          status: to === 'backlog' ? 'backlog' : 'todo',
          agent: agent ?? null,
          attachments: [
            ...paths.map((path) => ({ kind: 'path' as const, path })),
            ...(text && /^https?:/.test(text) ? [{ kind: 'link' as const, url: text }] : []),
          ],
        },
        text ?? '',
      );
      if (to === 'working') begin(row.id, agent);
      return { task: row.id, rows: rowsOfTask(state, row.id), inverse: () => removeTask(row.id).rows ?? [] };
    },
    stopSession({ session }) {
      runs.stop(session);
      return { session };
    },
    interruptSession({ session }) {
      runs.interrupt(session);
      return { session };
    },
    continueSession({ session }) {
      runs.goOn(session);
      return { session, task: state.sessions.get(session)?.task ?? null };
    },
    pauseSession({ session }) {
      runs.pause(session, 'person');
      return { session };
    },
    promptSession({ session, text, images }) {
      runs.prompt(session, text, images);
      return { session };
    },
    ...liveCommands(state, (session, text) => runs.prompt(session, text)),
    waitSession({ session }) {
      runs.wait(session);
      return { session };
    },
    restartSession({ session }) {
      runs.restart(session);
      return { session };
    },
    deleteSession: ({ session }) => hideSession(session, true),
    restoreSession: ({ session }) => hideSession(session, false),
    resolveUnknown({ session, choice }) {
      if (choice === 'stop') runs.stop(session);
      return { session };
    },
    answerRequest({ request, decision, reason }) {
      const row = state.requests.get(request);
      if (!row) throw missing('request');
      if (row.state.state !== 'open') {
        throw refused('conflict', 'This request is answered already.');
      }
      runs.answer(row, decision as Decision, reason ?? null);
      return { session: row.session };
    },
    stopAll() {
      for (const session of state.sessions.values()) runs.stop(session.id);
      return {};
    },
    pauseAll() {
      for (const session of state.sessions.values()) runs.pause(session.id, 'everything');
      return {};
    },
    continueAll() {
      for (const { id, state: how } of state.sessions.values()) if (how.state === 'paused') runs.goOn(id);
      return {};
    },
    createAgent({ name = '', ...rest }) {
      if (!name.trim()) throw refused('bad_input', 'An agent needs a name.', null, 'name');
      const id = name
        .trim()
        .toLowerCase()
        .replace(/[^a-z0-9]+/g, '-');
      const row = newAgent({ ...rest, id, name, review: rest.review ?? false });
      state.agents.set(id, row);
      return { agent: id, rows: [{ kind: 'agent', row }], inverse: () => goneAgent(id) };
    },
    changeAgent({ agent, patch, base }) {
      const before = state.agents.get(agent);
      if (!before) throw missing('agent');
      if (base != null && base !== before.version) {
        throw refused(
          'stale',
          `the agent ${before.agent.name} was changed meanwhile`,
          'Nothing was written. Look at it as it is now, then change it again.',
        );
      }
      const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value != null));
      const row = { agent: { ...before.agent, ...given }, version: newId('ver'), changed_at: Date.now() };
      state.agents.set(agent, row);
      return { agent, rows: [{ kind: 'agent', row }], inverse: () => backAgent(before) };
    },
    deleteAgent({ agent }) {
      const before = state.agents.get(agent);
      if (!before) throw missing('agent');
      return { agent, rows: goneAgent(agent), inverse: () => backAgent(before) };
    },
    deleteRule: ({ rule }) => ({ rule }),
    grantProject({ path }) {
      const id = (path.split('/').filter(Boolean).at(-1) ?? 'project').toLowerCase();
      const row = { id, path, present: true };
      state.projects.set(id, row);
      return { project: id, rows: [{ kind: 'project', row }], inverse: () => goneProject(id) };
    },
    forgetProject({ project }) {
      const before = state.projects.get(project);
      if (!before) throw missing('project');
      return {
        project,
        rows: goneProject(project),
        inverse: () => {
          state.projects.set(project, before);
          return [{ kind: 'project', row: before }];
        },
      };
    },
    putKey({ name, value }) {
      state.keys.set(name, { length: value.length, stored_at: Date.now() });
      return {};
    },
    deleteKey({ name }) {
      state.keys.delete(name);
      return {};
    },
    changeSettings(patch) {
      const before = state.settings;
      const given = Object.fromEntries(Object.entries(patch).filter(([, value]) => value != null));
      state.settings = { ...before, ...given };
      return { rows: [{ kind: 'settings', row: state.settings }] };
    },
    makeSamples() {
      const agent = newAgent({
        id: 'runbook',
        name: 'Runbook',
        description: 'Runs the commands of a task, one by one.',
      });
      state.agents.set('runbook', agent);
      const body =
        '# How is this computer doing?\n\n```sh\ndf -h ~\n```\n\n```sh\ngit --version\n```\n\n```sh\nuptime\n```\n';
      const row = make({ title: 'How is this computer doing?', agent: 'runbook' }, body);
      return { task: row.id, agent: 'runbook', rows: [{ kind: 'agent', row: agent }, ...rowsOfTask(state, row.id)] };
    },
    importSession: ({ path }) => importOne(state, path),
    compactLog: () => compactNow(state),
    undo({ command }) {
      const inverse = inverses.get(command);
      if (!inverse) throw refused('conflict', 'This cannot be taken back any more.');
      inverses.delete(command);
      return { rows: inverse() };
    },
  };

  function hideSession(id: string, deleted: boolean): Outcome {
    const before = state.sessions.get(id);
    if (!before) throw missing('session');
    state.sessions.set(id, { ...before, deleted });
    const rows = (): Changed[] => {
      const row = state.sessions.get(id);
      const about = before.task ? rowsOfTask(state, before.task) : [];
      return row
        ? [
            row.deleted ? { kind: 'gone', row: { kind: 'session', id } } : { kind: 'session', row: viewOf(row) },
            ...about,
          ]
        : about;
    };
    return {
      session: id,
      rows: rows(),
      inverse: () => {
        state.sessions.set(id, before);
        return rows();
      },
    };
  }
  function goneAgent(id: string): Changed[] {
    state.agents.delete(id);
    return [{ kind: 'gone', row: { kind: 'agent', id } }];
  }
  function backAgent(row: Parameters<typeof state.agents.set>[1]): Changed[] {
    state.agents.set(row.agent.id, row);
    return [{ kind: 'agent', row }];
  }
  function goneProject(id: string): Changed[] {
    state.projects.delete(id);
    return [{ kind: 'gone', row: { kind: 'project', id } }];
  }

  const run = async <Name extends CommandName>(name: Name, input: CommandInputs[Name], command = newCommandId()) => {
    sent.push({ name, input, command });
    await Promise.resolve();
    if (refusal) {
      const error = refusal;
      refusal = null;
      throw error;
    }
    const { rows = [], inverse, ...recorded } = handlers[name](input);
    if (inverse) inverses.set(command, inverse);
    emit(rows, command);
    return { seq, undo: inverse !== undefined, ...recorded, command };
  };
  const commands = Object.fromEntries(
    COMMANDS.map((name) => [name, (input: never, command?: CommandId) => run(name, input, command)]),
  ) as unknown as Pick<Bridge, CommandName>;

  return {
    ...commands,
    kind: 'fake',
    state,
    sent,
    desktop,
    folder: '/home/you/src/new-project',
    copied: [],
    chosen: '/home/you/Documents/session.jsonl',
    refuseNext(error) {
      refusal = error;
    },
    push,
    drag(drag) {
      for (const listener of [...drags]) listener(drag);
    },
    say(says) {
      for (const listener of [...shell]) listener(says);
    },
    snapshot: async () => structuredClone(snapshotOf(state, seq)),
    firstLook: async () => structuredClone(firstLookOf(snapshotOf(state, seq))),
    readCards: async ({ after, limit }) => {
      const all = snapshotOf(state, seq).cards.sort((a, b) => (a.task.id < b.task.id ? -1 : 1));
      const cards = all.filter(({ task }) => !after || task.id > after).slice(0, limit);
      return structuredClone({ cards, next: cards.length === limit ? (cards.at(-1)?.task.id ?? null) : null });
    },
    listTasks: async () => ({ tasks: snapshotOf(state, seq).cards }),
    listAgents: async () => ({ agents: [...state.agents.values()] }),
    async readTask({ task: id }) {
      const row = task(id);
      const body = state.bodies.get(id) ?? '';
      const { blocks, problem } = readRunbook(body);
      return {
        card: cardOf(state, row),
        body,
        sessions: sessionsOf(state, id).map(viewOf),
        blocks,
        block_problem: problem,
        file: `/home/you/.local/share/nox/registry/${row.path}`,
      };
    },
    async readItems({ session, before, limit }) {
      const items = (state.items.get(session) ?? []).filter((item) => before == null || item.ord < before);
      return { items: items.slice(-limit), more: items.length > limit };
    },
    readControls: async ({ session }) => controlsOf(state, session),
    async readOutput({ item, from }) {
      const pieces = (state.output.get(item) ?? []).filter((piece) => piece.offset >= (from ?? 0));
      const last = pieces.at(-1);
      return { pieces, next: last ? last.offset + last.bytes : (from ?? 0), complete: true, clipped: false };
    },
    async readImage({ sha256 }) {
      return state.images.get(sha256) ?? Promise.reject(missing('image'));
    },
    checkRunbook: async ({ body }) => readRunbook(body),
    readPolicy: async () => ({
      policy: {
        defaults: { execute: 'ask', edit: 'ask', read: 'allow' },
        rules: [
          {
            id: 'status',
            effect: 'allow',
            kind: 'execute',
            matcher: { prefix: ['git', 'status'] },
            agent: null,
            note: 'Looks only.',
          },
        ],
      },
      file: '/home/you/.local/share/nox/registry/policy.toml',
      problem: null,
    }),
    async previewRule({ request, rule }) {
      const row = state.requests.get(request);
      if (!row) throw missing('request');
      const narrowest = {
        matcher: { exact: row.request.call.text },
        scope: { scope: 'agent' as const, agent: row.agent },
      };
      const matched = [...state.requests.values()].filter((each) => each.request.call.text === row.request.call.text);
      return { rule: rule ?? narrowest, matches_request: true, matched, matched_count: matched.length, note: null };
    },
    listKeys: async () => ({
      keychain: 'The keychain of this desktop',
      available: true,
      problem: null,
      keys: [...state.keys].map(([name, { stored_at }]) => ({ name, stored_at })),
    }),
    addImage: (input) => addImage(state, input),
    testKey: async ({ name }) => ({
      readable: state.keys.has(name),
      problem: null,
    }),
    ...discoveryOf(state, stepMs),
    exportSession: async ({ path, format }) => {
      desktop.push(`export ${format} ${path}`);
      return { path, bytes: 2048, events: 12, pruned: 0 };
    },
    log: async () => structuredClone(state.log),
    doctor: async () => ({ checks: [{ code: 'git', name: 'git', state: 'good', found: '2.39.5', hint: null }] }),
    processes: async () => structuredClone(processesOf(state)),
    recovery: async () => structuredClone(recoveryOf(state)),
    async subscribe(onPush) {
      listeners.add(onPush);
      return () => {
        listeners.delete(onPush);
      };
    },
    async watch(session, on) {
      if (on) watched.add(session);
      else watched.delete(session);
    },
    async chooseExport() {
      return this.chosen;
    },
    async chooseImport() {
      return this.chosen;
    },
    async copiedFiles() {
      return this.copied;
    },
    async pickFolder() {
      return this.folder;
    },
    onDesktopDrop(listener) {
      drags.add(listener);
      return () => {
        drags.delete(listener);
      };
    },
    onShell(listener) {
      shell.add(listener);
      return () => {
        shell.delete(listener);
      };
    },
    async reportUsable() {},
    async desktopStatus() {
      return { tray: 'present', notifications_problem: null };
    },
    async quitQuestionShown() {
      desktop.push('quitQuestionShown');
    },
    async answerQuit(leaves) {
      desktop.push(`answerQuit ${leaves}`);
    },
    async openExternal(url) {
      desktop.push(`openExternal ${url}`);
    },
    async openPath(path) {
      desktop.push(`openPath ${path}`);
    },
    async revealPath(path) {
      desktop.push(`revealPath ${path}`);
    },
  };
}
