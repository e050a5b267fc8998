// The place “Approvals”: one inbox for all agents, oldest first, the request in full beside it, and the rules.
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import { routes } from '@/app/routes';
import { useActions } from '@/components/actions/registry';
import { Button, IconButton } from '@/components/controls/Button';
import { KeyHint } from '@/components/controls/Key';
import { EmptyBox, EmptyState } from '@/components/feedback/EmptyState';
import { Icon } from '@/components/icons/icons';
import { Bar, BarSeparator } from '@/components/layout/Bar';
import { Pane, PaneBody, Panes } from '@/components/layout/Panes';
import { useRequest, useRequests } from '@/sync/hooks';
import { ApprovalDetail } from './ApprovalDetail';
import { ApprovalList } from './ApprovalList';
import s from './Approvals.module.css';
import { RulesPane } from './RulesPane';
import { APPROVALS } from './text';

/** Stands in the address where else a request's id would. */
const RULES_ID = 'rules';
/** The newest of the answered ones that are listed. */
const MOST_ANSWERED = 100;

/** Where the focus goes when this request is shown; only ever after somebody asked for it. */
interface Wish {
  request: string;
  to: 'row' | 'card';
}

export function ApprovalsPlace() {
  const { id } = useParams<{ id?: string }>();
  const [, navigate] = useLocation();
  const requests = useRequests();
  const { open, answered } = useMemo(() => {
    const settledAt = (row: (typeof requests)[number]) => (row.state.state === 'open' ? 0 : row.state.at);
    return {
      open: requests.filter((row) => row.state.state === 'open'),
      answered: requests
        .filter((row) => row.state.state !== 'open')
        .sort((a, b) => settledAt(b) - settledAt(a))
        .slice(0, MOST_ANSWERED),
    };
  }, [requests]);
  const ruling = id === RULES_ID;
  const shown = ruling ? undefined : (id ?? open[0]?.request.id);
  const row = useRequest(shown);

  const list = useRef<HTMLElement>(null);
  const card = useRef<HTMLElement>(null);
  const [wish, setWish] = useState<Wish | null>(null);
  useEffect(() => {
    if (!wish || wish.request !== shown) return;
    setWish(null);
    const rows = list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [];
    const link = [...rows].find((each) => each.dataset.row === shown);
    if (wish.to === 'row') link?.focus();
    else card.current?.focus();
  }, [wish, shown]);

  const goIntoCard = useCallback((request: string) => setWish({ request, to: 'card' }), []);

  const walk = (step: 1 | -1) => {
    const ids = [...open, ...answered].map((each) => each.request.id);
    const at = shown ? ids.indexOf(shown) : -1;
    const to = ids[at < 0 ? 0 : Math.max(0, Math.min(ids.length - 1, at + step))];
    if (!to) return;
    navigate(routes.approval(to));
    setWish({ request: to, to: 'row' });
  };
  const group = APPROVALS.title;
  useActions([
    { id: 'approvals.next', label: APPROVALS.next, group, combo: 'J', keysOnly: true, run: () => walk(1) },
    { id: 'approvals.before', label: APPROVALS.before, group, combo: 'K', keysOnly: true, run: () => walk(-1) },
    {
      id: 'approvals.rules',
      label: APPROVALS.showRules,
      group,
      icon: 'list',
      combo: 'R',
      run: () => navigate(routes.approval(RULES_ID)),
    },
  ]);

  /** After an answer the one that has waited longest after it is shown; the focus goes to its row, not to its buttons. */
  const goOn = (answeredId: string) => {
    const at = open.findIndex((each) => each.request.id === answeredId);
    const rest = open.filter((each) => each.request.id !== answeredId);
    const next = rest[Math.max(0, at)] ?? rest[0];
    if (next) {
      navigate(routes.approval(next.request.id));
      setWish({ request: next.request.id, to: 'row' });
    } else {
      navigate(routes.approvals());
    }
  };

  return (
    <>
      <Bar
        end={
          <>
            <span className={s.keys}>
              <KeyHint combo="J" />
              <KeyHint combo="K" />
              {APPROVALS.move}
            </span>
            <BarSeparator />
            <Button
              icon="list"
              aria-pressed={ruling}
              onClick={() => navigate(ruling ? routes.approvals() : routes.approval(RULES_ID))}
            >
              {APPROVALS.rules}
            </Button>
          </>
        }
      >
        {id && (
          <IconButton
            className={s.back}
            icon="arrowLeft"
            label={APPROVALS.back}
            onClick={() => navigate(routes.approvals())}
          />
        )}
        <h1 className={s.title}>{APPROVALS.title}</h1>
        <span className={s.note}>{APPROVALS.waiting(open.length)}</span>
      </Bar>
      <Panes>
        <Pane label={APPROVALS.list} kind="list" shown={!id} className={s.listPane}>
          <PaneBody>
            <ApprovalList ref={list} open={open} answered={answered} shown={shown} onKeyboardOpen={goIntoCard} />
          </PaneBody>
        </Pane>
        <Pane label={ruling ? APPROVALS.rules : APPROVALS.detail} kind="main" shown={Boolean(id)}>
          {ruling ? (
            <RulesPane />
          ) : row ? (
            <ApprovalDetail key={row.request.id} ref={card} row={row} onAnswered={goOn} />
          ) : (
            <EmptyState
              title={id ? APPROVALS.gone : APPROVALS.empty}
              actions={id && <Link href={routes.approvals()}>{APPROVALS.backToList}</Link>}
              picture={
                id ? undefined : (
                  <EmptyBox>
                    <Icon name="approvals" />
                  </EmptyBox>
                )
              }
            >
              {id ? APPROVALS.goneHint : APPROVALS.emptyHint}
            </EmptyState>
          )}
        </Pane>
      </Panes>
    </>
  );
}
