// The board with what other features put into it: the open task beside it, the form of a new one, banners of broken files.
import { BoardPlace } from '@/features/board/BoardPlace';
import { ProblemBanners } from '@/features/problems/ProblemBanners';
import { NewTask } from '@/features/task/NewTask';
import { TaskPane } from '@/features/task/TaskPane';

export function BoardPage() {
  return (
    <>
      <BoardPlace banners={<ProblemBanners />} details={<TaskPane />} />
      <NewTask />
    </>
  );
}
