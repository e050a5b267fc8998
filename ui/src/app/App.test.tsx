import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, test } from 'vitest';
import type { Bridge } from '@/bridge/bridge';
import { fakeBridge, sampleNamed } from '@/bridge/fake/fake';
import { faultsOf } from '@/test/axe';
import { App } from './App';
import { navigate } from './location';

beforeEach(() => {
  window.location.hash = '#/agents';
});

const places = () => within(screen.getByRole('navigation', { name: 'Places' }));

describe('the window', () => {
  test('places are links by their word, and the one that is open says so', async () => {
    render(<App bridge={fakeBridge(sampleNamed('full'))} />);
    for (const word of ['Board', 'Sessions', 'Approvals', 'Agents', 'Settings']) {
      expect(places().getByRole('link', { name: word })).toBeTruthy();
    }
    expect(places().getByRole('link', { current: 'page' }).textContent).toBe('Agents');
    await userEvent.click(places().getByRole('link', { name: 'Settings' }));
    expect(window.location.hash).toBe('#/settings');
    expect(places().getByRole('link', { current: 'page' }).textContent).toBe('Settings');
    expect(document.activeElement?.closest('main, nav')).not.toBeNull();
  });

  test('keys go to places, to the palette and to the page of keys', async () => {
    const { baseElement } = render(<App bridge={fakeBridge(sampleNamed('full'))} />);
    await userEvent.keyboard('{Control>}6{/Control}');
    expect(window.location.hash).toBe('#/settings');
    await userEvent.keyboard('?');
    const keys = await screen.findByRole('dialog', { name: 'Keys' });
    expect(within(keys).getByText('Find anything')).toBeTruthy();
    expect(await faultsOf(keys)).toEqual([]);
    await userEvent.keyboard('{Escape}');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    await userEvent.keyboard('{Control>}k{/Control}');
    const palette = await screen.findByRole('dialog', { name: 'Command palette' });
    await userEvent.type(within(palette).getByRole('combobox'), 'go to agents{Enter}');
    expect(window.location.hash).toBe('#/agents');
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull());
    expect(await faultsOf(baseElement.querySelector('nav') ?? baseElement)).toEqual([]);
  });

  test('N goes to the oldest open request, then to the next', async () => {
    render(<App bridge={fakeBridge(sampleNamed('full'))} />);
    await places().findByText('2');
    await userEvent.keyboard('n');
    const first = window.location.hash;
    expect(first).toMatch(/^#\/approvals\/./);
    await userEvent.keyboard('n');
    expect(window.location.hash).not.toBe(first);
  });

  test('an unknown address leads to the board', async () => {
    window.location.hash = '#/nowhere';
    render(<App bridge={fakeBridge(sampleNamed('full'))} />);
    await waitFor(() => expect(window.location.hash).toBe('#/board'));
    act(() => navigate('/agents'));
  });

  test('without an engine it says so, and trying again brings the places', async () => {
    const working = fakeBridge(sampleNamed('full'));
    let broken = true;
    const bridge: Bridge = {
      ...working,
      firstLook: (input) => (broken ? Promise.reject(new Error('the channel is closed')) : working.firstLook(input)),
    };
    render(<App bridge={bridge} />);
    expect((await screen.findByRole('alert')).textContent).toContain('no connection to the engine');
    broken = false;
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    await waitFor(() => expect(screen.queryByRole('alert')).toBeNull());
  });
});
