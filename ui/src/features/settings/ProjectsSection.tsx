// The folders that agents may work in.
import { Button, IconButton } from '@/components/controls/Button';
import { toast } from '@/components/feedback/toasts';
import { Icon } from '@/components/icons/icons';
import { StatusText } from '@/components/status/StatusText';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useDesktop } from '@/sync/desktop';
import { useProjects } from '@/sync/hooks';
import s from './Settings.module.css';
import { PROJECTS } from './text';

export function ProjectsSection() {
  const { bridge } = useNox();
  const act = useAct();
  const desktop = useDesktop();
  const projects = useProjects();
  const add = async () => {
    const path = await bridge.pickFolder();
    const done = path ? await act('grantProject', { path }) : null;
    if (done?.project) {
      const undo = () => void act('undo', { command: done.command });
      toast({ text: PROJECTS.added(done.project), undo: done.undo ? undo : undefined });
    }
  };
  return (
    <>
      <p className={s.intro}>{PROJECTS.intro}</p>
      {projects.length === 0 && <p className={s.none}>{PROJECTS.none}</p>}
      {projects.length > 0 && (
        <ul className={s.rows}>
          {projects.map(({ id, path, present }) => (
            <li key={id} className={s.row}>
              <Icon name="folder" size="sm" />
              <span className={s.rowName}>{id}</span>
              <code className={s.path} title={path}>
                {path}
              </code>
              {!present && <StatusText sign="failed" word={PROJECTS.missing} size="xs" />}
              <IconButton
                icon="open"
                label={PROJECTS.open(id)}
                disabled={!present}
                onClick={() => desktop.openPath(path)}
              />
              <IconButton
                icon="close"
                label={PROJECTS.forget(id)}
                onClick={() => void act('forgetProject', { project: id }, { done: PROJECTS.forgotten(id) })}
              />
            </li>
          ))}
        </ul>
      )}
      <Button className={s.start} icon="plus" onClick={() => void add()}>
        {PROJECTS.add}
      </Button>
    </>
  );
}
