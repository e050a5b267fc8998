import { act, render, screen, waitFor, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { beforeEach, describe, expect, it } from 'vitest';
import { App } from '@/app/App';
import { NoxError } from '@/bridge/bridge';
import { type FakeBridge, fakeBridge } from '@/bridge/fake/fake';
import { forgetToasts } from '@/components/feedback/toasts';
import { faultsOf } from '@/test/axe';
import type { Program } from '../../bindings/nox';
import { draftOf, EMPTY, inputOf, keepDraft, patchOf, wrongIn } from './draft';
import { draftOfProgram, programOf, servicesOf } from './program';

beforeEach(() => {
  forgetToasts();
  for (const key of [' new', 'docs', 'backend']) keepDraft(key, null);
});

async function open(bridge: FakeBridge, hash = '#/agents/docs') {
  window.location.hash = hash;
  render(<App bridge={bridge} />);
  await screen.findByRole('heading', { name: 'Agents', level: 1 });
  return userEvent.setup();
}

const field = (name: string) => screen.findByRole('textbox', { name });
const button = (name: string) => screen.getByRole('button', { name });
const unfold = async (user: ReturnType<typeof userEvent.setup>, name: RegExp) =>
  user.click(await screen.findByRole('button', { name, expanded: false }));

describe('an agent', () => {
  it('is edited and saved: only what changed is sent', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const prompt = await field('Prompt');
    expect(button('Save')).toHaveProperty('disabled', true);
    await user.type(prompt, ' Always.');
    expect(screen.getAllByText('Not saved').length).toBeGreaterThan(0);
    await user.click(button('Save'));
    await waitFor(() => expect(button('Save')).toHaveProperty('disabled', true));
    expect(bridge.sent.map(({ input }) => input)).toEqual([
      { agent: 'docs', base: expect.any(String), patch: { prompt: '# Docs\n\nDo it well. Always.' } },
    ]);
    expect(prompt).toHaveProperty('value', '# Docs\n\nDo it well. Always.');
  });

  it('keeps what was written through an error and through leaving the place', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.type(await field('Description'), ' and more');
    bridge.refuseNext(
      new NoxError({ code: 'disk', message: 'The disk is full.', hint: 'Free 20 MB, then try again.', field: null }),
    );
    await user.keyboard('{Control>}s{/Control}');
    await screen.findByText('Not saved. What you wrote is kept here.');
    expect(await field('Description')).toHaveProperty('value', 'Docs work and more');

    await user.click(screen.getByRole('link', { name: 'Settings' }));
    await screen.findByRole('heading', { name: 'General' });
    await user.click(screen.getByRole('link', { name: 'Agents' }));
    await user.click(await screen.findByRole('link', { name: /Docs/ }));
    expect(await field('Description')).toHaveProperty('value', 'Docs work and more');
    await user.click(button('Discard'));
    expect(await field('Description')).toHaveProperty('value', 'Docs work');
  });

  it('says that its files were changed meanwhile, and loses neither text', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.type(await field('Name'), ' team');
    await act(async () => {
      await bridge.changeAgent({ agent: 'docs', patch: { description: 'Changed by hand' } });
    });
    await screen.findByText('The files of this agent were changed while you were writing here.');
    await user.click(button('Save'));
    await waitFor(() =>
      expect(bridge.state.agents.get('docs')?.agent).toMatchObject({
        name: 'Docs team',
        description: 'Changed by hand',
      }),
    );
  });

  it('overwrites nothing that it has not heard of yet', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.type(await field('Name'), ' team');
    const { docs } = Object.fromEntries(bridge.state.agents);
    if (!docs) throw new Error('there is an agent');
    const newer = { ...docs, version: 'newer', agent: { ...docs.agent, name: 'From elsewhere' } };
    bridge.state.agents.set('docs', newer);
    await user.click(button('Save'));
    await screen.findByText(/the agent From elsewhere was changed meanwhile/);
    expect(bridge.state.agents.get('docs')).toBe(newer);
    expect(await field('Name')).toHaveProperty('value', 'Docs team');
    await act(async () =>
      bridge.push({ push: 'changed', seq: 1000, command: null, rows: [{ kind: 'agent', row: newer }] }),
    );
    await user.click(button('Save'));
    await waitFor(() => expect(bridge.state.agents.get('docs')?.agent.name).toBe('Docs team'));
  });

  it('shows the error of the engine at its field', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    const name = await field('Name');
    await user.type(name, '!');
    bridge.refuseNext(new NoxError({ code: 'bad_input', message: 'Too odd a name.', hint: null, field: 'name' }));
    await user.click(button('Save'));
    await screen.findByText('Too odd a name.');
    expect(name.getAttribute('aria-invalid')).toBe('true');
  });

  it('is switched off at once, deleted, and comes back with Undo', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await user.click(await screen.findByRole('switch', { name: 'Enabled' }));
    expect(bridge.sent).toMatchObject([{ name: 'changeAgent', input: { agent: 'docs', patch: { enabled: false } } }]);
    await within(screen.getByRole('region', { name: 'Agents' })).findByText('Off');
    await user.click(button('Delete this agent'));
    await waitFor(() => expect(screen.queryByRole('link', { name: /Docs/ })).toBeNull());
    await user.click(await screen.findByRole('button', { name: 'Undo' }));
    await screen.findByRole('link', { name: /Docs/ });
  });

  it('whose file is broken says where', async () => {
    await open(fakeBridge('problems'), '#/agents/backend');
    const banner = await screen.findByRole('alert');
    expect(banner.textContent).toContain('agents/backend/agent.toml, line 3');
    screen.getByRole('img', { name: 'Its file has an error' });
    expect(await faultsOf(document.body)).toEqual([]);
  });
});

