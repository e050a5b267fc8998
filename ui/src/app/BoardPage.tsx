// The board with what other features put into it: the open task beside it, the form of a new one, banners of broken files.
// The task's parts are loaded when they are first wanted, so that the board is there sooner.
import { lazy, Suspense, useRef } from 'react';
import { useViewParams } from '@/components/layout/viewParams';
import { BoardPlace } from '@/features/board/BoardPlace';
import { ProblemBanners } from '@/features/problems/ProblemBanners';
import { RecoveryBanner } from '@/features/recovery/RecoveryBanner';

const TaskPane = lazy(async () => ({ default: (await import('@/features/task/TaskPane')).TaskPane }));
const NewTask = lazy(async () => ({ default: (await import('@/features/task/NewTask')).NewTask }));

export function BoardPage() {
  const [params] = useViewParams();
  // Once there it stays, so that closing it can be seen.
  const wanted = useRef(false);
  wanted.current ||= params.has('create');
  return (
    <>
      <BoardPlace
        banners={
          <>
            <RecoveryBanner />
            <ProblemBanners />
          </>
        }
        details={params.has('task') && <Late of={TaskPane} />}
      />
      {wanted.current && <Late of={NewTask} />}
    </>
  );
}

function Late({ of: Part }: { of: React.ComponentType }) {
  return (
    <Suspense fallback={null}>
      <Part />
    </Suspense>
  );
}
