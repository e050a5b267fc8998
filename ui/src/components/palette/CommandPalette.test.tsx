import { screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, test, vi } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import { registerActions, registerEntries } from '../actions/registry';
import { CommandPalette } from './CommandPalette';

function setUp() {
  const stop = vi.fn();
  const open = vi.fn();
  const ends = [
    registerActions([
      { id: 'stop', label: 'Stop all…', group: 'Everywhere', run: stop },
      { id: 'off', label: 'Stop the moon', group: 'Everywhere', enabled: () => false, run: stop },
      { id: 'walk', label: 'Stop walking', group: 'Board', keysOnly: true, run: stop },
    ]),
    registerEntries(() => [{ id: 't1', label: 'Publish 1.8.2', hint: 'Task', run: open }]),
  ];
  const onClose = vi.fn();
  const { baseElement } = renderThemed(<CommandPalette opened onClose={onClose} />);
  return { stop, open, onClose, baseElement, end: () => ends.map((end) => end()) };
}

describe('Command palette', () => {
  test('finds actions that can be done now, and runs the chosen one', async () => {
    const { stop, onClose, end } = setUp();
    const dialog = screen.getByRole('dialog', { name: 'Command palette' });
    await userEvent.type(within(dialog).getByRole('combobox'), 'stop');
    expect(
      within(dialog)
        .getAllByRole('option')
        .map((option) => option.textContent),
    ).toEqual(['Stop all…']);
    await userEvent.keyboard('{Enter}');
    expect(stop).toHaveBeenCalledOnce();
    expect(onClose).toHaveBeenCalledOnce();
    end();
  });

  test('the arrows walk, the input keeps the focus', async () => {
    const { open, end } = setUp();
    const input = screen.getByRole('combobox');
    await userEvent.click(input);
    await userEvent.keyboard('{ArrowDown}');
    const chosen = screen.getByRole('option', { selected: true });
    expect(chosen.textContent).toContain('Publish 1.8.2');
    expect(input.getAttribute('aria-activedescendant')).toBe(chosen.id);
    expect(document.activeElement).toBe(input);
    await userEvent.keyboard('{Enter}');
    expect(open).toHaveBeenCalledOnce();
    end();
  });

  test('has no faults that keep people out', async () => {
    const { baseElement, end } = setUp();
    expect(await faultsOf(baseElement)).toEqual([]);
    end();
  });
});
