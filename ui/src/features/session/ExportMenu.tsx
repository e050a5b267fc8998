// The button that exports a session, with the two forms and what is in each.
import { Menu } from '@mantine/core';
import { Button } from '@/components/controls/Button';
import type { ExportFormat } from '../../bindings/nox';
import s from './Session.module.css';
import { EXPORT } from './text';
import type { Export } from './transfer';

const FORMS = Object.entries(EXPORT.forms) as [ExportFormat, { label: string; hint: string }][];

export function ExportMenu({ given }: { given: Export }) {
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button icon="upload" iconRight="arrowDown" pending={given.pending}>
          {EXPORT.button}
        </Button>
      </Menu.Target>
      <Menu.Dropdown aria-label={EXPORT.choose}>
        {FORMS.map(([format, { label, hint }]) => (
          <Menu.Item key={format} onClick={() => given.run(format)}>
            {label}
            <span className={s.form}>{hint}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
