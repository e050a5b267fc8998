// How the session's program works now, each with a menu to change it: its mode and its model. What is chosen holds for this
// run and for those to come.
import { Menu } from '@mantine/core';
import { Button } from '@/components/controls/Button';
import { Icon } from '@/components/icons/icons';
import { useAct } from '@/sync/act';
import type { Conversation } from '@/sync/conversation';
import { useControls, usePending } from '@/sync/hooks';
import type { Offer, SessionView } from '../../bindings/nox';
import s from './Composer.module.css';
import { DIALS } from './text';

export function Dials({ conversation, view }: { conversation: Conversation; view: SessionView }) {
  const controls = useControls(conversation);
  const act = useAct();
  const { id, state } = view.row;
  const about = `dial:${id}`;
  const pending = usePending(about);
  if (!controls || state.state === 'closed' || state.state === 'stopping') return null;
  const { modes = [], mode, models = [], model } = controls.offers;
  if (modes.length < 2 && models.length < 2) return null;
  return (
    <div className={s.dials} role="group" aria-label={DIALS.label}>
      <Dial
        what={DIALS.mode}
        offers={modes}
        chosen={mode}
        pending={pending}
        onChoose={(to) => void act('setSessionMode', { session: id, mode: to }, { about: [about] })}
      />
      <Dial
        what={DIALS.model}
        offers={models}
        chosen={model}
        pending={pending}
        onChoose={(to) => void act('setSessionModel', { session: id, model: to }, { about: [about] })}
      />
    </div>
  );
}

interface DialProps {
  what: string;
  offers: readonly Offer[];
  chosen: string | null | undefined;
  pending: boolean;
  onChoose: (id: string) => void;
}

function Dial({ what, offers, chosen, pending, onChoose }: DialProps) {
  if (offers.length < 2) return null;
  const now = offers.find((offer) => offer.id === chosen);
  return (
    <Menu position="top-start">
      <Menu.Target>
        <Button size="sm" variant="quiet" iconRight="arrowDown" pending={pending}>
          {DIALS.now(what, now?.name ?? chosen ?? DIALS.unknown)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={what} className={s.offers}>
        {offers.map(({ id, name, description }) => (
          <Menu.Item
            key={id}
            aria-current={id === chosen ? 'true' : undefined}
            leftSection={<span className={s.check}>{id === chosen && <Icon name="check" size="sm" />}</span>}
            onClick={() => id !== chosen && onChoose(id)}
          >
            {name}
            {description && <span className={s.about}>{description}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
