// What a tool call wrote. Folded: its last four lines, in a box that is as high from the first line on as it will ever
// be. Opened: twenty lines that scroll. A call that ended before anybody looked shows what its closing event kept, so
// that a long conversation reads no output that nobody opens.
import { useMemo } from 'react';
import { Terminal, type TerminalLine, type TerminalSource } from '@/components/text/Terminal';
import type { Conversation } from '@/sync/conversation';
import { useOutput } from '@/sync/hooks';
import type { ItemId, OutputDigest } from '../../bindings/nox';
import s from './ToolCall.module.css';
import { CALL } from './text';

/** As `--terminal-lines` says. */
const FOLDED_LINES = 4;
const OPEN_LINES = 20;

export interface CallOutputProps {
  conversation: Conversation;
  item: ItemId;
  title: string;
  running: boolean;
  open: boolean;
  /** It was seen running: its box keeps the height that it had then. */
  steady: boolean;
  digest: OutputDigest | null;
}

export function CallOutput(props: CallOutputProps) {
  const { digest, running, open, steady } = props;
  if (running || open || steady) return <LiveOutput {...props} />;
  return digest && digest.size_bytes > 0 ? <KeptOutput title={props.title} digest={digest} /> : null;
}

function LiveOutput({ conversation, item, title, running, open, steady, digest }: CallOutputProps) {
  const { log, failed } = useOutput(conversation, item);
  const count = log.lines.length;
  const kept = digest !== null && digest.size_bytes > 0;
  if (failed) {
    return (
      <>
        <p className={s.line}>{CALL.outputFailed}</p>
        {kept && <KeptOutput title={title} digest={digest} />}
      </>
    );
  }
  // Until the spool has answered, and when it is gone, what the closing event kept stands there.
  if (count === 0 && kept) return <KeptOutput title={title} digest={digest} />;
  if (count === 0) return open && !running ? <p className={s.line}>{CALL.noOutput}</p> : null;
  const folded = steady || running ? FOLDED_LINES : Math.min(FOLDED_LINES, count);
  return (
    <div className={s.output} data-selectable>
      <Terminal
        source={log}
        label={CALL.output(title)}
        height={open ? Math.max(folded, Math.min(OPEN_LINES, count)) : folded}
        live={running}
      />
    </div>
  );
}

function KeptOutput({ title, digest }: { title: string; digest: OutputDigest }) {
  const source = useMemo(() => fixed(digest.tail || digest.head), [digest]);
  return (
    <div className={s.output} data-selectable>
      <Terminal source={source} label={CALL.output(title)} height={Math.min(FOLDED_LINES, source.lines.length)} />
    </div>
  );
}

function fixed(text: string): TerminalSource {
  const lines = text.replace(/\n$/, '').split('\n').slice(-FOLDED_LINES);
  return {
    lines: lines.map((line, number): TerminalLine => ({ number, text: line })),
    version: 0,
    subscribe: () => () => undefined,
  };
}
