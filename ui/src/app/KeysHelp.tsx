// Every key that means something now, under the word of its place. Made from the registered actions, and so never wrong.
import { Fragment, useMemo } from 'react';
import { combosOf, useActionList } from '@/components/actions/registry';
import { KeyHint } from '@/components/controls/Key';
import { Dialog } from '@/components/dialog/Dialog';
import s from './KeysHelp.module.css';
import { APP, KEYS_HELP } from './text';

export function KeysHelp({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  const actions = useActionList();
  const groups = useMemo(() => {
    const byGroup = new Map<string, typeof actions>();
    for (const action of actions) {
      if (combosOf(action).length === 0) continue;
      byGroup.set(action.group, [...(byGroup.get(action.group) ?? []), action]);
    }
    // What is special to the place first, what holds everywhere last.
    return [...byGroup].sort(([a], [b]) => Number(a === APP.everywhere) - Number(b === APP.everywhere));
  }, [actions]);
  return (
    <Dialog opened={opened} onClose={onClose} title={KEYS_HELP.title} size="lg" closable>
      <div className={s.groups}>
        {groups.map(([group, list]) => (
          <section key={group} aria-label={group}>
            <h3 className={s.heading}>{group}</h3>
            <dl className={s.list}>
              {list.map((action) => (
                <Fragment key={action.id}>
                  <dt>{action.label}</dt>
                  <dd>
                    {combosOf(action).map((combo) => (
                      <KeyHint key={combo} combo={combo} spoken />
                    ))}
                  </dd>
                </Fragment>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Dialog>
  );
}
