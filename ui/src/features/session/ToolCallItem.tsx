// A tool call: its head with how far it is, four lines of what it wrote, all of it when opened. While a person is asked
// its place is taken by the permission card; when its end was never seen, by the choice what should happen.
import { Button } from '@/components/controls/Button';
import { cx } from '@/components/cx';
import { Icon, type IconName } from '@/components/icons/icons';
import { ExactCommand } from '@/components/permission/ExactCommand';
import { type Answer, PermissionCard } from '@/components/permission/PermissionCard';
import { Fact } from '@/components/permission/PermissionFacts';
import { GivenAnswer, QuestionCard } from '@/components/permission/QuestionCard';
import { visibleText } from '@/components/permission/visible';
import { Age } from '@/components/status/Age';
import { formatDuration } from '@/components/status/age';
import { StatusText } from '@/components/status/StatusText';
import { Markdown } from '@/components/text/Markdown';
import { Diff } from '@/components/transcript/Diff';
import { callWords, DECISION_WORDS, firstLine, sizeText } from '@/components/words';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import type { Conversation } from '@/sync/conversation';
import { useDesktop } from '@/sync/desktop';
import { usePending, useRequest } from '@/sync/hooks';
import type { Item, ItemBody, RequestRow, SessionView, ToolKind, UnknownChoice } from '../../bindings/nox';
import { CallOutput } from './CallOutput';
import { ShownImages } from './ShownImages';
import s from './ToolCall.module.css';
import { CALL } from './text';
import { useUnfolded } from './unfolding';
import { useSessionActs } from './useSessionActs';

export type CallBody = Extract<ItemBody, { kind: 'tool_call' }>;

export interface ToolCallItemProps {
  conversation: Conversation;
  item: Item;
  body: CallBody;
  view: SessionView;
}

export function ToolCallItem(props: ToolCallItemProps) {
  const request = useRequest(props.body.request);
  const asks = props.body.status === 'waiting' && request?.state.state === 'open';
  return (
    <div className={s.place}>{asks ? <Asked row={request} title={props.body.call.title} /> : <Call {...props} />}</div>
  );
}

function Asked({ row, title }: { row: RequestRow; title: string }) {
  const act = useAct();
  const { bridge } = useNox();
  const { openExternal } = useDesktop();
  const pending = usePending(row.request.id);
  const { id, call } = row.request;
  const answer = ({ decision, reason, rule, answers }: Answer) =>
    void act('answerRequest', { request: id, decision, reason, rule, answers }, { about: [id] });
  if (call.questions?.length) {
    return <QuestionCard key={id} row={row} variant="inline" pending={pending} onAnswer={answer} />;
  }
  return (
    <PermissionCard
      key={id}
      onOpenLink={openExternal}
      row={row}
      variant="inline"
      pending={pending}
      onAnswer={answer}
      preview={(rule) => bridge.previewRule({ request: id, rule })}
      facts={title !== firstLine(call.text) && <Fact name={CALL.step}>{visibleText(title)}</Fact>}
    />
  );
}

const ICONS: Record<ToolKind, IconName> = {
  read: 'eye',
  edit: 'pencil',
  delete: 'trash',
  move: 'arrowRight',
  search: 'search',
  execute: 'terminal',
  think: 'activity',
  fetch: 'globe',
  other: 'cpu',
};

