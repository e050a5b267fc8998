// What the engine tells people goes to the live regions: requests and failures at once, finished work politely.

import type { Place, Told } from '@/bindings/nox';
import { announce } from '@/components/feedback/announce';
import { useNoxEvent } from '@/sync/hooks';
import { navigate } from './location';
import { routes } from './routes';
import { TOLD } from './text';

export function useTold(): void {
  useNoxEvent('told', tell);
  useNoxEvent('open', goTo);
}

function tell(told: Told): void {
  const { agent_name: agent, title, what } = told;
  if (what.what === 'asked') announce(TOLD.asked(agent, title, what.text), 'assertive');
  if (what.what !== 'closed') return;
  if (what.how === 'failed') announce(TOLD.failed(agent, title, what.problem), 'assertive');
  else announce(what.how === 'finished' ? TOLD.finished(agent, title) : TOLD.stopped(agent, title));
}

function goTo(place: Place): void {
  switch (place.place) {
    case 'board':
      navigate(routes.board());
      break;
    case 'session':
      navigate(routes.session(place.session));
      break;
    case 'approvals':
      navigate(routes.approvals());
      break;
    case 'settings':
      navigate(routes.settings());
      break;
  }
}
