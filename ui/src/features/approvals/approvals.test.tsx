import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { GUARD_MS } from '@/components/permission/useGuard';
import { faultsOf } from '@/test/axe';

beforeEach(() => {
  forgetToasts();
});

async function open(bridge: FakeBridge, hash = '#/approvals') {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'Approvals', level: 1 });
  return userEvent.setup();
}

const inbox = () => screen.getByRole('navigation', { name: 'Approvals' });
const card = (agent: string) => screen.findByRole('region', { name: `${agent} wants to run a command` });
const settle = () => act(() => new Promise((resolve) => setTimeout(resolve, GUARD_MS + 50)));

describe('the inbox', () => {
  it('has the oldest first and shows it in full', async () => {
    await open(fakeBridge('full'));
    const rows = within(inbox()).getAllByRole('link');
    expect(rows.map((row) => row.querySelector('code')?.textContent)).toEqual([
      'rm -r flags/checkout_v1 flags/checkout_v2 && npm test',
      'git push origin v1.8.2',
    ]);
    await card('Refactor');
    screen.getByText('2 waiting, oldest first');
  });

  it('walks with J and K, goes into the card with Enter, and answers by key', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await card('Refactor');
    await user.keyboard('j');
    const shown = await card('Release');
    // The selection moved; the card did not take the focus, and so its keys do nothing.
    await waitFor(() => expect(document.activeElement).toBe(within(inbox()).getAllByRole('link')[1]));
    await settle();
    await user.keyboard('a');
    expect(bridge.sent).toEqual([]);
    await user.keyboard('{Enter}');
    await waitFor(() => expect(document.activeElement).toBe(shown));
    await user.keyboard('a');
    await waitFor(() =>
      expect(bridge.sent).toMatchObject([{ name: 'answerRequest', input: { decision: 'allow_once' } }]),
    );
  });

  it('goes on to the next request after an answer, with the focus on its row and not on its buttons', async () => {
    const bridge = fakeBridge('full', { stepMs: 10_000 });
    const user = await open(bridge);
    const first = await card('Refactor');
    await settle();
    act(() => first.focus());
    await user.keyboard('d');
    await card('Release');
    await waitFor(() => expect(document.activeElement).toBe(within(inbox()).getAllByRole('link')[0]));
    await user.keyboard('d');
    expect(bridge.sent).toHaveLength(1);
    const answered = within(inbox()).getByRole('region', { name: 'Answered' });
    within(answered).getByTitle('Denied');
  });

  it('gives a request that came into sight half a second before it takes an answer', async () => {
    const bridge = fakeBridge('full', { stepMs: 10_000 });
    const user = await open(bridge);
    await card('Refactor');
    await user.click(screen.getByRole('button', { name: 'Allow once' }));
    expect(bridge.sent).toEqual([]);
    await settle();
    await user.click(screen.getByRole('button', { name: 'Allow once' }));
    expect(bridge.sent).toHaveLength(1);
  });

  it('keeps a request open when its answer was refused', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await card('Refactor');
    await settle();
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: null, field: null }));
    await user.click(screen.getByRole('button', { name: 'Deny' }));
    await within(screen.getByRole('region', { name: 'Messages' })).findByText('The disk is full.');
    await card('Refactor');
    screen.getByRole('button', { name: 'Allow once' });
  });

  it('writes the rule that was shown', async () => {
    const bridge = fakeBridge('full', { stepMs: 10_000 });
    const user = await open(bridge);
    await card('Refactor');
    await settle();
    await user.click(screen.getByRole('button', { name: 'Always allow' }));
    await screen.findByDisplayValue('Exactly the text above');
    const go = screen.getByRole('button', { name: 'Always allow with this rule' });
    await waitFor(() => expect(go).toHaveProperty('disabled', false));
    await user.click(go);
    await waitFor(() =>
      expect(bridge.sent.at(-1)).toMatchObject({
        name: 'answerRequest',
        input: {
          decision: 'allow_always',
          rule: { matcher: { exact: expect.stringContaining('rm -r') }, scope: { scope: 'agent', agent: 'refactor' } },
        },
      }),
    );
  });

  it('says so when nothing waits', async () => {
    await open(fakeBridge('empty'));
    screen.getByText('Nothing waits');
    expect(await faultsOf(document.body)).toEqual([]);
  });
});

describe('the rules', () => {
  it('are listed with what they say, and deleted', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/approvals/rules');
    const pane = screen.getByRole('region', { name: 'Rules' });
    await within(pane).findByText('git status');
    within(pane).getByText('Run commands: Looks only.');
    within(pane).getByText('/home/you/.local/share/nox/registry/policy.toml');
    await user.click(within(pane).getByRole('button', { name: 'Delete the rule status' }));
    expect(bridge.sent).toMatchObject([{ name: 'deleteRule', input: { rule: 'status' } }]);
    await within(screen.getByRole('region', { name: 'Messages' })).findByText('Deleted the rule “status”');
  });

  it('say where their file is wrong', async () => {
    const bridge = fakeBridge('full');
    const read = bridge.readPolicy;
    bridge.readPolicy = async (input) => ({
      ...(await read(input)),
      problem: {
        path: 'policy.toml',
        line: 7,
        column: 10,
        field: 'effect',
        code: 'unknown_value',
        message: 'There is no effect “alow”.',
        hint: 'Write allow, ask or deny.',
        excerpt: [{ number: 7, text: 'effect = "alow"' }],
      },
    });
    await open(bridge, '#/approvals/rules');
    const banner = await screen.findByRole('alert');
    expect(banner.textContent).toContain('policy.toml, line 7');
    expect(banner.textContent).toContain('Write allow, ask or deny.');
    expect(await faultsOf(document.body)).toEqual([]);
  });
});
