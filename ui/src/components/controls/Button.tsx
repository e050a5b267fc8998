// The window's buttons. Mantine's unstyled button gives the element; the look is ours, so that it costs no inline styles.
import { Tooltip, UnstyledButton } from '@mantine/core';
import { type ButtonHTMLAttributes, type ReactNode, type Ref, useState } from 'react';
import { ariaShortcut } from '../actions/combo';
import { cx } from '../cx';
import { Icon, type IconName } from '../icons/icons';
import s from './Button.module.css';
import { KeyHint } from './Key';

export type ButtonVariant = 'primary' | 'default' | 'quiet' | 'danger';

interface Common extends Omit<ButtonHTMLAttributes<HTMLButtonElement>, 'color'> {
  /** `primary` once per place; `quiet` has no edge; `danger` for what stops, denies or deletes. */
  variant?: ButtonVariant | undefined;
  size?: 'sm' | 'md' | 'lg' | undefined;
  /** The shortcut that does the same; it is told to screen readers. */
  combo?: string | undefined;
  ref?: Ref<HTMLButtonElement> | undefined;
}

export interface ButtonProps extends Common {
  icon?: IconName | undefined;
  iconRight?: IconName | undefined;
  /** Draws the shortcut as a key; only for the main actions of a place. */
  showKey?: boolean | undefined;
  /** Sent and not yet recorded: cannot be pressed again, keeps its width and its focus. */
  pending?: boolean | undefined;
  children: ReactNode;
}

export function Button({
  variant = 'default',
  size = 'md',
  icon,
  iconRight,
  combo,
  showKey = combo !== undefined,
  pending,
  className,
  children,
  onClick,
  ref,
  ...rest
}: ButtonProps) {
  return (
    <UnstyledButton
      ref={ref}
      className={cx(s.button, s[variant], s[size], pending && s.pending, className)}
      aria-keyshortcuts={combo && ariaShortcut(combo)}
      aria-disabled={pending || undefined}
      onClick={pending ? undefined : onClick}
      {...rest}
    >
      {icon && <Icon name={icon} size="sm" />}
      <span className={s.label}>{children}</span>
      {iconRight && <Icon name={iconRight} size="sm" />}
      {combo && showKey && <KeyHint combo={combo} onAccent={variant === 'primary'} />}
    </UnstyledButton>
  );
}

export interface IconButtonProps extends Common {
  icon: IconName;
  /** Its name, also shown as a tooltip. */
  label: string;
  pending?: boolean | undefined;
}

/** A button that is only a sign; its label is a tooltip and its name. */
export function IconButton({
  variant = 'quiet',
  size = 'md',
  icon,
  label,
  combo,
  pending,
  className,
  onClick,
  ref,
  ...rest
}: IconButtonProps) {
  // Who has pressed it knows its name: it would lie over the dialog that has opened.
  const [pressed, setPressed] = useState(false);
  return (
    <Tooltip label={label} disabled={pressed}>
      <UnstyledButton
        ref={ref}
        className={cx(s.button, s.square, s[variant], s[size], pending && s.pending, className)}
        aria-label={label}
        aria-keyshortcuts={combo && ariaShortcut(combo)}
        aria-disabled={pending || undefined}
        onClick={(event) => {
          setPressed(true);
          if (!pending) onClick?.(event);
        }}
        onPointerLeave={() => setPressed(false)}
        {...rest}
      >
        <Icon name={icon} size={size === 'lg' ? 'md' : 'sm'} />
      </UnstyledButton>
    </Tooltip>
  );
}
