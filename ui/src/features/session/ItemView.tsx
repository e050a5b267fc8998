// One entry of a conversation. Each draws again only when it changes itself.
import { memo, useState } from 'react';
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { Icon, type IconName } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { formatMoment, formatTime } from '@/components/status/age';
import { Markdown } from '@/components/text/Markdown';
import { Plan } from '@/components/transcript/Plan';
import { limitText, problemText } from '@/components/words';
import type { Conversation } from '@/sync/conversation';
import { useDesktop } from '@/sync/desktop';
import { useItem } from '@/sync/hooks';
import type { Image, Item, SessionView } from '../../bindings/nox';
import s from './Conversation.module.css';
import { ShownImages } from './ShownImages';
import { ToolCallItem } from './ToolCallItem';
import { CONVERSATION, LIVE } from './text';
import { Thinking, Thought, Writing } from './Written';

export interface ItemViewProps {
  conversation: Conversation;
  id: string;
  view: SessionView;
}

export const ItemView = memo(
  function ItemView({ conversation, id, view }: ItemViewProps) {
    const item = useItem(conversation, id);
    if (!item) return null;
    const { body } = item;
    switch (body.kind) {
      case 'prompt':
        return <Prompt item={item} text={body.text} images={body.images} />;
      case 'steered':
        return <Prompt item={item} text={body.text} said={LIVE.steered} />;
      case 'switched':
        return <Note icon="settings">{LIVE.switched(body.dial, body.name, body.via)}</Note>;
      case 'rate_limit':
        return (
          <Note icon="history">
            {problemText(body.problem)} {LIVE.limited(formatTime(body.until))}
          </Note>
        );
      case 'message':
        return <Message item={item} text={body.text} images={body.images} agent={view.row.agent_name} />;
      case 'thought':
        return <Thought text={body.text} />;
      case 'writing':
        return body.thought ? (
          <Thinking />
        ) : (
          <Speech item={item} agent={view.row.agent_name}>
            <Writing conversation={conversation} item={item.id} />
          </Speech>
        );
      case 'plan':
        return <Plan steps={body.steps} />;
      case 'note':
        return <Note icon="warning">{body.text}</Note>;
      case 'restart':
        return (
          <Note icon="refresh">
            {CONVERSATION.restart(body.number)}
            {body.problem && ` ${problemText(body.problem)}`}
          </Note>
        );
      case 'limit':
        return <Note icon="warning">{limitText(body.hit)}</Note>;
      case 'tool_call':
        return <ToolCallItem conversation={conversation} item={item} body={body} view={view} />;
    }
  },
  // Of the session an entry needs who speaks and whether it waits for a choice.
  (before, after) =>
    before.conversation === after.conversation &&
    before.id === after.id &&
    before.view.row.agent_name === after.view.row.agent_name &&
    before.view.row.state === after.view.row.state,
);

function Note({ icon, children }: { icon: IconName; children: React.ReactNode }) {
  return (
    <div className={s.note}>
      <Icon name={icon} size="sm" />
      <p data-selectable>{children}</p>
    </div>
  );
}

/** Longer ones are cut until they are opened. */
const LONG_LINES = 24;

interface PromptProps {
  item: Item;
  text: string;
  images?: readonly Image[] | undefined;
  said?: string;
}

function Prompt({ item, text, images = [], said }: PromptProps) {
  const { openExternal } = useDesktop();
  const [all, setAll] = useState(false);
  const lines = text.split('\n').length;
  const long = lines > LONG_LINES;
  return (
    <div className={s.said}>
      <span className={s.source} aria-hidden="true">
        <Icon name="document" size="sm" />
      </span>
      <div className={s.prompt} title={formatMoment(item.at)}>
        <p className={said ? s.saidNow : 'visually-hidden'}>{said ?? CONVERSATION.task}</p>
        <ShownImages session={item.session} item={item.id} images={images} className={s.shown} />
        {text.trim() !== '' && (
          <Markdown
            text={long && !all ? text.split('\n').slice(0, LONG_LINES).join('\n') : text}
            streaming={long && !all}
            onOpenLink={openExternal}
          />
        )}
        {long && (
          <Button className={s.more} size="sm" variant="quiet" aria-expanded={all} onClick={() => setAll(!all)}>
            {all ? CONVERSATION.showLess : CONVERSATION.showAll(lines)}
          </Button>
        )}
      </div>
    </div>
  );
}

function Message({ item, text, images = [], agent }: Omit<PromptProps, 'said'> & { agent: string }) {
  const { openExternal } = useDesktop();
  return (
    <Speech item={item} agent={agent}>
      {text && <Markdown text={text} onOpenLink={openExternal} />}
      <ShownImages session={item.session} item={item.id} images={images} />
    </Speech>
  );
}

function Speech({ item, agent, children }: { item: Item; agent: string; children: React.ReactNode }) {
  return (
    <div className={s.said}>
      <Monogram name={agent} />
      <div className={cx(s.message)}>
        <p className={s.who}>
          <b>{agent}</b>
          <time dateTime={new Date(item.at).toISOString()} title={formatMoment(item.at)}>
            {formatTime(item.at)}
          </time>
        </p>
        {children}
      </div>
    </div>
  );
}
