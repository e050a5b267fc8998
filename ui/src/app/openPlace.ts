// Where the tray, a notification or another program leads.
import type { Place } from '@/bindings/nox';
import { navigate } from './location';
import { routes } from './routes';

/** Shows a place that the engine, the tray or a notification names. */
export function openPlace(place: Place): void {
  switch (place.place) {
    case 'board':
      navigate(routes.board());
      break;
    case 'new_task':
      navigate(routes.board({ create: true }));
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
