// Programs and model servers that can carry an agent here.
import { FoundHere } from '@/components/discovery/FoundHere';
import { FOUND } from '@/components/discovery/text';
import { useAdding, useDiscovery } from '@/sync/discovery';
import s from './Settings.module.css';
import { PROGRAMS } from './text';

export function ProgramsSection() {
  const discovery = useDiscovery();
  const adding = useAdding(FOUND);
  return (
    <>
      <p className={s.intro}>{PROGRAMS.intro}</p>
      <FoundHere {...discovery} {...adding} />
    </>
  );
}