describe('a new agent', () => {
  it('is written, checked, and made', async () => {
    const bridge = fakeBridge('empty');
    const user = await open(bridge, '#/agents');
    await user.click(button('New agent'));
    await user.click(await screen.findByRole('button', { name: 'Create agent' }));
    await screen.findByText('Write a name; the folder is called after it.');
    await user.type(await field('Name'), 'Night watch');
    await unfold(user, /^Capabilities and environment/);
    await user.type(await field('Environment'), 'nonsense');
    await user.click(button('Create agent'));
    await screen.findByText(/Line 1 is no NAME=value/);
    expect(bridge.sent).toEqual([]);
    await user.clear(await field('Environment'));
    await user.type(await field('Environment'), 'LEVEL=a=b');
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Night watch/ });
    expect(bridge.sent).toMatchObject([
      { name: 'createAgent', input: { name: 'Night watch', environment: { LEVEL: 'a=b' }, limits: {} } },
    ]);
    expect(window.location.hash).toBe('#/agents/night-watch');
  });
});

// A whole form is written, letter by letter.
describe('what carries an agent', () => {
  const pick = async (user: ReturnType<typeof userEvent.setup>, name: string, option: string) =>
    user.selectOptions(await screen.findByRole('combobox', { name }), option);

  it('is chosen when it is made, with the fields of its runtime', async () => {
    const bridge = fakeBridge('full');
    bridge.state.keys.set('anthropic', { length: 8, stored_at: 1 });
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Reviewer');
    await pick(user, 'Carried by', 'Claude Code');
    expect(screen.getByRole('switch', { name: /^Review/ })).toHaveProperty('checked', true);
    await pick(user, 'Mode', 'Plan only');
    await waitFor(() => expect(screen.getByRole('option', { name: 'anthropic' })).toBeTruthy());
    await pick(user, 'Key', 'anthropic');
    await unfold(user, /^More about the program/);
    await pick(user, 'Effort', 'high');
    await user.type(await field('Variables'), 'HTTP_PROXY, NO_PROXY');
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Reviewer/ });
    expect(bridge.sent[0]?.input).toMatchObject({
      runtime: 'claude',
      review: true,
      program: {
        mode: 'plan',
        key: 'anthropic',
        effort: 'high',
        model: null,
        preset: null,
        pass_environment: ['HTTP_PROXY', 'NO_PROXY'],
      },
    });
  });

  it('keeps what was written for another runtime, and sends only what this one has', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Local');
    await pick(user, 'Carried by', 'Another agent program (ACP)');
    await pick(user, 'Program', 'OpenCode');
    await pick(user, 'Carried by', 'A model');
    await pick(user, 'Model server', 'Ollama, on this computer');
    await user.type(await field('Address'), 'http://127.0.0.1:11434');
    // What the server told is suggested; any other name can be written.
    const model = await screen.findByRole('combobox', { name: 'Model' });
    const suggested = document.getElementById(model.getAttribute('list') ?? '')?.querySelectorAll('option');
    expect([...(suggested ?? [])].map((each) => each.getAttribute('value'))).toEqual(['qwen3:8b', 'gemma3:12b']);
    await user.type(model, 'qwen3:8b');
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Local/ });
    expect(bridge.sent[0]?.input).toMatchObject({
      runtime: 'llm',
      program: { provider: 'ollama', address: 'http://127.0.0.1:11434', model: 'qwen3:8b', preset: null },
    });
  });

  it('works in a folder of its own, and has its prompt where that was chosen', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Writer');
    await pick(user, 'Carried by', 'A model');
    await user.type(await field('Works in'), 'notes');
    await user.click(button('Create agent'));
    await screen.findByText(/^Write the whole path/);
    expect(bridge.sent).toEqual([]);
    bridge.folder = '/home/you/notes';
    await user.click(button('Choose a folder…'));
    expect(await field('Works in')).toHaveProperty('value', '/home/you/notes');
    await unfold(user, /^More about the program/);
    await user.click(await field('Skills'));
    await user.paste('release-notes, review');
    const where = await screen.findByRole('combobox', { name: 'Prompt' });
    expect(
      within(where)
        .getAllByRole('option')
        .map((each) => each.getAttribute('value')),
    ).toEqual(['', 'append', 'replace']);
    await pick(user, 'Prompt', 'In place of the program’s own words');
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Writer/ });
    expect(bridge.sent[0]?.input).toMatchObject({
      folder: '/home/you/notes',
      skills: ['release-notes', 'review'],
      program: { prompt_placement: 'replace' },
    });
  });

  it('may be left all tools, some of them, or none', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Thinker');
    await pick(user, 'Carried by', 'A model');
    await unfold(user, /^More about the program/);
    expect(screen.getByRole('combobox', { name: 'Tools' })).toHaveProperty('value', 'all');
    await pick(user, 'Tools', 'Only those named here');
    screen.getByRole('textbox', { name: 'Names of the tools' });
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Thinker/ });
    expect(bridge.sent[0]?.input).toMatchObject({ program: { tools: [] } });
  });

  it('shows the words of the engine at the field, and opens the part that it is in', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Local');
    await pick(user, 'Carried by', 'Claude Code');
    bridge.refuseNext(
      new NoxError({
        code: 'bad_input',
        message: 'No such address.',
        hint: 'Write http://…',
        field: 'program.address',
      }),
    );
    await user.click(button('Create agent'));
    await screen.findByText('No such address. Write http://…');
    expect((await field('Address')).getAttribute('aria-invalid')).toBe('true');
    expect(await field('Name')).toHaveProperty('value', 'Local');
  });

  it('may have MCP servers, by a command or at an address', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Filer');
    await pick(user, 'Carried by', 'Codex');
    await unfold(user, /^MCP servers/);
    await user.click(button('Add a server'));
    await user.click(button('Create agent'));
    await screen.findByText('Each server needs a name of its own.');
    const first = await screen.findByRole('group', { name: 'New server' });
    await user.type(within(first).getByRole('textbox', { name: 'Name of the server' }), 'files');
    await user.type(within(first).getByRole('textbox', { name: 'Command' }), 'npx');
    await user.type(within(first).getByRole('textbox', { name: 'Arguments' }), '-y{Enter}server /tmp');
    const variables = within(first).getByRole('textbox', { name: 'Variables' });
    await user.click(variables);
    await user.paste('LEVEL=warn\nodd');
    await user.click(button('Create agent'));
    await screen.findByText(/^Line 2 of the variables of “files” is no NAME=value/);
    expect(bridge.sent).toEqual([]);
    await user.type(variables, '=');
    await user.click(button('Add a server'));
    const second = await screen.findByRole('group', { name: 'New server' });
    await user.type(within(second).getByRole('textbox', { name: 'Name of the server' }), 'web');
    await user.selectOptions(within(second).getByRole('combobox', { name: 'How it is reached' }), 'Address');
    await user.click(within(second).getByRole('textbox', { name: 'Address' }));
    await user.paste('http://127.0.0.1:3000/mcp');
    expect(await faultsOf(document.body)).toEqual([]);
    await user.click(button('Create agent'));
    await screen.findByRole('link', { name: /Filer/ });
    expect(bridge.sent[0]?.input).toMatchObject({
      services: {
        files: {
          command: 'npx',
          arguments: ['-y', 'server /tmp'],
          environment: { LEVEL: 'warn', odd: '' },
          address: null,
        },
        web: { command: null, arguments: [], address: 'http://127.0.0.1:3000/mcp' },
      },
    });
  });
});

