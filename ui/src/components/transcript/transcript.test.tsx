// Diffs, plans and usage as people and screen readers find them.
import { fireEvent, screen, within } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { renderThemed } from '@/test/render';
import type { FileDiff } from '../../bindings/nox';
import { costText } from '../words';
import { Diff } from './Diff';
import { Plan } from './Plan';
import { tokens, usageText } from './usage';

const file = (given: Partial<FileDiff> = {}): FileDiff => ({
  path: '/work/project/src/a.ts',
  text: '@@ -1,2 +1,2 @@\n-old\n+new\n same\n',
  added: 1,
  removed: 1,
  cut: false,
  ...given,
});

describe('a diff', () => {
  it('names the file from the folder on and shows each line with its sign', () => {
    renderThemed(<Diff diff={[file()]} folder="/work/project" />);
    const figure = screen.getByRole('figure', { name: 'Change of src/a.ts' });
    expect(figure.textContent).toContain('+1 −1');
    const lines = [...figure.querySelectorAll('pre > span')].map((line) => line.textContent);
    expect(lines).toEqual(['@@ -1,2 +1,2 @@\n', '-old\n', '+new\n', ' same\n']);
  });

  it('folds a long one, and says when it is not all there', () => {
    const text = Array.from({ length: 40 }, (_, n) => `+line ${n}`).join('\n');
    renderThemed(<Diff diff={[file({ text, added: 90, cut: true })]} folder="/elsewhere" />);
    const figure = screen.getByRole('figure', { name: 'Change of /work/project/src/a.ts' });
    expect(within(figure).queryByText('+line 39')).toBeNull();
    fireEvent.click(within(figure).getByRole('button', { name: 'Show all 40 lines' }));
    within(figure).getByText('+line 39');
    within(figure).getByText('The rest of this change is not shown.');
  });

  it('draws what cannot be seen as its code', () => {
    renderThemed(<Diff diff={[file({ text: '+a\u202eb\n' })]} folder="/work/project" />);
    expect(screen.getByRole('figure').textContent).not.toContain('\u202e');
  });
});

it('a plan tells each step with a word', () => {
  renderThemed(
    <Plan
      steps={[
        { text: 'Read', status: 'completed' },
        { text: 'Write', status: 'in_progress' },
        { text: 'Test', status: 'pending' },
      ]}
    />,
  );
  const plan = screen.getByRole('region', { name: 'Plan' });
  const words = within(plan).getAllByRole('listitem');
  expect(words.map((step) => step.textContent)).toEqual(['ReadDone', 'WriteBeing done', 'TestTo be done']);
});

it('a cost that nobody told is not one of nothing', () => {
  expect([costText(null), costText(0), costText(5_000), costText(1_250_000)]).toEqual([
    'not told',
    'no cost',
    'under $0.01',
    '$1.25',
  ]);
});

it('tokens are short', () => {
  expect([tokens(950), tokens(12_340), tokens(1_250_000)]).toEqual(['950', '12.3k', '1.3M']);
  const usage = { model: 'm', input_tokens: 950, cached_tokens: 12_340, output_tokens: 20, cost_micro_usd: 1 };
  expect(usageText(usage)).toBe('950 read, 12.3k from cache, 20 written');
});
