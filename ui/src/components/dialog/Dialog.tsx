// The frame of all dialogs: a title, what it is about, buttons at the lower right. Mantine's modal keeps the focus inside,
// gives it back and closes with Esc.
import { Modal } from '@mantine/core';
import { IconButton } from '../controls/Button';
import { cx } from '../cx';
import s from './Dialog.module.css';
import { DIALOG } from './text';
import { useFirstOpening } from './useFirstOpening';

export interface DialogProps {
  opened: boolean;
  onClose: () => void;
  title: string;
  children?: React.ReactNode;
  /** Buttons, the harmless one first. */
  actions?: React.ReactNode;
  /** `sm` for a question, `lg` for forms and lists, `wide` for what is looked at. */
  size?: keyof typeof SIZES | undefined;
  /** Draws a closing button; for dialogs without a question. */
  closable?: boolean | undefined;
}

const SIZES = { sm: 'var(--dialog)', lg: 'var(--palette)', wide: 'auto' };

export function Dialog({ opened, onClose, title, children, actions, size = 'sm', closable }: DialogProps) {
  const opening = useFirstOpening(opened);
  if (!opening.isThere) return null;
  return (
    <Modal.Root opened={opening.opened} onClose={onClose} size={SIZES[size]} centered>
      <Modal.Overlay />
      {/* While it fades, keys go to the window again: see isModalOpen. */}
      <Modal.Content data-closing={!opened || undefined}>
        <div className={s.content}>
          <div className={s.head}>
            <Modal.Title className={s.title}>{title}</Modal.Title>
            {closable && <IconButton icon="close" label={DIALOG.close} onClick={onClose} />}
          </div>
          {children && <div className={cx(s.body, size !== 'sm' && s.scroll)}>{children}</div>}
          {actions && <div className={s.actions}>{actions}</div>}
        </div>
      </Modal.Content>
    </Modal.Root>
  );
}
