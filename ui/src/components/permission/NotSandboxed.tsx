// The badge that every session and request wears until there is a sandbox.
import { Tooltip } from '@mantine/core';
import { Icon } from '../icons/icons';
import { NOT_SANDBOXED, NOT_SANDBOXED_HINT } from '../words';
import s from './Permission.module.css';

export function NotSandboxed() {
  return (
    <Tooltip label={NOT_SANDBOXED_HINT} multiline>
      <span className={s.badge}>
        <Icon name="shield" size="sm" />
        {NOT_SANDBOXED}
      </span>
    </Tooltip>
  );
}
