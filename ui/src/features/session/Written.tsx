// What an agent says or thinks: while it is being written, from the item's output; when it is through, from its row.
import { Markdown } from '@/components/text/Markdown';
import t from '@/components/transcript/Transcript.module.css';
import { TRANSCRIPT } from '@/components/transcript/text';
import type { Conversation } from '@/sync/conversation';
import { useDesktop } from '@/sync/desktop';
import { useOutput } from '@/sync/hooks';
import type { ItemId } from '../../bindings/nox';

/** A thought, folded: it is the way to what is said, and nobody has to read it. */
export function Thought({ text }: { text: string }) {
  const { openExternal } = useDesktop();
  return (
    <details className={t.thought}>
      <summary>{TRANSCRIPT.thought}</summary>
      <Markdown text={text} onOpenLink={openExternal} />
    </details>
  );
}

export function Thinking() {
  return <p className={t.thought}>{TRANSCRIPT.thinking}…</p>;
}

/** The text of a message that is being written, as far as it came. */
export function Writing({ conversation, item }: { conversation: Conversation; item: ItemId }) {
  const { openExternal } = useDesktop();
  const { log } = useOutput(conversation, item);
  const text = log.lines.map((line) => line.text).join('\n');
  return <Markdown text={text} streaming onOpenLink={openExternal} />;
}
