import { screen, waitFor } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { expect, it } from 'vitest';
import { faultsOf } from '@/test/axe';
import { renderThemed } from '@/test/render';
import type { Question, RequestRow } from '../../bindings/nox';
import type { Answer } from './PermissionCard';
import { QuestionCard } from './QuestionCard';

const often: Question = { id: 'often', text: 'How often?', number: { whole: true, least: '1', most: '5' } };
const why: Question = { id: 'why', text: 'Why?', optional: true };

function draw(id: string, questions: Question[]) {
  const answers: Answer[] = [];
  const row: RequestRow = {
    request: {
      id,
      item: 'itm_1',
      call: {
        key: 'form 1',
        kind: 'other',
        title: 'A form',
        text: 'A form',
        shell: '',
        folder: '/home/you/src',
        environment: [],
        environment_hash: '',
        sandbox: 'none',
        timeout_seconds: null,
        continue_on_failure: false,
        questions,
      },
      hash: '',
      risk: 'low',
      risk_reason: 'other',
      why: { code: 'no_rule' },
      asked_at: Date.now(),
    },
    session: 'ses_1',
    task: null,
    agent: 'docs',
    agent_name: 'Docs',
    title: 'Work',
    state: { state: 'open' },
  };
  renderThemed(<QuestionCard row={row} variant="pane" pending={false} onAnswer={(given) => answers.push(given)} />);
  return answers;
}

it('says beside its field what a number has to be, and sends no other', async () => {
  const user = userEvent.setup();
  const answers = draw('req_number', [often]);
  const field = screen.getByRole('textbox', { name: 'How often?' });
  const send = screen.getByRole('button', { name: 'Send answer' });
  for (const wrong of ['3.5', '6', 'often', '0']) {
    await user.clear(field);
    await user.type(field, wrong);
    screen.getByRole('textbox', { name: 'How often?', description: 'Write a whole number from 1 to 5.' });
    expect(field.getAttribute('aria-invalid')).toBe('true');
    screen.getByText('1 answer does not fit');
    await user.click(send);
  }
  expect(await faultsOf(document.body)).toEqual([]);
  await user.clear(field);
  await user.type(field, '3');
  expect(field.getAttribute('aria-invalid')).not.toBe('true');
  await waitFor(async () => {
    await user.click(send);
    expect(answers).toHaveLength(1);
  });
  expect(answers[0]?.answers).toEqual({ often: ['3'] });
});

it('sends an answer while what may stay empty is empty', async () => {
  const user = userEvent.setup();
  const answers = draw('req_optional', [why]);
  screen.getByText('May stay empty');
  await waitFor(async () => {
    await user.click(screen.getByRole('button', { name: 'Send answer' }));
    expect(answers).toHaveLength(1);
  });
  expect(answers[0]?.answers).toEqual({ why: [] });
});
