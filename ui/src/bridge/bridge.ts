/**
 * The way to the engine, as the window sees it: one method per operation, pushes, and the few things of the desktop.
 *
 * Implementations are `tauri.ts` (the app) and `fake/` (tests, a page in a browser). Everything else imports only this
 * file and `../bindings/nox`. Methods throw a `NoxError`, nothing else.
 */
import type {
  AddImage,
  AgentList,
  AgentTried,
  AnswerRequest,
  ApiError,
  CardsPage,
  ChangeAgent,
  ChangePrompt,
  ChangeSettings,
  ChangeTask,
  CheckRunbook,
  CommandId,
  ControlsRow,
  CreateAgent,
  CreateTask,
  DesktopStatus,
  Discover,
  Discovered,
  DoctorReport,
  DropThings,
  ErrorCode,
  Exported,
  ExportFormat,
  ExportSession,
  FirstLook,
  ForkSession,
  GrantProject,
  Image,
  ImageBytes,
  ImportSession,
  ItemsPage,
  KeysView,
  KeyTest,
  LogView,
  MoveTask,
  Nothing,
  OneAgent,
  OneKey,
  OneProject,
  OneRule,
  OneSession,
  OneTask,
  OneTrial,
  OutputPage,
  PolicyView,
  PreviewRule,
  ProcessesView,
  PromptSession,
  Push,
  PutKey,
  ReadCards,
  ReadImage,
  ReadItems,
  ReadOutput,
  Recorded,
  RecoveryView,
  ResolveUnknown,
  RulePreview,
  RunbookCheck,
  SessionId,
  SetSessionMode,
  SetSessionModel,
  ShellEvent,
  Snapshot,
  StartTask,
  SteerSession,
  TaskDetail,
  TaskList,
  TrialStopped,
  TryAgent,
  Undo,
  WithdrawPrompt,
} from '../bindings/nox';

/** What each command takes. */
export interface CommandInputs {
  createTask: CreateTask;
  changeTask: ChangeTask;
  moveTask: MoveTask;
  deleteTask: OneTask;
  startTask: StartTask;
  dropThings: DropThings;
  stopSession: OneSession;
  interruptSession: OneSession;
  continueSession: OneSession;
  pauseSession: OneSession;
  promptSession: PromptSession;
  steerSession: SteerSession;
  changePrompt: ChangePrompt;
  withdrawPrompt: WithdrawPrompt;
  setSessionMode: SetSessionMode;
  setSessionModel: SetSessionModel;
  forkSession: ForkSession;
  waitSession: OneSession;
  restartSession: OneSession;
  deleteSession: OneSession;
  restoreSession: OneSession;
  resolveUnknown: ResolveUnknown;
  answerRequest: AnswerRequest;
  stopAll: Nothing;
  pauseAll: Nothing;
  continueAll: Nothing;
  createAgent: CreateAgent;
  changeAgent: ChangeAgent;
  deleteAgent: OneAgent;
  deleteRule: OneRule;
  grantProject: GrantProject;
  forgetProject: OneProject;
  putKey: PutKey;
  deleteKey: OneKey;
  changeSettings: ChangeSettings;
  makeSamples: Nothing;
  importSession: ImportSession;
  compactLog: Nothing;
  undo: Undo;
}

/** What each query takes and answers. */
export interface Queries {
  snapshot: [Nothing, Snapshot];
  firstLook: [Nothing, FirstLook];
  readCards: [ReadCards, CardsPage];
  listTasks: [Nothing, TaskList];
  listAgents: [Nothing, AgentList];
  readTask: [OneTask, TaskDetail];
  readItems: [ReadItems, ItemsPage];
  readControls: [OneSession, ControlsRow];
  readOutput: [ReadOutput, OutputPage];
  readImage: [ReadImage, ImageBytes];
  checkRunbook: [CheckRunbook, RunbookCheck];
  readPolicy: [Nothing, PolicyView];
  previewRule: [PreviewRule, RulePreview];
  listKeys: [Nothing, KeysView];
  addImage: [AddImage, Image];
  testKey: [OneKey, KeyTest];
  discover: [Discover, Discovered];
  tryAgent: [TryAgent, AgentTried];
  stopTrial: [OneTrial, TrialStopped];
  exportSession: [ExportSession, Exported];
  log: [Nothing, LogView];
  doctor: [Nothing, DoctorReport];
  processes: [Nothing, ProcessesView];
  recovery: [Nothing, RecoveryView];
}

export type CommandName = keyof CommandInputs;
export type QueryName = keyof Queries;