describe('a trial', () => {
  it('says what the agent can do and what that costs, and asks it only when told to', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const user = await open(bridge);
    await user.click(button('Test this agent'));
    const trial = screen.getByRole('region', { name: 'Test' });
    await within(trial).findByText('It works');
    for (const text of ['2.1.329', 'after 640 ms', '118 MB in 1 process', 'Ask (now), Plan', 'compact']) {
      within(trial).getByText(text);
    }
    expect(await faultsOf(document.body)).toEqual([]);
    expect(bridge.sent).toEqual([]);
  });

  it('does not say of a model that it works before it was asked', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const user = await open(bridge, '#/agents?create=agent');
    await user.type(await field('Name'), 'Local');
    await user.selectOptions(await screen.findByRole('combobox', { name: 'Carried by' }), 'A model');
    await user.click(button('Test this agent'));
    const trial = within(screen.getByRole('region', { name: 'Test' }));
    await trial.findByText('Ready. Its model was not asked.');
    await user.click(trial.getByRole('button', { name: 'Ask it one question' }));
    await trial.findByText('It works');
    trial.getByText('Ready.');
  });

  it('says what to do when it does not stand', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const user = await open(bridge);
    await user.type(await field('Name'), ' broken');
    await user.click(button('Test this agent'));
    await within(screen.getByRole('region', { name: 'Test' })).findByText('It does not work yet');
    within(screen.getByRole('region', { name: 'Test' })).getByText(/Run claude in a terminal and sign in/);
  });

  it('is stopped', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const user = await open(bridge);
    await user.type(await field('Name'), ' slow');
    await user.click(button('Test this agent'));
    await user.click(await screen.findByRole('button', { name: 'Stop' }));
    await within(screen.getByRole('region', { name: 'Test' })).findByText('It does not work yet');
    within(screen.getByRole('region', { name: 'Test' })).getByText('stopped');
    expect(document.activeElement).toBe(button('Test this agent'));
  });
});

