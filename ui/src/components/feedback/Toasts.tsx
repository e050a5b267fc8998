// Draws the messages; `toasts.ts` keeps them. Each counts its own eight seconds, except while one is pointed at or focused. A
// new one comes on top: those below stay where they are.
import { useEffect } from 'react';
import { Button, IconButton } from '../controls/Button';
import { cx } from '../cx';
import { StatusSign } from '../status/StatusSign';
import s from './Toasts.module.css';
import { FEEDBACK } from './text';
import { closeToast, holdToast, letGoOfToast, runUndo, type ShownToast, useToasts, useToastsHeld } from './toasts';

const LIFE_MS = 8000;

export function Toasts() {
  const toasts = useToasts();
  return (
    <section className={s.toasts} aria-label={FEEDBACK.toasts}>
      {toasts.toReversed().map((toast) => (
        <One key={toast.id} toast={toast} />
      ))}
    </section>
  );
}

function One({ toast }: { toast: ShownToast }) {
  const held = useToastsHeld();
  const stays = toast.sign === 'failed' || toast.sign === 'running';

  useEffect(() => {
    if (held || stays) return;
    const timer = setTimeout(() => closeToast(toast.id), LIFE_MS);
    return () => clearTimeout(timer);
  }, [held, stays, toast.id]);

  const { action, undo, detail } = toast;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: pointing at it only stops its clock; the keys get there by focus.
    <div
      className={cx(s.toast, toast.sign === 'failed' && s.failed)}
      onPointerEnter={() => holdToast('pointer', toast.id)}
      onPointerLeave={() => letGoOfToast('pointer', toast.id)}
      onFocus={() => holdToast('focus', toast.id)}
      onBlur={({ currentTarget, relatedTarget }) => {
        // From one of its buttons to the next is not away from it.
        if (!currentTarget.contains(relatedTarget)) letGoOfToast('focus', toast.id);
      }}
    >
      <StatusSign sign={toast.sign ?? 'done'} className={s.sign} />
      <div className={s.words}>
        <p className={s.text} title={toast.text}>
          {toast.text}
        </p>
        {detail && (
          <p className={s.detail} title={detail}>
            {detail}
          </p>
        )}
      </div>
      {undo && <Button onClick={() => runUndo(toast.id)}>{FEEDBACK.undo}</Button>}
      {action && (
        <Button
          onClick={() => {
            closeToast(toast.id);
            action.run();
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton icon="close" label={FEEDBACK.close} onClick={() => closeToast(toast.id)} />
    </div>
  );
}
