// A label beside or above a control, with a hint and an error that the control is described by.
import { cloneElement, type ReactElement, useId, useLayoutEffect } from 'react';
import { cx } from '../cx';
import { StatusSign } from '../status/StatusSign';
import s from './Field.module.css';

interface Described {
  id?: string | undefined;
  error?: unknown;
}

export interface FieldProps {
  label: string;
  /** One input, textarea or Mantine input; it gets its id and description here. */
  children: ReactElement<Described>;
  hint?: React.ReactNode;
  /** What is wrong and what to do; shown with its sign. */
  error?: string | undefined;
  /** `side` in panes of settings, `top` in narrow forms. */
  layout?: 'side' | 'top' | undefined;
}

export function Field({ label, children, hint, error, layout = 'side' }: FieldProps) {
  const id = useId();
  const note = `${id}-note`;
  const described = Boolean(hint || error);
  // Mantine's inputs draw the red edge by `error`; plain elements would warn about it.
  const control = cloneElement(children, {
    id,
    ...(typeof children.type === 'string' ? {} : { error: Boolean(error) }),
  });
  // Mantine's inputs put their own description over ours, and so ours is put on the element itself.
  useLayoutEffect(() => {
    const element = document.getElementById(id);
    if (described) element?.setAttribute('aria-describedby', note);
    else element?.removeAttribute('aria-describedby');
    if (error) element?.setAttribute('aria-invalid', 'true');
    else element?.removeAttribute('aria-invalid');
  }, [id, note, described, error]);
  return (
    <div className={cx(s.field, s[layout])}>
      <label className={s.label} htmlFor={id}>
        {label}
      </label>
      <div className={s.control}>
        {control}
        {(error || hint) && (
          <div id={note} className={cx(s.note, error && s.error)}>
            {error ? (
              <>
                <StatusSign sign="failed" size="sm" />
                <span>{error}</span>
              </>
            ) : (
              hint
            )}
          </div>
        )}
      </div>
    </div>
  );
}
