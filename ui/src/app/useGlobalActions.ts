// The keys and palette entries that hold everywhere. A place adds its own.
import { useMemo } from 'react';
import { type Action, type Entry, useActions, useEntries } from '@/components/actions/registry';
import { toast, undoLast } from '@/components/feedback/toasts';
import { IMPORT } from '@/features/session/text';
import { useImport } from '@/features/session/transfer';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import type { Mirror } from '@/sync/mirror';
import { navigate } from './location';
import { nextPane } from './panes';
import { PLACES } from './places';
import { routes } from './routes';
import { ACTIONS, APP, HINTS } from './text';

export interface GlobalActionsOptions {
  openPalette: () => void;
  openKeys: () => void;
}

export function useGlobalActions({ openPalette, openKeys }: GlobalActionsOptions): void {
  const { mirror } = useNox();
  const act = useAct();
  const startImport = useImport();
  const actions = useMemo<Action[]>(() => {
    const group = APP.everywhere;
    const places = PLACES.map(
      (place, index): Action => ({
        id: `go.${place.id}`,
        label: ACTIONS.goTo(place.word),
        group,
        icon: place.icon,
        combo: `Mod+${index + 1}`,
        whileTyping: true,
        run: () => navigate(place.path),
      }),
    );
    return [
      {
        id: 'task.create',
        label: ACTIONS.newTask,
        group,
        icon: 'plus',
        combo: 'C',
        run: () => navigate(routes.board({ create: true })),
      },
      { id: 'next', label: ACTIONS.next, group, icon: 'approvals', combo: 'N', run: () => goToNext(mirror) },
      { id: 'search', label: ACTIONS.search, group, icon: 'search', combo: '/', run: () => focusSearch(openPalette) },
      {
        id: 'undo',
        label: ACTIONS.undo,
        group,
        icon: 'undo',
        combo: 'Mod+Z',
        run: () => {
          if (!undoLast()) toast({ text: ACTIONS.nothingToUndo, sign: 'idle' });
        },
      },
      ...places,
      {
        id: 'everyone.pause',
        label: ACTIONS.pauseAll,
        group,
        icon: 'pause',
        run: () => void act('pauseAll', {}, { done: ACTIONS.pausedAll }),
      },
      {
        id: 'everyone.continue',
        label: ACTIONS.continueAll,
        group,
        icon: 'play',
        enabled: () => mirror.sessions.all().some(({ row }) => Boolean(row.paused)),
        run: () => void act('continueAll', {}),
      },
      {
        id: 'go.recovery',
        label: ACTIONS.recovery,
        group,
        icon: 'history',
        also: ACTIONS.recoveryAlso,
        run: () => navigate(routes.recovery()),
      },
      {
        id: 'session.import',
        label: IMPORT.button,
        group,
        icon: 'download',
        also: IMPORT.also,
        run: startImport,
      },
      { id: 'keys', label: ACTIONS.keys, group, icon: 'list', combo: '?', run: openKeys },
      {
        id: 'palette',
        label: ACTIONS.palette,
        group,
        combo: 'Mod+K',
        keysOnly: true,
        whileTyping: true,
        run: openPalette,
      },
      {
        id: 'panes.next',
        label: ACTIONS.panes,
        group,
        combo: 'F6',
        keysOnly: true,
        whileTyping: true,
        run: () => nextPane(1),
      },
      {
        id: 'panes.before',
        label: ACTIONS.panesBack,
        group,
        combo: 'Shift+F6',
        keysOnly: true,
        whileTyping: true,
        run: () => nextPane(-1),
      },
    ];
  }, [mirror, act, startImport, openPalette, openKeys]);
  useActions(actions);
  useEntries(() => entriesOf(mirror));
}

/** Everything that can be opened by its name. */
function entriesOf(mirror: Mirror): Entry[] {
  const tasks = mirror.cards.all().map(
    (card): Entry => ({
      id: card.task.id,
      label: card.task.title,
      hint: HINTS.task,
      icon: 'board',
      also: card.task.tags.join(' '),
      run: () => navigate(routes.board({ task: card.task.id })),
    }),
  );
  const sessions = mirror.sessions.all().map(
    ({ row }): Entry => ({
      id: row.id,
      label: `${row.agent_name}: ${row.title}`,
      hint: HINTS.session,
      icon: 'sessions',
      run: () => navigate(routes.session(row.id)),
    }),
  );
  const agents = mirror.agents.all().map(
    ({ agent }): Entry => ({
      id: `agent:${agent.id}`,
      label: agent.name,
      hint: HINTS.agent,
      icon: 'agents',
      also: agent.description,
      run: () => navigate(routes.agent(agent.id)),
    }),
  );
  const projects = mirror.projects.all().map(
    (project): Entry => ({
      id: `project:${project.id}`,
      label: project.id,
      hint: HINTS.project,
      icon: 'folder',
      also: project.path,
      run: () => navigate(routes.board({ project: project.id })),
    }),
  );
  return [...sessions, ...tasks, ...agents, ...projects];
}

/** Open requests, oldest first, then what else needs a person; pressed again it goes on to the one after. */
function goToNext(mirror: Mirror): void {
  const requests = mirror.requests
    .all()
    .filter((row) => row.state.state === 'open')
    .sort((a, b) => a.request.asked_at - b.request.asked_at)
    .map((row) => routes.approval(row.request.id));
  const others = mirror.cards
    .all()
    .filter((card) => card.column === 'needs_you' && card.status.words.code !== 'approval')
    .sort((a, b) => a.status.at - b.status.at)
    .map((card) => (card.session ? routes.session(card.session) : routes.board({ task: card.task.id })));
  const all = [...requests, ...others];
  const here = all.indexOf(window.location.hash.slice(1));
  const next = all[(here + 1) % Math.max(1, all.length)];
  if (next) navigate(next);
  else toast({ text: ACTIONS.nothingNeedsYou, sign: 'done' });
}

function focusSearch(openPalette: () => void): void {
  const field = document.querySelector<HTMLInputElement>('main [data-place-search]');
  if (field) field.focus();
  else openPalette();
}
