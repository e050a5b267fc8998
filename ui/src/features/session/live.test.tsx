import { act, screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it, vi } from 'vitest';
import { NoxError } from '@/bridge/bridge';
import { faultsOf } from '@/test/axe';
import { inFreshWindow, open, pane, press } from '@/test/lives';

inFreshWindow();

describe('a session that works', () => {
  it('takes a message back and changes another, before their turn', async () => {
    const { bridge, id, user } = await open('Works, two messages wait');
    const list = within(await screen.findByRole('region', { name: 'Messages that wait' }));
    await user.click(list.getByRole('button', { name: 'Take back “And add a test for it.”' }));
    await list.findByText('1 message waits for its turn');
    // The focus goes on to what waits still, and comes back to it after a change.
    const change = list.getByRole('button', { name: /^Change/ });
    await waitFor(() => expect(document.activeElement).toBe(change));
    await user.click(change);
    await user.keyboard('{Escape}');
    expect(document.activeElement).toBe(list.getByRole('button', { name: /^Change/ }));
    await user.click(list.getByRole('button', { name: /^Change/ }));
    const box = list.getByRole('textbox', { name: 'The message that waits' });
    await user.clear(box);
    await user.type(box, 'Only the changelog.');
    await user.click(list.getByRole('button', { name: 'Save' }));
    await list.findByText('Only the changelog.');
    expect(bridge.state.controls.get(id)?.waiting.map((each) => each.text)).toEqual(['Only the changelog.']);
    expect(await faultsOf(document.body)).toEqual([]);
  });

  it('gives back a change that was not saved before its turn came', async () => {
    const { bridge, id, user } = await open('Works, two messages wait');
    const list = within(await screen.findByRole('region', { name: 'Messages that wait' }));
    const box = pane().getByRole('textbox', { name: 'Message to Docs' });
    await user.type(box, 'Later.');
    const [change] = list.getAllByRole('button', { name: /^Change/ });
    if (!change) throw new Error('nothing waits');
    await user.click(change);
    await user.clear(list.getByRole('textbox'));
    await user.type(list.getByRole('textbox'), 'Sooner.');
    const [turn] = bridge.state.controls.get(id)?.waiting ?? [];
    if (!turn) throw new Error('nothing waits');
    // Its turn comes: it waits no longer.
    await act(async () => void (await bridge.withdrawPrompt({ session: id, turn: turn.turn })));
    await pane().findByText('Its turn came before you saved your change. What you wrote is kept here.');
    expect(box).toHaveProperty('value', 'Sooner.\n\nLater.');
    expect(document.activeElement).toBe(box);
  });

  it('hears what is said now', async () => {
    const { bridge, user } = await open('Works, two messages wait');
    const box = await pane().findByRole('textbox', { name: 'Message to Docs' });
    await user.type(box, 'Mind the gap{Control>}{Shift>}{Enter}{/Shift}{/Control}');
    await pane().findByText('Said while it worked');
    expect(bridge.sent.map(({ name }) => name)).toEqual(['steerSession']);
  });

  it('puts a refused message in front of what was written meanwhile', async () => {
    const { bridge, user } = await open('Works, two messages wait');
    const box = await pane().findByRole('textbox', { name: 'Message to Docs' });
    let refuse: (why: NoxError) => void = () => undefined;
    const answer = new Promise<never>((_, reject) => {
      refuse = reject;
    });
    vi.spyOn(bridge, 'promptSession').mockReturnValueOnce(answer);
    await user.type(box, 'First{Control>}{Enter}{/Control}');
    expect(box).toHaveProperty('value', '');
    await user.type(box, 'Second');
    refuse(new NoxError({ code: 'disk', message: 'The disk is full.', hint: null, field: null }));
    await pane().findByText('Not sent. What you wrote is kept here.');
    expect(box).toHaveProperty('value', 'First\n\nSecond');
  });

  it('lists the commands of its program, by keys', async () => {
    const { user } = await open('Works, two messages wait');
    const box = await pane().findByRole('textbox', { name: 'Message to Docs' });
    await user.type(box, '/');
    const options = within(await screen.findByRole('listbox', { name: 'Commands of the agent' })).getAllByRole(
      'option',
    );
    expect(options.map((each) => each.textContent)).toEqual([
      '/reviewLooks at what changed',
      '/compactMakes the conversation shorter',
      '/clearBegins anew',
    ]);
    expect(box.getAttribute('aria-haspopup')).toBe('listbox');
    expect(await faultsOf(document.body)).toEqual([]);
    await user.keyboard('{ArrowDown}{Tab}');
    expect(box.getAttribute('aria-haspopup')).toBeNull();
    expect(box).toHaveProperty('value', '/compact ');
    expect(screen.queryByRole('listbox', { name: 'Commands of the agent' })).toBeNull();
    await user.clear(box);
  });

  it('changes its mode, and says so', async () => {
    const { user } = await open('Works, two messages wait');
    await user.click(await pane().findByRole('button', { name: 'Mode: Ask each time' }));
    const plan = await screen.findByRole('menuitem', { name: /Plan only/ });
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(plan);
    await pane().findByText('Mode changed to Plan only (window).');
    await pane().findByRole('button', { name: 'Mode: Plan only' });
  });

  it('finds any model of a long list by its words', async () => {
    const { bridge, user } = await open('Works, two messages wait');
    const session = [...bridge.state.sessions.values()].find(({ title }) => title === 'Works, two messages wait');
    const controls = bridge.state.controls.get(session?.id ?? '');
    if (!controls) throw new Error('nobody offers models');
    await pane().findByRole('button', { name: 'Model: Small' });
    const models = Array.from({ length: 300 }, (_, n) => ({ id: `maker/m-${n}`, name: `M ${n}`, description: '' }));
    const row = { ...controls, offers: { ...controls.offers, models, model: 'maker/m-7' } };
    act(() => bridge.push({ push: 'changed', seq: 1_000, command: null, rows: [{ kind: 'controls', row }] }));
    await user.click(await pane().findByRole('button', { name: 'Model: M 7' }));
    const search = await screen.findByRole('searchbox', { name: 'Search in models' });
    expect(screen.getAllByRole('menuitem').length).toBeLessThan(100);
    await user.type(search, 'maker 299');
    await screen.findByText('1 of 300');
    expect(screen.getAllByRole('menuitem').map((each) => each.textContent)).toEqual(['M 299']);
    const asked = vi.spyOn(bridge, 'setSessionModel');
    await user.keyboard('{ArrowDown}{Enter}');
    expect(asked.mock.calls[0]?.[0]).toMatchObject({ model: 'maker/m-299' });
  });

  it('is gone on with in a copy that leads back', async () => {
    const { bridge, user } = await open('Works, two messages wait');
    await user.click(await pane().findByRole('button', { name: 'Go on from a copy of this session…' }));
    await user.type(
      await screen.findByRole('textbox', { name: 'What should be done there?' }),
      'Try it without a cache.',
    );
    await user.click(screen.getByRole('button', { name: 'Fork' }));
    await screen.findByRole('heading', { name: 'Fork of Works, two messages wait', level: 1 });
    pane().getByRole('link', { name: 'Works, two messages wait' });
    expect(bridge.sent.map(({ name }) => name)).toEqual(['forkSession']);
  });
});

