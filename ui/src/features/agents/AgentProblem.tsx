// A file of an agent that is not understood: where, what to do, and that nothing is lost.
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { useDesktop } from '@/sync/desktop';
import { useEngine } from '@/sync/hooks';
import type { FileProblem } from '../../bindings/nox';
import { PROBLEM } from './text';

export function AgentProblem({ problem }: { problem: FileProblem }) {
  const engine = useEngine();
  const desktop = useDesktop();
  return (
    <Banner
      tone="error"
      title={problem.message}
      file={PROBLEM.line(problem.path, problem.line)}
      excerpt={{ lines: problem.excerpt, line: problem.line, column: problem.column }}
      actions={
        engine && (
          <Button onClick={() => desktop.openPath(`${engine.home}/registry/${problem.path}`)}>{PROBLEM.open}</Button>
        )
      }
    >
      {problem.hint} {PROBLEM.kept}
    </Banner>
  );
}
