// What was found on this computer in every state that a look has: under way, failed, done. The first page and Settings
// show it; what is found and what a click does they are given.
import type { Discovered } from '../../bindings/nox';
import { Button } from '../controls/Button';
import { Banner } from '../feedback/Banner';
import { Loading, SkeletonRows } from '../feedback/Skeleton';
import { Age } from '../status/Age';
import s from './Found.module.css';
import { FoundList, type FoundListProps } from './FoundList';
import { FOUND } from './text';

export interface FoundHereProps extends Omit<FoundListProps, 'found'> {
  found: Discovered | undefined;
  /** Why it could not be looked. */
  failed: string | undefined;
  looking: boolean;
  onAgain: () => void;
}

export function FoundHere({ found, failed, looking, onAgain, ...rest }: FoundHereProps) {
  const again = (
    <Button icon="refresh" pending={looking} onClick={onAgain}>
      {FOUND.again}
    </Button>
  );
  if (failed !== undefined) {
    return (
      <Banner tone="error" title={FOUND.failed} actions={again}>
        {failed}
      </Banner>
    );
  }
  if (!found) {
    return (
      <div className={s.looking}>
        <p>{FOUND.looking}</p>
        <Loading>
          <SkeletonRows count={2} />
        </Loading>
      </div>
    );
  }
  return (
    <div className={s.here}>
      <FoundList found={found} {...rest} />
      <div className={s.foot}>
        {again}
        <span>
          {FOUND.lookedAt} <Age at={found.at} />
        </span>
      </div>
    </div>
  );
}
