/**
 * Files of the registry that are not understood: which, in what line, what to do. The engine keeps the last good version
 * and does not touch the file; when it is right again, the banner goes by itself.
 */
import { useState } from 'react';
import type { FileProblem } from '@/bindings/nox';
import { asNoxError } from '@/bridge/bridge';
import { Button } from '@/components/controls/Button';
import { Banner } from '@/components/feedback/Banner';
import { toast } from '@/components/feedback/toasts';
import { useNox } from '@/sync/context';
import { useEngine, useProblems } from '@/sync/hooks';
import { PROBLEMS } from './text';

/** More would push away what the place is for; a button shows the rest. */
const FIRST = 1;

export interface ProblemBannersProps {
  /** Only files whose path begins so, such as `agents/`. */
  under?: string;
}

export function ProblemBanners({ under = '' }: ProblemBannersProps) {
  const problems = useProblems().filter((problem) => problem.path.startsWith(under));
  const [all, setAll] = useState(false);
  const shown = all ? problems : problems.slice(0, FIRST);
  const hidden = problems.length - shown.length;
  return (
    <>
      {shown.map((problem) => (
        <One key={problem.path} problem={problem} />
      ))}
      {hidden > 0 && (
        <Button variant="quiet" size="sm" onClick={() => setAll(true)}>
          {PROBLEMS.more(hidden)}
        </Button>
      )}
    </>
  );
}

/** The database's own banner has no line and is no file to edit. */
const DATABASE = 'nox.db';

function One({ problem }: { problem: FileProblem }) {
  const { bridge } = useNox();
  const home = useEngine()?.home ?? '';
  const file = absolute(home, problem.path);
  const show = (act: Promise<void>) => {
    act.catch((thrown) => {
      const { message, hint } = asNoxError(thrown);
      toast({ text: message, detail: hint ?? file, sign: 'failed' });
    });
  };
  if (problem.path === DATABASE) {
    return (
      <Banner tone="error" title={PROBLEMS.database}>
        <p>
          {sentence(problem.message)} {problem.hint}
        </p>
      </Banner>
    );
  }
  return (
    <Banner
      tone="error"
      title={PROBLEMS.title(whatOf(problem.path), problem.line)}
      file={`registry/${problem.path}`}
      excerpt={
        problem.excerpt.length > 0 ? { lines: problem.excerpt, line: problem.line, column: problem.column } : undefined
      }
      actions={
        <>
          <Button icon="open" onClick={() => show(bridge.openPath(file))}>
            {PROBLEMS.open}
          </Button>
          <Button variant="quiet" onClick={() => show(bridge.revealPath(file))}>
            {PROBLEMS.reveal}
          </Button>
        </>
      }
    >
      <p>
        {problem.message} {problem.hint}
      </p>
    </Banner>
  );
}

/** A path of the registry on this machine, with the separator that its home is written with. */
function absolute(home: string, path: string): string {
  const separator = home.includes('\\') ? '\\' : '/';
  return [home, 'registry', ...path.split('/')].join(separator);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function whatOf(path: string): string {
  if (path.startsWith('tasks/')) return PROBLEMS.task;
  if (path.startsWith('agents/')) return PROBLEMS.agent;
  if (path.startsWith('policy')) return PROBLEMS.policy;
  return PROBLEMS.other;
}
