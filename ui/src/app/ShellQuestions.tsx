// What the desktop around the page asks: to quit while runs are live, to stop everything, to open a link. And the places
// that its tray and notifications open.
import { useCallback, useEffect, useState } from 'react';
import { asNoxError, type ShellSays } from '@/bridge/bridge';
import { ConfirmDialog } from '@/components/dialog/ConfirmDialog';
import { DIALOG } from '@/components/dialog/text';
import { toast } from '@/components/feedback/toasts';
import { useAct } from '@/sync/act';
import { useNox } from '@/sync/context';
import { useNoxEvent } from '@/sync/hooks';
import { openPlace } from './openPlace';
import { SHELL } from './text';

type Question = Exclude<ShellSays, { say: 'open' }>;

export function ShellQuestions() {
  const { bridge } = useNox();
  const act = useAct();
  const [question, setQuestion] = useState<Question | null>(null);
  const hear = useCallback((says: ShellSays) => {
    if (says.say === 'open') openPlace(says.place);
    else setQuestion(says);
  }, []);
  useEffect(() => bridge.onShell(hear), [bridge, hear]);
  useNoxEvent(
    'quitAsked',
    useCallback(({ live }: { live: number }) => setQuestion({ say: 'ask_quit', live_runs: live }), []),
  );
  const quitAsked = question?.say === 'ask_quit';
  useEffect(() => {
    // Unless the page says so, the shell asks by a dialog of its own: a page that hangs must not keep anybody from leaving.
    if (quitAsked) void bridge.quitQuestionShown().catch((thrown) => console.error(thrown));
  }, [bridge, quitAsked]);

  const close = () => setQuestion(null);
  const failed = (thrown: unknown) => {
    const { message, hint } = asNoxError(thrown);
    toast({ text: message, detail: hint ?? undefined, sign: 'failed' });
  };
  const quit = (leaves: boolean) => {
    close();
    bridge.answerQuit(leaves).catch(failed);
  };
  const live = question && 'live_runs' in question ? question.live_runs : 0;
  return (
    <>
      <ConfirmDialog
        opened={quitAsked}
        question={SHELL.quit(live)}
        stay={SHELL.stay}
        go={SHELL.quitNow(live)}
        onStay={() => quit(false)}
        onGo={() => quit(true)}
      >
        <p>{SHELL.quitText}</p>
      </ConfirmDialog>
      <ConfirmDialog
        opened={question?.say === 'ask_stop_all'}
        question={SHELL.stopAll(live)}
        stay={SHELL.keep}
        go={SHELL.stopNow(live)}
        onStay={close}
        onGo={() => {
          close();
          void act('stopAll', {});
        }}
      >
        <p>{SHELL.stopText}</p>
      </ConfirmDialog>
      <ConfirmDialog
        opened={question?.say === 'ask_link'}
        question={DIALOG.openLink}
        stay={DIALOG.stay}
        go={DIALOG.open}
        tone="primary"
        onStay={close}
        onGo={() => {
          close();
          if (question?.say === 'ask_link') bridge.openExternal(question.url).catch(failed);
        }}
      >
        <p>{DIALOG.openLinkHint}</p>
        <code>{question?.say === 'ask_link' ? question.url : ''}</code>
      </ConfirmDialog>
    </>
  );
}