/** The names as values, for implementations and for the test that holds them against the catalogue. */
export const COMMANDS = [
  'createTask',
  'changeTask',
  'moveTask',
  'deleteTask',
  'startTask',
  'dropThings',
  'stopSession',
  'interruptSession',
  'continueSession',
  'pauseSession',
  'promptSession',
  'steerSession',
  'changePrompt',
  'withdrawPrompt',
  'setSessionMode',
  'setSessionModel',
  'forkSession',
  'waitSession',
  'restartSession',
  'deleteSession',
  'restoreSession',
  'resolveUnknown',
  'answerRequest',
  'stopAll',
  'pauseAll',
  'continueAll',
  'createAgent',
  'changeAgent',
  'deleteAgent',
  'deleteRule',
  'grantProject',
  'forgetProject',
  'putKey',
  'deleteKey',
  'changeSettings',
  'makeSamples',
  'importSession',
  'compactLog',
  'undo',
] as const satisfies readonly CommandName[];

export const QUERIES = [
  'snapshot',
  'firstLook',
  'readCards',
  'listTasks',
  'listAgents',
  'readTask',
  'readItems',
  'readControls',
  'readOutput',
  'readImage',
  'checkRunbook',
  'readPolicy',
  'previewRule',
  'listKeys',
  'addImage',
  'testKey',
  'discover',
  'tryAgent',
  'stopTrial',
  'exportSession',
  'log',
  'doctor',
  'processes',
  'recovery',
] as const satisfies readonly QueryName[];

/** What a command answers: recorded, under this id. `undo({ command })` takes it back when `undo` is true. */
export type Done = Recorded & { command: CommandId };

/** Commands: the id is made when none is given. Give one to draw the change before it is recorded. */
export type CommandMethods = {
  [Name in CommandName]: (input: CommandInputs[Name], command?: CommandId) => Promise<Done>;
};

export type QueryMethods = {
  [Name in QueryName]: (input: Queries[Name][0]) => Promise<Queries[Name][1]>;
};

/** A native drag over the window. Positions are CSS pixels of the page. */
export type DesktopDrag =
  | { type: 'enter'; paths: string[]; x: number; y: number }
  | { type: 'over'; x: number; y: number }
  | { type: 'drop'; paths: string[]; x: number; y: number }
  | { type: 'leave' };

/** What the desktop around the page says: its tray, its menus, a second start. */
export type ShellSays = ShellEvent;

/** Ends what was begun. */
export type Stop = () => void;

export interface Bridge extends CommandMethods, QueryMethods {
  /** Which one this is, for the About page and for what only a desktop can do. */
  readonly kind: 'tauri' | 'fake';
  /** Begins the pushes; resolves when they flow, so that a snapshot asked for afterwards misses nothing. */
  subscribe(onPush: (push: Push) => void): Promise<Stop>;
  /** Items and output of a session are pushed only while it is watched. */
  watch(session: SessionId, on: boolean): Promise<void>;
  /** The first place is painted with its data: how long starting took is measured up to here. */
  reportUsable(): Promise<void>;
  /** Asks for a folder; null when the person thought better of it. */
  pickFolder(): Promise<string | null>;
  /** Asks where a session is to be exported to; null when the person thought better of it. Counts for one export. */
  chooseExport(title: string, format: ExportFormat): Promise<string | null>;
  /** Asks which export is to be imported; null when the person thought better of it. Counts for one import. */
  chooseImport(): Promise<string | null>;
  /** What is being pasted, where the window is told only that it has addresses: paths of files, or addresses of what is elsewhere. */
  copiedFiles(): Promise<string[]>;
  /** Files and folders dragged in from the desktop. */
  onDesktopDrop(listener: (drag: DesktopDrag) => void): Stop;
  /** What the shell says from now on, and what it said before anybody listened. */
  onShell(listener: (says: ShellSays) => void): Stop;
  /** What the desktop around the window offers. */
  desktopStatus(): Promise<DesktopStatus>;
  quitQuestionShown(): Promise<void>;
  answerQuit(leaves: boolean): Promise<void>;
  /** Opens a web address in the person's browser; the person was asked before. */
  openExternal(url: string): Promise<void>;
  /** Opens a file with the program that the person uses for it. */
  openPath(path: string): Promise<void>;
  /** Shows a file or folder in the person's file browser. */
  revealPath(path: string): Promise<void>;
}

/** Why an operation was not done. */
export class NoxError extends Error {
  override readonly name = 'NoxError';
  readonly code: ErrorCode;
  readonly hint: string | null;
  readonly field: string | null;

  constructor(error: ApiError) {
    super(error.message);
    this.code = error.code;
    this.hint = error.hint;
    this.field = error.field;
  }
}

/** Whatever was thrown, as a `NoxError`: a transport that fails in its own words is an internal error. */
export function asNoxError(thrown: unknown): NoxError {
  if (thrown instanceof NoxError) return thrown;
  if (typeof thrown === 'object' && thrown !== null && 'code' in thrown && 'message' in thrown) {
    const error = thrown as ApiError;
    return new NoxError({ ...error, hint: error.hint ?? null, field: error.field ?? null });
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new NoxError({ code: 'internal', message, hint: null, field: null });
}