function Call({ conversation, item, body, view }: ToolCallItemProps) {
  const [open, toggle, unfolding] = useUnfolded(item.id);
  const acts = useSessionActs(view);
  const { openExternal } = useDesktop();
  const { call, status, end, started_at, ended_at, output } = body;
  const { sign, word } = callWords(status, end);
  const running = status === 'running';
  if (running) unfolding.worked(item.id);
  const state = view.row.state;
  const choice = status === 'unknown' && state.state === 'needs_choice' && state.item === item.id;
  const title = visibleText(firstLine(call.title || call.text));
  return (
    <div className={cx(s.call, choice && s.asksChoice)}>
      <div className={s.head}>
        <button type="button" className={s.toggle} aria-expanded={open} title={CALL.open} onClick={toggle}>
          <Icon name={open ? 'arrowDown' : 'arrowRight'} size="sm" />
          <Icon name={ICONS[call.kind]} size="sm" />
          {call.kind === 'execute' && (
            <span className={s.dollar} aria-hidden="true">
              $
            </span>
          )}
          <code className={s.title}>{title}</code>
        </button>
        {body.decision && body.decision !== 'deny' && (
          <span className={s.decision} title={body.reason ?? undefined}>
            {DECISION_WORDS[body.decision]}
          </span>
        )}
        <StatusText sign={sign} word={word} size="xs" />
        {running && started_at !== null && <Age at={started_at} className={s.age} />}
        {ended_at !== null && started_at !== null && (
          <span className={s.age}>{formatDuration(ended_at - started_at)}</span>
        )}
        {running && acts.canStop && (
          <Button size="sm" icon="stop" pending={acts.pending} onClick={acts.stop}>
            {CALL.stop}
          </Button>
        )}
      </div>
      {body.reason && body.decision === 'deny' && <p className={s.line}>{CALL.reason(body.reason)}</p>}
      {end?.outcome === 'denied' && end.reason && end.reason !== body.reason && (
        <p className={s.line}>{CALL.reason(end.reason)}</p>
      )}
      {end?.outcome === 'failed' && end.problem && <p className={s.line}>{end.problem}</p>}
      {call.questions?.map((question) => (
        <div key={question.id} className={s.line}>
          <GivenAnswer question={question} given={body.answers?.[question.id ?? '']} />
        </div>
      ))}
      {open && call.prose && (
        <div className={s.full}>
          <Markdown text={call.text} onOpenLink={openExternal} />
        </div>
      )}
      {open && !call.prose && (
        <div className={s.full}>
          <ExactCommand text={call.text} prompt={call.kind === 'execute' ? '$' : undefined} />
          <p className={s.folder}>
            {CALL.folder} <code>{visibleText(call.folder)}</code>
            {end?.outcome === 'failed' && end.exit_code !== null && <span>{CALL.exit(end.exit_code)}</span>}
            {end?.outcome === 'succeeded' && <span>{CALL.exit(0)}</span>}
          </p>
        </div>
      )}
      {call.diff && <Diff diff={call.diff} folder={call.folder} />}
      {/* What answers a question stands beneath it already. */}
      {(open || !call.questions?.length) && (
        <CallOutput
          conversation={conversation}
          item={item.id}
          title={title}
          running={running}
          open={open}
          steady={unfolding.hasWorked(item.id)}
          digest={output}
        />
      )}
      <ShownImages session={item.session} item={item.id} images={body.images} className={s.images} />
      {output?.cut_off && <p className={s.line}>{CALL.cutOff}</p>}
      {output && output.kept_bytes < output.size_bytes && (
        <p className={s.line}>{CALL.kept(sizeText(output.kept_bytes), sizeText(output.size_bytes))}</p>
      )}
      {choice && <Choice session={view.row.id} item={item.id} />}
    </div>
  );
}

const CHOICES: readonly (readonly [UnknownChoice, string])[] = [
  ['again', CALL.again],
  ['skip', CALL.skip],
  ['stop', CALL.stop],
];

function Choice({ session, item }: { session: string; item: string }) {
  const act = useAct();
  const pending = usePending(item);
  return (
    <div className={s.choice} role="group" aria-label={CALL.choices}>
      <p>{CALL.unknown}</p>
      <div className={s.choices}>
        {CHOICES.map(([choice, label]) => (
          <Button
            key={choice}
            variant={choice === 'stop' ? 'danger' : 'default'}
            className={choice === 'stop' ? s.far : undefined}
            pending={pending}
            onClick={() => void act('resolveUnknown', { session, item, choice }, { about: [item] })}
          >
            {label}
          </Button>
        ))}
      </div>
    </div>
  );
}
