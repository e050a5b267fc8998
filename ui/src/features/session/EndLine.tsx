// The last line of the conversation: how the session stands when nothing above says it.
import { Button } from '@/components/controls/Button';
import { StatusText } from '@/components/status/StatusText';
import { problemText, statusWords } from '@/components/words';
import type { SessionView } from '../../bindings/nox';
import s from './Conversation.module.css';
import { ACTS, STATE } from './text';
import { useSessionActs } from './useSessionActs';

/** Approvals, choices and running calls speak for themselves. */
const SILENT = new Set(['running', 'approval', 'unknown_outcome']);

/** Of a lost run the banner says what was seen. */
const PROBLEM_HERE = new Set(['closed', 'idle', 'hibernated']);

export function EndLine({ view }: { view: SessionView }) {
  const { row, status } = view;
  const acts = useSessionActs(view);
  const problem = PROBLEM_HERE.has(row.state.state) && 'problem' in row.state ? row.state.problem : null;
  return (
    <div className={s.end}>
      {!SILENT.has(status.words.code) && (
        <>
          <StatusText sign={status.sign} word={statusWords(status.words)} at={status.at} size="xs" />
          {problem && problem.code !== 'stopped' && <p className={s.problem}>{problemText(problem)}</p>}
          {acts.canAskAgain && (
            <Button size="sm" icon="refresh" pending={acts.pending} onClick={acts.goOn}>
              {STATE.askAgain}
            </Button>
          )}
          {acts.canContinue && row.state.state === 'closed' && (
            <Button size="sm" icon="play" pending={acts.pending} onClick={acts.goOn}>
              {ACTS.goOn}
            </Button>
          )}
        </>
      )}
    </div>
  );
}
