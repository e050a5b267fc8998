// Goes on from a copy of a conversation: what should be tried there is asked first, since a copy without a message does
// nothing. The session that is copied stays as it is.
import { useState } from 'react';
import { useLocation } from 'wouter';
import { routes } from '@/app/routes';
import { Button, IconButton } from '@/components/controls/Button';
import { Dialog } from '@/components/dialog/Dialog';
import { useAct } from '@/sync/act';
import type { Conversation } from '@/sync/conversation';
import { useControls, usePending } from '@/sync/hooks';
import type { SessionRow } from '../../bindings/nox';
import s from './Composer.module.css';
import { FORK } from './text';

/** Only where the program goes on from copies. */
export function ForkButton({ conversation, onFork }: { conversation: Conversation; onFork: () => void }) {
  const forks = useControls(conversation)?.offers.forks;
  return forks ? <IconButton icon="branch" label={FORK.action} onClick={onFork} /> : null;
}

interface ForkProps {
  conversation: Conversation;
  row: SessionRow;
  opened: boolean;
  onClose: () => void;
}

export function Fork({ conversation, ...props }: ForkProps) {
  const forks = useControls(conversation)?.offers.forks;
  return forks ? <ForkDialog {...props} /> : null;
}

function ForkDialog({ row, opened, onClose }: { row: SessionRow; opened: boolean; onClose: () => void }) {
  const act = useAct();
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const about = `fork:${row.id}`;
  const pending = usePending(about);
  const empty = text.trim() === '';
  const go = async () => {
    if (empty || pending) return;
    const done = await act('forkSession', { session: row.id, text }, { about: [about] });
    if (!done) return;
    setText('');
    onClose();
    if (done.session) navigate(routes.session(done.session));
  };
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      title={FORK.title(row.title)}
      actions={
        <>
          <Button onClick={onClose}>{FORK.stay}</Button>
          <Button
            variant="primary"
            combo="Mod+Enter"
            showKey={!empty}
            pending={pending}
            disabled={empty}
            onClick={() => void go()}
          >
            {FORK.go}
          </Button>
        </>
      }
    >
      <p className={s.forkWhat}>{FORK.what(row.agent_name)}</p>
      <textarea
        className={s.text}
        data-autofocus
        aria-label={FORK.message}
        placeholder={FORK.message}
        rows={4}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || !(event.ctrlKey || event.metaKey)) return;
          event.preventDefault();
          void go();
        }}
      />
    </Dialog>
  );
}
