// The places of the window, in their order: their word, sign, address and page. Each page is loaded when it is first
// opened, save the board, which nearly every start shows: React holds back what replaces a fallback for up to 300 ms. A
// place that does not exist in this version is not in the list.
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import type { IconName } from '@/components/icons/icons';
import { BoardPage } from './BoardPage';
import { routes } from './routes';
import { APP } from './text';

export type PlaceId = 'board' | 'sessions' | 'approvals' | 'agents' | 'processes' | 'settings';

export interface PlaceEntry {
  id: PlaceId;
  word: string;
  icon: IconName;
  path: string;
  /** As wouter reads it; the page asks for the parameters itself. */
  route: string;
  Page: ComponentType | LazyExoticComponent<ComponentType>;
}

export const PLACES: readonly PlaceEntry[] = [
  {
    id: 'board',
    word: APP.board,
    icon: 'board',
    path: routes.board(),
    route: '/board',
    Page: BoardPage,
  },
  {
    id: 'sessions',
    word: APP.sessions,
    icon: 'sessions',
    path: routes.sessions(),
    route: '/sessions/:id?',
    Page: lazy(async () => ({ default: (await import('@/features/session/SessionsPlace')).SessionsPlace })),
  },
  {
    id: 'approvals',
    word: APP.approvals,
    icon: 'approvals',
    path: routes.approvals(),
    route: '/approvals/:id?',
    Page: lazy(async () => ({ default: (await import('@/features/approvals/ApprovalsPlace')).ApprovalsPlace })),
  },
  {
    id: 'agents',
    word: APP.agents,
    icon: 'agents',
    path: routes.agents(),
    route: '/agents/:id?',
    Page: lazy(async () => ({ default: (await import('@/features/agents/AgentsPlace')).AgentsPlace })),
  },
  {
    id: 'processes',
    word: APP.processes,
    icon: 'cpu',
    path: routes.processes(),
    route: '/processes',
    Page: lazy(async () => ({ default: (await import('@/features/processes/ProcessesPlace')).ProcessesPlace })),
  },
  {
    id: 'settings',
    word: APP.settings,
    icon: 'settings',
    path: routes.settings(),
    route: '/settings/:section?',
    Page: lazy(async () => ({ default: (await import('@/features/settings/SettingsPlace')).SettingsPlace })),
  },
];

/** What the last start found; it is reached by a banner and from the settings, and stands in no list. */
export const RecoveryPage = lazy(async () => ({
  default: (await import('@/features/recovery/RecoveryPlace')).RecoveryPlace,
}));

/** The page before the first task; it has no frame. */
export const WelcomePage = lazy(async () => ({
  default: (await import('@/features/welcome/WelcomePlace')).WelcomePlace,
}));
