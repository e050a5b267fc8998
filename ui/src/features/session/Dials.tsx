// How the session's program works now, each with a menu to change it: its mode and its model. What is chosen holds for this
// run and for those to come.
import { Menu, TextInput } from '@mantine/core';
import { useState } from 'react';
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

/** From so many on there is a search. */
const LONG = 12;
/** So many are drawn at once; the search leads to the others. */
const SHOWN = 60;

/** Those with all of these words in their name or id. */
function matching(offers: readonly Offer[], wanted: string): readonly Offer[] {
  const words = wanted.toLowerCase().split(/\s+/).filter(Boolean);
  return offers.filter(({ id, name }) => words.every((word) => `${name} ${id}`.toLowerCase().includes(word)));
}

interface DialProps {
  what: string;
  offers: readonly Offer[];
  chosen: string | null | undefined;
  pending: boolean;
  onChoose: (id: string) => void;
}

function Dial({ what, offers, chosen, pending, onChoose }: DialProps) {
  const [wanted, setWanted] = useState('');
  if (offers.length < 2) return null;
  const now = offers.find((offer) => offer.id === chosen);
  const isLong = offers.length > LONG;
  const found = isLong ? matching(offers, wanted) : offers;
  return (
    <Menu position="top-start" onClose={() => setWanted('')}>
      <Menu.Target>
        <Button size="sm" variant="quiet" iconRight="arrowDown" pending={pending}>
          {DIALS.now(what, now?.name ?? chosen ?? DIALS.unknown)}
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={what} className={s.offers}>
        {isLong && (
          <TextInput
            type="search"
            data-autofocus
            aria-label={DIALS.search(what)}
            placeholder={DIALS.search(what)}
            value={wanted}
            onChange={(event) => setWanted(event.currentTarget.value)}
            onKeyDown={(event) => {
              // The menu would take letters and Enter for itself.
              if (!['ArrowDown', 'ArrowUp', 'Escape', 'Tab'].includes(event.key)) event.stopPropagation();
            }}
          />
        )}
        {isLong && (
          <p className={s.about} role="status">
            {DIALS.found(found.length, offers.length)}
          </p>
        )}
        {found.slice(0, SHOWN).map(({ id, name, description }) => (
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