describe('limits and life', () => {
  it('are written with their units, checked, and sent as a whole', async () => {
    const bridge = fakeBridge('full');
    const user = await open(bridge);
    await unfold(user, /^Limits/);
    await unfold(user, /^Life of its sessions/);
    await user.type(await field('Memory'), '512');
    await user.type(await field('Depth'), '-1');
    await user.selectOptions(screen.getByRole('combobox', { name: 'When it breaks down' }), 'Ask me');
    await user.selectOptions(
      screen.getByRole('combobox', { name: 'Wait for the model server’s limit' }),
      'End the turn and tell me',
    );
    await user.click(button('Save'));
    await screen.findByText('Write a whole number from 0, or nothing.');
    expect(bridge.sent).toEqual([]);
    await user.clear(await field('Depth'));
    await user.type(await field('Depth'), '0');
    await user.type(await field('Silent after'), '0');
    await user.click(button('Save'));
    await waitFor(() => expect(bridge.sent).toHaveLength(1));
    expect(bridge.sent[0]?.input).toMatchObject({
      patch: {
        limits: { max_memory_mb: 512, max_depth: 0, max_cpu_percent: null },
        life: { restart: 'never', on_crash: null, stall_after_seconds: 0, wait_for_limit: false },
      },
    });
  });
});

