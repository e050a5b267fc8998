// A choice that cannot be undone at once. The title is the question, the buttons are its answers; the focus starts on the
// harmless one, and Esc is the harmless one. Everything else happens at once and offers Undo in a toast.
import { useState } from 'react';
import { Button } from '../controls/Button';
import { Dialog } from './Dialog';

export interface ConfirmDialogProps {
  opened: boolean;
  /** The question: “Stop all 4 running sessions?” */
  question: string;
  /** What is kept and what is lost. */
  children?: React.ReactNode;
  /** The harmless answer: “Keep running”. */
  stay: string;
  /** The other answer: “Stop 4 sessions”. */
  go: string;
  tone?: 'danger' | 'primary' | undefined;
  onStay: () => void;
  /** May take its time; until then the button cannot be pressed again. It rejects: the dialog stays. */
  onGo: () => unknown;
}

export function ConfirmDialog(props: ConfirmDialogProps) {
  const { opened, question, children, stay, go, tone = 'danger', onStay, onGo } = props;
  const [pending, setPending] = useState(false);
  const answer = async () => {
    setPending(true);
    try {
      await onGo();
    } finally {
      setPending(false);
    }
  };
  return (
    <Dialog
      opened={opened}
      onClose={onStay}
      title={question}
      actions={
        <>
          <Button onClick={onStay} data-autofocus>
            {stay}
          </Button>
          <Button variant={tone} onClick={answer} pending={pending}>
            {go}
          </Button>
        </>
      }
    >
      {children}
    </Dialog>
  );
}
