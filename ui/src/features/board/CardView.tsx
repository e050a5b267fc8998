/**
 * What a card looks like, from its row alone: agent and priority, title, project and date, progress, now, the exact
 * request, what hangs on it, changed lines and cost. A line without content is not drawn.
 */
import { memo } from 'react';
import type { Attachment, Card, Lines } from '@/bindings/nox';
import { cx } from '@/components/cx';
import { Icon } from '@/components/icons/icons';
import { Monogram } from '@/components/identity/Monogram';
import { PriorityBars } from '@/components/identity/PriorityBars';
import { useClock } from '@/components/status/clock';
import { StatusText } from '@/components/status/StatusText';
import { costText, statusWords } from '@/components/words';
import s from './Card.module.css';
import { deadlineOf } from './format';
import { CARD } from './text';

export interface CardViewProps {
  card: Card;
  agentName: string | null;
  /** The only task that it waits for, if there is just one. */
  blockedBy?: string | undefined;
  /** The board shows one project: its name is on no card. */
  hideProject?: boolean | undefined;
}

export const CardView = memo(function CardView({ card, agentName, blockedBy, hideProject }: CardViewProps) {
  const { task, status, progress } = card;
  const { words } = status;
  const project = hideProject ? null : task.project;
  const quiet = words.code === 'backlog' || words.code === 'todo';
  return (
    <>
      <div className={s.who}>
        <Monogram name={agentName} size="sm" />
        <span className={s.cut}>{agentName ?? CARD.nobody}</span>
        <PriorityBars priority={task.priority} />
      </div>
      <h3 className={s.title} title={task.title}>
        {task.title}
      </h3>
      {(project || task.deadline || card.open_dependencies > 0) && (
        <div className={s.meta}>
          {project && (
            <span className={s.fact}>
              <Icon name="folder" size="sm" />
              <span className={s.cut}>{project}</span>
            </span>
          )}
          <Due card={card} />
        </div>
      )}
      {progress && progress.of > 0 && (
        <div className={s.progress}>
          <progress
            className={cx(s.bar, status.sign === 'running' && s.barRunning)}
            value={progress.done}
            max={progress.of}
            aria-label={CARD.steps(progress.done, progress.of)}
          />
          <span className={s.figures}>{CARD.steps(progress.done, progress.of)}</span>
        </div>
      )}
      {!quiet && (
        <StatusText
          sign={status.sign}
          word={words.code === 'blocked' && blockedBy ? CARD.blockedBy(blockedBy) : statusWords(words)}
          at={status.at}
          variant="line"
          size="xs"
        />
      )}
      {words.code === 'approval' && (
        <code className={s.ask} title={words.text}>
          {words.text}
        </code>
      )}
      {hasFoot(card) && (
        <div className={s.meta}>
          <Attached attachments={task.attachments} />
          {card.lines && <LinesChanged lines={card.lines} />}
          {card.cost_micro_usd !== null && (
            <span className={s.end} title={CARD.cost}>
              {costText(card.cost_micro_usd)}
            </span>
          )}
        </div>
      )}
    </>
  );
});

/** The nearer of deadline and dependency. */
function Due({ card }: { card: Card }) {
  const { deadline } = card.task;
  const settled = card.column === 'done';
  const text = useClock((now) => (deadline && !settled ? (deadlineOf(deadline, now)?.text ?? '') : ''));
  const late = useClock((now) => (deadline && !settled ? (deadlineOf(deadline, now)?.late ?? false) : false));
  if (card.open_dependencies > 0 && !late) {
    return (
      <span className={cx(s.fact, s.end)}>
        <Icon name="link" size="sm" />
        {CARD.waitsFor(card.open_dependencies)}
      </span>
    );
  }
  if (!text) return null;
  return (
    <span className={cx(s.fact, s.end, late && s.late)} title={deadline ?? undefined}>
      <Icon name="calendar" size="sm" />
      {text}
    </span>
  );
}

function nameOf(attachment: Attachment): string {
  if (attachment.kind === 'document') return attachment.name;
  if (attachment.kind === 'link') return attachment.url.replace(/^https?:\/\//, '');
  return attachment.path.split(/[\\/]/).filter(Boolean).at(-1) ?? attachment.path;
}

function Attached({ attachments }: { attachments: readonly Attachment[] }) {
  const [first] = attachments;
  if (!first) return null;
  const names = attachments.map(nameOf);
  return (
    <span className={s.fact} title={names.join('\n')}>
      <Icon name={first.kind === 'link' ? 'link' : 'document'} size="sm" />
      <span className={s.cut}>{attachments.length === 1 ? names[0] : CARD.files(attachments.length)}</span>
    </span>
  );
}

/** What edits of its session brought and took; said in words for those who do not see the colours. */
function LinesChanged({ lines }: { lines: Lines }) {
  const { added, removed } = lines;
  return (
    <span className={s.lines} role="img" aria-label={CARD.lines(added, removed)} title={CARD.lines(added, removed)}>
      <b className={s.added}>+{added}</b>
      <b className={s.removed}>−{removed}</b>
    </span>
  );
}

/** Whether its last line has anything to say. */
function hasFoot({ task, lines, cost_micro_usd }: Card): boolean {
  return task.attachments.length > 0 || Boolean(lines) || cost_micro_usd !== null;
}

/** Height that a card of this row has in a column of usual width, in pixels: what long columns are laid out by. */
export function estimateHeight(card: Card | undefined, hideProject: boolean): number {
  if (!card) return 100;
  const { task, status } = card;
  let height = 19 + 16 + 6 + (task.title.length > 26 ? 36 : 18);
  if ((task.project && !hideProject) || task.deadline || card.open_dependencies > 0) height += 22;
  if (card.progress && card.progress.of > 0) height += 22;
  if (status.words.code !== 'backlog' && status.words.code !== 'todo') height += 22;
  if (status.words.code === 'approval') height += 31;
  if (hasFoot(card)) height += 22;
  return height;
}
