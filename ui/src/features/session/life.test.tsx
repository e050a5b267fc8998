import { screen, waitFor, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { NoxError } from '@/bridge/bridge';
import { fakeBridge } from '@/bridge/fake/fake';
import { faultsOf } from '@/test/axe';
import { inFreshWindow, open, pane, press, pressable } from '@/test/lives';

inFreshWindow();

describe('a paused session', () => {
  it('says so also while a request of it is open', async () => {
    const { bridge, id, user } = await open('Paused while it asks');
    pane().getByText('You paused it. Nothing new begins until you continue.');
    expect(pane().queryByRole('button', { name: 'Pause' })).toBeNull();
    await user.click(press('Continue'));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'continueSession', input: { session: id } });
  });

  it('says why, and goes on by button and by P', async () => {
    // It takes its time: it may not be through before it was paused again.
    const { bridge, id, user } = await open('Paused by hand', fakeBridge('lives', { stepMs: 60_000 }));
    pane().getByText('You paused it. Nothing new begins until you continue.');
    await user.click(press('Continue'));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'continueSession', input: { session: id } });
    // A key does what its button would: nothing before what was sent last is recorded.
    await pressable('Pause');
    await user.keyboard('p');
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'pauseSession', input: { session: id } });
    await screen.findByText('You paused it. Nothing new begins until you continue.');
    await pressable('Continue');
    await user.keyboard('p');
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'continueSession', input: { session: id } });
  });

  it('names the step that it still finishes', async () => {
    await open('Pausing after its step');
    pane().getByText('Pausing: still finishes “cargo test --workspace”');
    pane().getByText(/Everything was paused/);
  });
});

describe('a session that broke down', () => {
  it('counts down to its restart, says which it is, and can be stopped', async () => {
    const { bridge, id, user } = await open('Starts again soon');
    pane().getByText(/^Starts again in (239|240) s$/);
    pane().getByText(/This is restart 2 of 3 within five minutes/);
    await user.click(pane().getAllByRole('button', { name: 'Stop' }).at(-1) as HTMLElement);
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'stopSession', input: { session: id } });
  });

  it('says what was seen when it is lost, and leaves the choice', async () => {
    const { bridge, id, user } = await open('Lost after three restarts');
    pane().getByText('Its run was interrupted');
    pane().getByText(/^The connection to the agent ended: .*ended with signal 9\. Nox does not go on by itself/);
    await user.click(press('Continue'));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'continueSession', input: { session: id } });
  });

  it('tells its restarts and limits in the conversation', async () => {
    await open('Ended at a limit');
    await pane().findByText(/^Its run ended unexpectedly and was started again \(1 of 3\)/);
    pane().getByText('It was slowed down at a limit: processor 212 of 200% of a core. It goes on.');
    expect(pane().getAllByText(/It was ended at a limit: memory 518 of 512 MB/).length).toBe(2);
  });
});

describe('a silent session', () => {
  it('says since when and whether it computes, and can be waited for', async () => {
    const { bridge, id, user } = await open('Silent and computes');
    pane().getByText(/^Silent for 12 min/);
    pane().getByText(/It works on “make world”. Its processes still compute/);
    await user.click(press('Wait'));
    expect(bridge.sent.at(-1)).toMatchObject({ name: 'waitSession', input: { session: id } });
  });

  it('restarts only after it was said that its step is done again', async () => {
    const { bridge, id, user } = await open('Silent and computes');
    await user.click(press('Restart…'));
    const dialog = await screen.findByRole('dialog', { name: 'Restart, and do this step again?' });
    within(dialog).getByText(/“make world” is ended wherever it is, and is done again from its beginning/);
    expect(bridge.sent).toEqual([]);
    await user.click(within(dialog).getByRole('button', { name: 'Restart and do it again' }));
    expect(bridge.sent).toMatchObject([{ name: 'restartSession', input: { session: id } }]);
  });
});

