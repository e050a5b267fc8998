import { act, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import type { RequestRow, RuleDraft, RulePreview } from '../../bindings/nox';
import { type Answer, PermissionCard } from './PermissionCard';
import { prefixText, readPrefix } from './rule';
import { GUARD_MS } from './useGuard';
import { piecesOf, visibleText } from './visible';

function request(text: string, given: Partial<RequestRow> = {}): RequestRow {
  return {
    request: {
      id: 'req_1',
      item: 'itm_1',
      call: {
        key: 'block:1',
        kind: 'execute',
        title: 'Push',
        text,
        shell: 'bash',
        folder: '/home/you/src',
        environment: ['HOME', 'PATH'],
        environment_hash: '',
        sandbox: 'none',
        timeout_seconds: 90,
        continue_on_failure: false,
      },
      hash: '',
      risk: 'high',
      risk_reason: 'git',
      why: { code: 'no_rule' },
      asked_at: Date.now(),
    },
    session: 'ses_1',
    task: null,
    agent: 'release',
    agent_name: 'Release',
    title: 'Publish',
    state: { state: 'open' },
    ...given,
  };
}

function preview(words: string[], matched: RequestRow[] = []) {
  return vi.fn(
    async (rule: RuleDraft | null): Promise<RulePreview> => ({
      rule: rule ?? { matcher: { prefix: words }, scope: { scope: 'agent', agent: 'release' } },
      matches_request: true,
      matched,
      matched_count: matched.length,
      note: null,
    }),
  );
}

function draw(row: RequestRow, ask = preview(['git', 'push', 'origin'])) {
  const answers: Answer[] = [];
  renderThemed(
    <PermissionCard
      onOpenLink={() => undefined}
      row={row}
      variant="pane"
      pending={false}
      onAnswer={(answer) => answers.push(answer)}
      preview={ask}
    />,
  );
  return { answers, ask, card: screen.getByRole('region', { name: 'Release wants to run a command' }) };
}

beforeEach(() => {
  vi.useFakeTimers({ shouldAdvanceTime: true });
});

afterEach(() => {
  vi.useRealTimers();
});

const settle = () => act(() => vi.advanceTimersByTimeAsync(GUARD_MS));
const typing = () => userEvent.setup({ advanceTimers: vi.advanceTimersByTime });

describe('a permission request', () => {
  it('shows everything that would run, line by line, and what cannot be seen as its code', async () => {
    const text = 'cd /srv\ngit push origin \u202Eniam\nrm -rf build\n';
    const { card } = draw(request(text));
    const command = within(card).getByRole('group', { name: 'The exact command' });
    expect(command.querySelector('[data-command]')?.textContent).toBe(
      'cd /srv\ngit push origin ⟨U+202E⟩niam\nrm -rf build\n',
    );
    within(card).getByText(/characters that cannot be seen/);
    for (const fact of ['/home/you/src', 'bash', 'HOME PATH', '90 seconds', 'No rule covers this command', 'High']) {
      within(card).getByText(fact);
    }
    within(card).getByText('Not sandboxed');
    expect(await faultsOf(card)).toEqual([]);
  });

  it('takes no answer for half a second, then one', async () => {
    const { answers } = draw(request('git push'));
    const user = typing();
    const once = screen.getByRole('button', { name: 'Allow once' });
    await user.click(once);
    expect(answers).toEqual([]);
    await settle();
    await user.click(once);
    expect(answers).toEqual([{ decision: 'allow_once', reason: null, rule: null }]);
  });

  it('never takes the focus, and its keys work only while it has it', async () => {
    const { answers, card } = draw(request('git push'));
    await settle();
    const user = typing();
    expect(document.body).toBe(document.activeElement);
    await user.keyboard('asd');
    expect(answers).toEqual([]);
    act(() => card.focus());
    await user.keyboard('a');
    await user.keyboard('s');
    await user.keyboard('d');
    expect(answers.map(({ decision }) => decision)).toEqual(['allow_once', 'allow_session', 'deny']);
  });

  it('takes letters in its fields as text, and sends the reason with a refusal only', async () => {
    const { answers } = draw(request('git push'));
    await settle();
    const user = typing();
    await user.type(screen.getByRole('textbox', { name: 'Reason, sent to the agent' }), 'sad tests');
    expect(answers).toEqual([]);
    await user.click(screen.getByRole('button', { name: 'Allow once' }));
    await user.click(screen.getByRole('button', { name: 'Deny' }));
    expect(answers).toEqual([
      { decision: 'allow_once', reason: null, rule: null },
      { decision: 'deny', reason: 'sad tests', rule: null },
    ]);
  });

  it('keeps Deny last and apart from the others', () => {
    draw(request('git push'));
    const names = within(screen.getByRole('group', { name: 'Answer' }))
      .getAllByRole('button')
      .map((button) => button.textContent?.replace(/[ASD]$/, ''));
    expect(names).toEqual(['Allow once', 'Allow for this session', 'Always allow', 'Deny']);
  });

  it('says how it was answered, and takes no answer then', () => {
    const answered = { state: 'answered', decision: 'deny', via: 'window', reason: 'not now', at: 1 } as const;
    draw(request('git push', { state: answered }));
    screen.getByText('Denied');
    screen.getByText('“not now”');
    expect(screen.queryByRole('button', { name: 'Allow once' })).toBeNull();
  });
});

describe('always', () => {
  it('shows the rule first, and what it would have matched with what was denied', async () => {
    const denied = { state: 'answered', decision: 'deny', via: 'window', reason: 'not yet', at: 1 } as const;
    const past = request('git push origin v1', { state: denied });
    const { answers, ask } = draw(request('git push origin'), preview(['git', 'push', 'origin'], [past]));
    await settle();
    const user = typing();
    await user.click(screen.getByRole('button', { name: 'Always allow' }));
    expect(answers).toEqual([]);
    const rule = await screen.findByRole('textbox', { name: 'Rule' });
    await vi.waitFor(() => expect(rule).toHaveProperty('value', 'git push origin'));
    screen.getByText('1 past command');
    screen.getByText('0 allowed, 1 denied');
    screen.getByText('“not yet”');

    await user.type(rule, '{Backspace>7/}');
    await user.click(screen.getByRole('radio', { name: 'Every agent' }));
    await act(() => vi.advanceTimersByTimeAsync(300));
    const wanted = { matcher: { prefix: ['git', 'push'] }, scope: { scope: 'everyone' } };
    expect(ask).toHaveBeenLastCalledWith(wanted);
    await user.click(screen.getByRole('button', { name: 'Always allow with this rule' }));
    expect(answers).toEqual([{ decision: 'allow_always', reason: null, rule: wanted }]);
  });

  it('takes nothing but a beginning of the command as the rule', async () => {
    const { answers } = draw(request('git push origin'));
    await settle();
    const user = typing();
    await user.click(screen.getByRole('button', { name: 'Always allow' }));
    const rule = await screen.findByRole('textbox', { name: 'Rule' });
    await vi.waitFor(() => expect(rule).toHaveProperty('value', 'git push origin'));
    await user.type(rule, ' --force');
    screen.getByText(/Only whole words from the beginning/);
    await user.click(screen.getByRole('button', { name: 'Always allow with this rule' }));
    expect(answers).toEqual([]);
  });
});

describe('texts', () => {
  it('reads a rule back only as the first words that it was made of', () => {
    const all = ['git', 'commit', '-m', "it's done"];
    expect(prefixText(all)).toBe(`git commit -m 'it'\\''s done'`);
    expect(readPrefix('git commit', all)).toEqual(['git', 'commit']);
    expect(readPrefix(` ${prefixText(all)} `, all)).toEqual(all);
    expect(readPrefix('git com', all)).toBeNull();
    expect(readPrefix('', all)).toBeNull();
  });

  it('leaves ordinary text as it is', () => {
    expect(piecesOf('echo "grüße 日本"\n\tls')).toEqual([{ text: 'echo "grüße 日本"\n\tls', odd: false }]);
    expect(visibleText('a\u200Bb\u001B[0m\r')).toBe('a⟨U+200B⟩b⟨U+001B⟩[0m⟨U+000D⟩');
  });
});