describe('a session that asks its person', () => {
  it('gets an answer to each question, and none by accident', async () => {
    const { bridge, user } = await open('Asks two questions');
    const card = within(await screen.findByRole('region', { name: 'Docs asks you' }));
    const send = card.getByRole('button', { name: 'Send answer' });
    await user.click(card.getByRole('radio', { name: 'SQLite in memory' }));
    card.getByText('1 question has no answer yet');
    await user.click(send);
    expect(bridge.sent).toEqual([]);
    await user.click(card.getByRole('checkbox', { name: 'The API' }));
    await user.click(card.getByRole('checkbox', { name: 'Imports' }));
    expect(await faultsOf(document.body)).toEqual([]);
    await waitFor(async () => {
      await user.click(send);
      expect(bridge.sent).toHaveLength(1);
    });
    expect(bridge.sent[0]?.input).toMatchObject({
      decision: 'allow_once',
      answers: {
        'Which database should the tests use?': ['SQLite in memory'],
        'Which parts should be covered?': ['Imports', 'The API'],
      },
    });
  });

  it('is told when it is skipped, and why', async () => {
    const { bridge, user } = await open('Asks two questions');
    const card = within(await screen.findByRole('region', { name: 'Docs asks you' }));
    await user.type(card.getByRole('textbox', { name: 'Why you skip it, sent to the agent' }), 'Decide yourself');
    await waitFor(async () => {
      await user.click(card.getByRole('button', { name: 'Skip' }));
      expect(bridge.sent).toHaveLength(1);
    });
    expect(bridge.sent[0]?.input).toMatchObject({ decision: 'deny', reason: 'Decide yourself' });
  });

  it('is skipped by Enter behind the reason, also when each answer is chosen', async () => {
    const { bridge, user } = await open('Asks two questions');
    const card = within(await screen.findByRole('region', { name: 'Docs asks you' }));
    await user.click(card.getByRole('radio', { name: 'SQLite in memory' }));
    await user.click(card.getByRole('checkbox', { name: 'Imports' }));
    await user.type(card.getByRole('textbox', { name: 'Why you skip it, sent to the agent' }), 'Not now');
    await waitFor(async () => {
      await user.keyboard('{Enter}');
      expect(bridge.sent).toHaveLength(1);
    });
    expect(bridge.sent[0]?.input).toMatchObject({ decision: 'deny', reason: 'Not now' });
  });

  it('keeps an answer half given while its person looks elsewhere', async () => {
    const { user } = await open('Asks two questions');
    const card = () => within(screen.getByRole('region', { name: 'Docs asks you' }));
    await screen.findByRole('region', { name: 'Docs asks you' });
    await user.click(card().getByRole('radio', { name: 'SQLite in memory' }));
    await user.type(card().getByRole('textbox', { name: 'Why you skip it, sent to the agent' }), 'Not');
    await user.click(screen.getByRole('link', { name: 'Settings' }));
    await waitFor(() => expect(screen.queryByRole('region', { name: 'Docs asks you' })).toBeNull());
    window.location.hash = '#/approvals';
    await user.click(await screen.findByRole('link', { name: /Asks two questions/ }));
    await screen.findByRole('region', { name: 'Docs asks you' });
    expect(card().getByRole('radio', { name: 'SQLite in memory' })).toHaveProperty('checked', true);
    expect(card().getByRole('textbox', { name: 'Why you skip it, sent to the agent' })).toHaveProperty('value', 'Not');
  });

  it('shows a plan as text to read', async () => {
    await open('Shows a plan');
    const card = within(await screen.findByRole('region', { name: 'Docs shows you its plan' }));
    card.getByRole('heading', { name: 'What I would do' });
    card.getByRole('button', { name: 'Allow once' });
    // Each plan is read by itself, and says nothing of a command.
    expect(card.queryByRole('button', { name: 'Allow for this session' })).toBeNull();
    expect(card.queryByRole('button', { name: 'Always allow' })).toBeNull();
    expect(card.queryByText('Risk')).toBeNull();
  });
});

describe('a session that met a limit', () => {
  it('says until when it waits, and goes on at once when somebody wants that', async () => {
    const { bridge, user } = await open('Waits for its model’s limit');
    await pane().findByText(/^Waits for its model’s limit until/);
    await user.click(press('Stop waiting'));
    await user.click(press('Go on now'));
    expect(bridge.sent.map(({ name }) => name)).toEqual(['interruptSession', 'continueSession']);
  });

  it('is asked the same again after a failure that passes', async () => {
    const { bridge, user } = await open('Failed, can be asked again');
    await user.click(await pane().findByRole('button', { name: 'Ask again' }));
    expect(bridge.sent.map(({ name }) => name)).toEqual(['continueSession']);
  });
});