describe('a session that is kept back', () => {
  it.each([
    ['Kept back by memory', /7,800 MB of the 8,192 MB/, 'Change this limit', '#/settings/sessions'],
    ['Kept back by its agent', /Backend works on 2 sessions/, 'Open Backend', '#/agents/backend'],
    [
      'Kept back after faults',
      /Backend failed 5 times in a row.* tried again in 1 min/,
      'Open Backend',
      '#/agents/backend',
    ],
  ])('%s says what does, and where that is set', async (title, text, link, address) => {
    await open(title);
    pane().getByText(text);
    expect(pane().getByRole('link', { name: link }).getAttribute('href')).toBe(address);
  });
});

describe('a session that takes messages', () => {
  it('is woken by one, sent with Ctrl+Enter', async () => {
    const { bridge, id, user } = await open('Asleep until a message');
    pane().getByText('Asleep, wakes with your next message.');
    const box = pane().getByRole('textbox', { name: 'Message to Docs' });
    await user.type(box, 'Go on.{Control>}{Enter}{/Control}');
    expect(bridge.sent).toMatchObject([{ name: 'promptSession', input: { session: id, text: 'Go on.' } }]);
    await waitFor(() => expect(box).toHaveProperty('value', ''));
    await pane().findByText('Heard: Go on.');
  });

  it('says how many wait while it works', async () => {
    const { bridge, user } = await open('Works, two messages wait');
    await pane().findByText('2 messages wait for their turn');
    await user.type(pane().getByRole('textbox', { name: 'Message to Docs' }), 'A third');
    await user.click(press('Queue'));
    await pane().findByText('3 messages wait for their turn');
    expect(bridge.sent).toHaveLength(1);
  });

  it('keeps what was refused, and what was not sent', async () => {
    const { bridge, user } = await open('Waits for a message');
    bridge.refuseNext(new NoxError({ code: 'conflict', message: 'Too many wait.', hint: null, field: null }));
    const box = pane().getByRole('textbox', { name: 'Message to Docs' });
    await user.type(box, 'Hold this{Control>}{Enter}{/Control}');
    await pane().findByText('Not sent. What you wrote is kept here.');
    expect(box).toHaveProperty('value', 'Hold this');
    await user.click(screen.getByRole('link', { name: /Paused by hand/ }));
    await screen.findByRole('heading', { name: 'Paused by hand', level: 1 });
    await user.click(screen.getByRole('link', { name: /Waits for a message/ }));
    expect(await pane().findByRole('textbox', { name: 'Message to Docs' })).toHaveProperty('value', 'Hold this');
  });
});

describe('a session that takes none', () => {
  it('says why', async () => {
    await open('Paused by hand');
    pane().getByText(/carries out the text of its task and takes no messages/);
    expect(pane().queryByRole('textbox')).toBeNull();
  });

  it('is only read when it was imported', async () => {
    await open('Read from an export');
    pane().getByText('Imported session');
    for (const name of ['Pause', 'Stop', 'Continue']) expect(pane().queryByRole('button', { name })).toBeNull();
  });
});

describe('deleting a session that is not over', () => {
  it('stops it, waits until it is over, deletes it; Undo brings it back', async () => {
    const { bridge, id, user } = await open('Silent and still');
    await user.click(screen.getByRole('button', { name: 'Stop and delete…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Stop and delete “Silent and still”?' });
    await user.click(within(dialog).getByRole('button', { name: 'Stop and delete' }));
    await waitFor(() => expect(bridge.sent.map(({ name }) => name)).toEqual(['stopSession', 'deleteSession']));
    await waitFor(() => expect(screen.queryByRole('link', { name: /Silent and still/ })).toBeNull());
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await screen.findByRole('link', { name: /Silent and still/ });
    expect(bridge.state.sessions.get(id)?.state).toMatchObject({ state: 'closed', how: 'stopped' });
  });
});

describe('for everybody', () => {
  it.each(['Silent and computes', 'Works, two messages wait'])('“%s” has no fault that axe finds', async (title) => {
    await open(title);
    await pane().findByRole('log');
    expect(await faultsOf(document.body)).toEqual([]);
  });
});
