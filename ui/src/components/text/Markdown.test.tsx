import { screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, test, vi } from 'vitest';
import { renderThemed } from '@/test/render';
import { closeFence, Markdown } from './Markdown';

describe('Markdown', () => {
  test('a link shows its whole target and asks before it opens', async () => {
    const open = vi.fn();
    renderThemed(<Markdown text="[bank](https://evil.example/bank)" onOpenLink={open} />);
    await userEvent.click(screen.getByRole('link', { name: 'bank' }));
    expect(open).not.toHaveBeenCalled();
    expect(screen.getByRole('dialog', { name: 'Open this link in the browser?' }).textContent).toContain(
      'https://evil.example/bank',
    );
    expect(document.activeElement?.textContent).toBe('Stay here');
    await userEvent.click(screen.getByRole('button', { name: 'Open link' }));
    expect(open).toHaveBeenCalledExactlyOnceWith('https://evil.example/bank');
  });

  test('HTML is text, pictures are not fetched, and scripts in links are no links', () => {
    const text = '<img src=x onerror=alert(1)> ![pixel](https://evil.example/p.png) [run](javascript:alert(1))';
    const { container } = renderThemed(<Markdown text={text} onOpenLink={vi.fn()} />);
    expect(container.querySelector('img, a, script')).toBeNull();
    expect(container.textContent).toContain('<img src=x onerror=alert(1)>');
    expect(container.textContent).toContain('Image: pixel');
  });

  test('an unfinished fence is closed while the text streams', () => {
    expect(closeFence('a\n```sh\nls')).toBe('a\n```sh\nls\n```');
    expect(closeFence('a\n```sh\nls\n```\nb')).toBe('a\n```sh\nls\n```\nb');
    expect(closeFence('````\n```\n')).toBe('````\n```\n````');
  });
});
