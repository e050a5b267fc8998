// What the engine tells people becomes a message, and so goes to the live regions, too: requests and failures at once,
// finished work politely. Who looks at the thing already is only told, without a message over it.

import { useEffect } from 'react';
import type { RequestId, SessionId, Told } from '@/bindings/nox';
import { announce } from '@/components/feedback/announce';
import { toast } from '@/components/feedback/toasts';
import { firstLine } from '@/components/words';
import { useNoxEvent } from '@/sync/hooks';
import { navigate, useHashLocation } from './location';
import { openPlace } from './openPlace';
import { routes } from './routes';
import { TOLD } from './text';

export function useTold(): void {
  useNoxEvent('told', tell);
  useNoxEvent('open', openPlace);
  // Where a request is seen, its message says nothing more and would only lie over it.
  const here = useHashLocation();
  useEffect(() => {
    for (const [request, { session, close }] of asked) {
      if (!isSeen(here, session)) continue;
      close();
      asked.delete(request);
    }
  }, [here]);
}

/** Toasts of requests that are still open, so that an answer from elsewhere takes them away. */
const asked = new Map<RequestId, { session: SessionId; close: () => void }>();

/** Whether a session's requests are in sight at this address. */
function isSeen(here: string, session: SessionId): boolean {
  return here.startsWith(routes.approvals()) || here === routes.session(session);
}

function tell(told: Told): void {
  const { agent_name: agent, title, session, what } = told;
  const here = window.location.hash;
  const open = { label: TOLD.open, run: () => navigate(routes.session(session)) };
  if (what.what === 'settled') {
    asked.get(what.request)?.close();
    asked.delete(what.request);
  } else if (what.what === 'asked') {
    // Who looks at it already sees the request itself.
    if (isSeen(here.replace(/^#/, ''), session)) {
      announce((what.question ? TOLD.question : TOLD.asked)(agent, title, what.text), 'assertive');
      return;
    }
    const review = { label: TOLD.review, run: () => navigate(routes.approval(what.request)) };
    const close = toast({
      text: TOLD.asks(agent, firstLine(what.text)),
      detail: title,
      sign: 'needs_you',
      action: review,
    });
    asked.set(what.request, { session, close });
  } else if (what.what === 'waits') {
    if (here === `#${routes.session(session)}`) announce(TOLD.waits(agent, title, what.why), 'assertive');
    else toast({ text: TOLD.waits(agent, title, what.why), sign: 'needs_you', action: open });
  } else if (what.what === 'not_started') {
    toast({ text: TOLD.notStarted(title), detail: what.why, sign: 'blocked', action: open });
  } else if (what.how === 'failed') {
    toast({ text: TOLD.failed(agent, title, what.problem), sign: 'failed', action: open });
  } else if (here === `#${routes.session(session)}` || what.how === 'stopped') {
    announce(what.how === 'finished' ? TOLD.finished(agent, title) : TOLD.stopped(agent, title));
  } else {
    toast({ text: TOLD.finished(agent, title), sign: what.review ? 'review' : 'done', action: open });
  }
}
