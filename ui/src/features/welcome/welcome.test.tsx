import { render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { App } from '@/app/App';
import { nothingFound } from '@/bridge/fake/discovery';
import { type FakeBridge, fakeBridge, sample } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';

beforeEach(forgetToasts);
afterEach(() => void vi.restoreAllMocks());

async function open(bridge: FakeBridge, hash = '#/welcome', heading = 'Welcome to Nox') {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: heading });
  return userEvent.setup();
}

describe('what was found on this computer', () => {
  it('becomes an agent with one click, and says what to mind', async () => {
    const bridge = fakeBridge('first');
    const user = await open(bridge);
    await user.click(await screen.findByRole('button', { name: 'Add Claude Code' }));
    const opens = await screen.findByRole('link', { name: 'Open the agent Claude Code' });
    expect(opens.getAttribute('href')).toBe('#/agents/claude-code');
    expect(document.activeElement).toBe(opens);
    expect(bridge.sent).toMatchObject([{ name: 'createAgent', input: { name: 'Claude Code', runtime: 'claude' } }]);
    screen.getByText(/Nox was tested with version 0\.169/);
    screen.getByText(/Run “codex login” in a terminal/);
    expect(await faultsOf(document.body)).toEqual([]);
  });

  it('is looked for when the page stands on the screen, not before', async () => {
    const bridge = fakeBridge('first');
    const title = () => screen.queryByRole('heading', { name: 'Welcome to Nox' });
    let painted = 0;
    const real = window.requestAnimationFrame.bind(window);
    vi.spyOn(window, 'requestAnimationFrame').mockImplementation((callback) =>
      real((at) => {
        if (title()) painted += 1;
        callback(at);
      }),
    );
    const paintedBefore: number[] = [];
    const discover = bridge.discover;
    vi.spyOn(bridge, 'discover').mockImplementation((input) => {
      paintedBefore.push(painted);
      return discover(input);
    });
    await open(bridge);
    await screen.findByRole('button', { name: 'Add Claude Code' });
    expect(paintedBefore).toHaveLength(1);
    expect(paintedBefore[0]).toBeGreaterThanOrEqual(2);
  });

  it('asks which model of a server', async () => {
    const bridge = fakeBridge('first');
    const user = await open(bridge);
    await user.selectOptions(await screen.findByRole('combobox', { name: 'Model of Ollama' }), 'gemma3:12b');
    await user.click(screen.getByRole('button', { name: 'Add gemma3:12b' }));
    await screen.findByRole('link', { name: 'Open the agent gemma3:12b' });
    expect(bridge.sent[0]?.input).toMatchObject({
      runtime: 'llm',
      program: { provider: 'ollama', model: 'gemma3:12b', address: 'http://127.0.0.1:11434' },
    });
    // Another model of it is another agent.
    await user.selectOptions(screen.getByRole('combobox', { name: 'Model of Ollama' }), 'qwen3:8b');
    screen.getByRole('button', { name: 'Add qwen3:8b' });
  });

  it('may be nothing: then it says what can be installed', async () => {
    const state = sample('first');
    state.found = nothingFound(Date.now());
    await open(fakeBridge(state));
    await screen.findByText('No agent program and no model server was found here.');
    const missing = screen.getByRole('list', { name: 'Not here yet' });
    within(missing).getByText('npm install -g claude');
    expect(await faultsOf(document.body)).toEqual([]);
  });

  it('is looked for again when it could not be looked for', async () => {
    const state = sample('first');
    state.found = new Error('The disk is full.');
    const user = await open(fakeBridge(state));
    await screen.findByText('This computer could not be looked at');
    state.found = nothingFound(Date.now());
    await user.click(screen.getByRole('button', { name: 'Look again' }));
    await screen.findByText('No agent program and no model server was found here.');
  });

  it('stands in Settings too, where an agent that is there is known', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/settings/programs', 'Programs and models');
    const section = screen.getByRole('region', { name: 'Programs and models' });
    await user.click(await within(section).findByRole('button', { name: 'Add Codex' }));
    await waitFor(() => within(section).getByRole('link', { name: 'Open the agent Codex' }));
    expect(await faultsOf(section)).toEqual([]);
  });
});
