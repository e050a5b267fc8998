import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';
import { cpuText, holdsMeans, memoryText } from './text';
import { cpuBetween, sameProcess } from './useProcesses';

beforeEach(() => {
  forgetToasts();
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

async function open(bridge: FakeBridge) {
  window.location.hash = '#/processes';
  const { unmount } = render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'Processes', level: 1 });
  return Object.assign(userEvent.setup(), { unmount });
}

const table = () => screen.findByRole('table', { name: 'Processes that Nox owns' });

describe('the processes', () => {
  it('stand under their session, with figures, limits and Nox itself', async () => {
    const bridge = fakeBridge('full');
    const backend = bridge.state.agents.get('frontend');
    if (backend) backend.agent.limits = { max_memory_mb: 512, max_processes: 64 };
    await open(bridge);
    const rows = within(await table());
    rows.getByText('Frontend · 2 of 64 processes');
    rows.getByText(/ of 512 MB$/);
    expect(rows.getAllByText('cargo').length).toBeGreaterThan(0);
    rows.getByText('PID 4200');
    rows.getByText('Nox itself');
    rows.getByText('14 threads · 61 open files');
    screen.getByText('Memory: cgroup v2 · Processor: cgroup v2 · Processes: cgroup v2');
    const link = rows.getByRole('link', { name: 'Check the nightly backup' });
    expect(link.getAttribute('href')).toMatch(/^#\/sessions\/ses_/);
  });

  it('are measured again only while somebody looks', async () => {
    const bridge = fakeBridge('full');
    const asked = vi.spyOn(bridge, 'processes');
    const { unmount } = await open(bridge);
    await table();
    await waitFor(() => expect(asked.mock.calls.length).toBeGreaterThan(1));
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    act(() => void document.dispatchEvent(new Event('visibilitychange')));
    const hidden = asked.mock.calls.length;
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(asked.mock.calls.length).toBe(hidden);
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(false);
    act(() => void document.dispatchEvent(new Event('visibilitychange')));
    expect(asked.mock.calls.length).toBe(hidden + 1);
    await act(() => vi.advanceTimersByTimeAsync(4_100));
    expect(asked.mock.calls.length).toBeGreaterThanOrEqual(hidden + 2);
    unmount();
    const left = asked.mock.calls.length;
    await act(() => vi.advanceTimersByTimeAsync(10_000));
    expect(asked.mock.calls.length).toBe(left);
  });

  it('of a session are ended by Stop, after a question when there are several', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const rows = within(await table());
    await user.click(rows.getByRole('button', { name: 'Stop “Cut the cold start of the product list”' }));
    const dialog = await screen.findByRole('dialog', { name: /and its 2 processes\?$/ });
    expect(bridge.sent).toEqual([]);
    await user.click(within(dialog).getByRole('button', { name: 'Stop 2 processes' }));
    await user.click(rows.getByRole('button', { name: 'Stop “Retry with backoff for bank imports”' }));
    expect(bridge.sent.map(({ name }) => name)).toEqual(['stopSession', 'stopSession']);
  });

  it('of everything are paused and go on, and are stopped after a question', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.click(screen.getByRole('button', { name: 'Pause all' }));
    await user.click(await screen.findByRole('button', { name: 'Continue all' }));
    await waitFor(() => expect(screen.queryByRole('button', { name: 'Continue all' })).toBeNull());
    await user.click(screen.getByRole('button', { name: 'Stop all…' }));
    const dialog = await screen.findByRole('dialog', { name: 'Stop all 6 running sessions?' });
    await user.click(within(dialog).getByRole('button', { name: 'Stop 6 sessions' }));
    expect(bridge.sent.map(({ name }) => name)).toEqual(['pauseAll', 'continueAll', 'stopAll']);
  });

  it('say what this place is for when there are none', async () => {
    await open(fakeBridge('empty'));
    await screen.findByText('No session runs anything');
    screen.getByText('Nox itself');
    expect(screen.getByRole('button', { name: 'Pause all' })).toHaveProperty('disabled', true);
  });

  it('say why they cannot be measured, keep what was seen, and are measured again', async () => {
    const bridge = fakeBridge('full');
    const { processes } = bridge;
    bridge.processes = () =>
      Promise.reject(new NoxError({ code: 'internal', message: 'No /proc here.', hint: null, field: null }));
    const user = await open(bridge);
    await screen.findByText(/No \/proc here\./);
    bridge.processes = processes;
    await user.click(screen.getByRole('button', { name: 'Try again' }));
    await table();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('have no fault that axe finds', async () => {
    await open(fakeBridge('full'));
    await table();
    expect(await faultsOf(document.body)).toEqual([]);
  });
});

describe('figures', () => {
  it('of the processor are measured between two looks, and never below nothing', () => {
    expect(cpuBetween({ cpu_ms: 1500 }, 3000, { cpu_ms: 500 }, 1000)).toBe(50);
    expect(cpuBetween({ cpu_ms: 100 }, 3000, { cpu_ms: 500 }, 1000)).toBe(0);
    expect(cpuBetween({ cpu_ms: 100 }, 3000, undefined, undefined)).toBeNull();
    expect(cpuText(null)).toBe('–');
    expect(cpuText(86.6, 200)).toBe('87 of 200%');
  });

  it('belong to the same process, not to a later one with its number', () => {
    const old = { pid: 7, name: 'sh', memory_bytes: 0, cpu_ms: 0, started_at: 1 };
    expect(sameProcess([old], { ...old, cpu_ms: 5 })).toBe(old);
    expect(sameProcess([old], { ...old, started_at: 2 })).toBeUndefined();
  });

  it('of memory stand beside their limit', () => {
    expect(memoryText(412 * 1024 * 1024, 512)).toBe('412 of 512 MB');
    expect(memoryText(1.44 * 1024 * 1024, null)).toBe('1.4 MB');
  });

  it('say how far a limit can be trusted', () => {
    const all = (held: 'cgroup_v1' | 'watched' | 'nothing') => ({ memory: held, cpu: held, processes: held });
    expect(new Set([holdsMeans(all('cgroup_v1')), holdsMeans(all('watched')), holdsMeans(all('nothing'))]).size).toBe(
      3,
    );
  });
});