describe('a draft', () => {
  it('reads numbers, words and lines as they are meant', () => {
    const draft = { ...EMPTY, name: ' A ', capabilities: 'a, b,', environment: 'X=1\n\nY=', concurrent: ' 2 ' };
    expect(wrongIn(draft)).toEqual({});
    expect(inputOf(draft)).toMatchObject({
      name: 'A',
      capabilities: ['a', 'b'],
      environment: { X: '1', Y: '' },
      limits: { max_concurrent_tasks: 2, max_call_seconds: null },
    });
    expect(patchOf(draft, draft)).toEqual({});
  });

  it('changes only what was written, and keeps what a text cannot say', () => {
    const agent = fakeBridge('full').state.agents.get('docs')?.agent;
    if (!agent) throw new Error('the agent is gone');
    const life = { on_crash: 'ask', wait_for_limit: false } as const;
    const program = {
      preset: 'goose',
      provider: 'openai',
      arguments: ['acp', '', ' x'],
      tools: [],
      model: 'old',
    } as const;
    const services = { odd: { command: 'serve', arguments: ['', 'b'] }, other: { command: 'other' } };
    const limits = { ...agent.limits, max_disk_mb: 7 };
    const base = draftOf({
      ...agent,
      runtime: 'acp',
      life,
      limits,
      program: { ...program, arguments: [...program.arguments], tools: [] },
      services,
    });
    expect(patchOf(base, base)).toEqual({});
    expect(patchOf({ ...base, restart: 'never' }, base)).toEqual({
      life: { ...life, on_disconnect: null, restart: 'never', stall_after_seconds: null },
    });
    expect(patchOf({ ...base, waitForLimit: 'true' }, base).life).toMatchObject({ wait_for_limit: true });
    expect(patchOf({ ...base, waitForLimit: '' }, base).life).toMatchObject({ wait_for_limit: null });
    expect(patchOf({ ...base, model: 'new' }, base)).toEqual({
      program: expect.objectContaining({ ...program, model: 'new' }),
    });
    const [odd, other] = base.services;
    if (!odd || !other) throw new Error('the services are gone');
    const renamed = patchOf({ ...base, services: [odd, { ...other, name: 'renamed' }] }, base).services;
    expect(Object.keys(renamed ?? {})).toEqual(['odd', 'renamed']);
    expect(renamed).toMatchObject({ odd: services.odd, renamed: { command: 'other' } });
    expect(patchOf({ ...base, memory: '5' }, base).limits).toMatchObject({ max_disk_mb: 7, max_memory_mb: 5 });
  });

  it('does not take offence at a variable of several lines that nobody changed', () => {
    const agent = fakeBridge('full').state.agents.get('docs')?.agent;
    if (!agent) throw new Error('the agent is gone');
    const environment = { NOTE: 'one\ntwo' };
    const base = draftOf({ ...agent, environment, services: { files: { command: 'x', environment } } });
    expect(wrongIn(base)).toEqual({});
    expect(wrongIn({ ...base, environment: `${base.environment}\nthree` }).environment).toBeDefined();
    const services = base.services.map((each) => ({ ...each, environment: `${each.environment}\nthree` }));
    expect(wrongIn({ ...base, services }).services).toBeDefined();
  });

  it('says again what it was told, for each runtime and whatever stands in the file', () => {
    const texts = [[], [''], ['', ''], ['a', ''], ['', 'a'], [' a ', '--x=1 2'], ['two\nlines', 'b']];
    for (const runtime of ['claude', 'codex', 'acp', 'llm'] as const) {
      for (const [at, list] of texts.entries()) {
        for (const tools of [null, [], ['read', 'shell']]) {
          const program: Required<Program> = {
            preset: at % 2 ? 'goose' : null,
            provider: at % 3 ? 'openai' : null,
            command: at % 2 ? null : ' serve it',
            arguments: list,
            model: at % 3 ? null : ' m',
            mode: 'plan',
            effort: 'high',
            prompt_placement: at % 2 ? 'append' : null,
            address: 'http://127.0.0.1:1/v1',
            key: 'k',
            pass_environment: ['A', 'B'],
            tools,
            commands: [{ name: 'a', command: ' b', readme: 'c\n' }],
            max_iterations: 3,
            context_tokens: 5,
          };
          const draft = draftOfProgram(program);
          expect(programOf(runtime, draft, program)).toEqual(program);
          // A change of one field leaves all others as they are stored.
          expect(programOf(runtime, { ...draft, model: 'other' }, program)).toEqual({
            ...program,
            model: 'other',
          });
          const service = { command: 'x', arguments: list, environment: { A: 'b\nc' }, address: null, key: null };
          const [one] = draftOfProgram({}, { one: service }).services;
          if (!one) throw new Error('the service is gone');
          expect(servicesOf(runtime, { ...draft, services: [{ ...one, name: 'two' }] })).toEqual({ two: service });
          expect(servicesOf(runtime, { ...draft, services: [{ ...one, command: 'y' }] })).toEqual({
            one: { ...service, command: 'y' },
          });
        }
      }
    }
    // Also a text that was written anew says each argument, and no tools are not all of them.
    for (const list of texts.slice(0, -1)) {
      const draft = { ...draftOfProgram({ arguments: list, tools: [] }), model: 'm' };
      expect(programOf('acp', draft).arguments).toEqual(list);
      expect(programOf('llm', draft).tools).toEqual([]);
      expect(programOf('llm', { ...draft, tools: null }).tools).toBeNull();
    }
  });

  it('refuses what is no number and no name', () => {
    expect(Object.keys(wrongIn({ ...EMPTY, concurrent: '0', seconds: '1.5', environment: '1X=2' })).sort()).toEqual([
      'concurrent',
      'environment',
      'name',
      'seconds',
    ]);
  });
});
