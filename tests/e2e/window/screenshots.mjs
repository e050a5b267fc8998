/**
 * Makes the pictures of `docs/screenshots/` from the real app: every place, empty and full, in light and dark, narrow, and
 * with an error. `node screenshots.mjs [word…]` makes those whose names contain one of the words.
 *
 * What is on the pictures is real: tasks are files in the registry and drops, sessions run, approvals are open. Prints a line
 * for each picture and exits 1 when one could not be made.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Desk } from './desk.mjs';
import { PLACES, WORDS, answer, choose, closeMessages, moveByKeys, openSession, passWelcome, startTalk, taskFile } from './nox.mjs';
import { SAMPLE_AGENTS, SAMPLE_TASKS, TALK, png, recording } from './samples.mjs';
import { installClaude, installOldCodex } from './programs.mjs';
import { until } from './until.mjs';
import { REPOSITORY } from './world.mjs';

const FOLDER = path.join(REPOSITORY, 'docs', 'screenshots');
const SIZE = [1360, 850];
const NARROW = [700, 850];
/** Room for the window's frame around the page. */
const SCREEN = [1440, 960];
const THEMES = ['light', 'dark'];

const words = process.argv.slice(2);
const failures = [];
let made = 0;

/**
 * Takes one picture in both themes. A step that fails is told and the next goes on.
 * @param {{messages?: boolean, holding?: boolean}} options whether messages may be on it; whether the pointer holds something
 */
async function picture(desk, name, arrange = async () => {}, { messages = false, holding = false } = {}) {
  if (words.length && !words.some((word) => name.includes(word))) return;
  try {
    await arrange();
    if (!messages) await closeMessages(desk);
    // A row under the pointer looks as if it were chosen.
    if (!holding) await desk.driver.actions().move({ x: 1, y: 1 }).perform();
    await desk.atRest();
    for (const theme of THEMES) {
      await desk.setTheme(theme);
      const file = path.join(FOLDER, `${name}-${theme}.png`);
      writeFileSync(file, await desk.picture());
      made += 1;
      console.log(`✓ ${path.relative(REPOSITORY, file)}`);
    }
  } catch (error) {
    failures.push(name);
    console.log(`✗ ${name}: ${error.message}`);
  }
}

/** The places that the app has, by their words. */
async function places(desk) {
  const found = [];
  for (const place of PLACES) if ((await desk.findAll('link', place, { counted: true })).length) found.push(place);
  return found;
}

const slug = (text) => text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');

/** Puts agents, tasks and sessions in many states into the app. */
async function fill(desk) {
  const registry = path.join(desk.home, 'registry');
  for (const agent of SAMPLE_AGENTS) {
    desk.world.write(path.join(registry, 'agents', agent.id, 'agent.toml'), agent.toml);
    desk.world.write(path.join(registry, 'agents', agent.id, 'prompt.md'), agent.prompt);
  }
  await desk.goTo('Agents');
  await desk.shows(new RegExp(SAMPLE_AGENTS.at(-1).name));
  await desk.goTo('Board');

  // The first comes by a real drop; its neighbours are written beside it by hand.
  const first = desk.world.write('rotate.md', '# Rotate the backup keys\n\n```sh name="New key"\nhead -c 32 /dev/urandom | base64 > new.key\n```\n');
  await desk.dropFiles([first], await desk.column('To do'));
  await desk.card('Rotate the backup keys', { in: 'To do' });
  const { file } = await taskFile(desk, 'Rotate the backup keys');
  for (const task of SAMPLE_TASKS) {
    const front = Object.entries({ title: task.title, status: task.status, priority: task.priority, agent: task.agent, deadline: task.deadline });
    const lines = front.filter(([, value]) => value).map(([key, value]) => `${key}: ${value}`);
    desk.world.write(path.join(path.dirname(file), `${slug(task.title)}.md`), `---\n${lines.join('\n')}\n---\n\n${task.body}\n`);
  }
  for (const task of SAMPLE_TASKS.filter((each) => each.status !== 'done')) await desk.card(task.title, { limitMs: 10_000 });

  // Some of them work: one at a time, so that it is clear whose approval is answered.
  for (const task of SAMPLE_TASKS.filter((each) => each.run)) {
    await desk.goTo('Board');
    await moveByKeys(desk, task.title, 'Working');
    await desk.card(task.title, { in: 'Needs you', limitMs: 10_000 });
    if (task.run === 'ask') continue;
    await openSession(desk, task.title);
    await answer(desk, 'Allow once');
    if (task.until) await desk.says(await desk.find('log'), task.until, 15_000);
  }
  await desk.goTo('Board');
}

/** A session in which a person answers, speaks and forks while the agent works. */
async function talk(desk) {
  const both = async (name, arrange) => {
    await picture(desk, name, arrange);
    await picture(desk, `${name}-narrow`, () => desk.resize(...NARROW));
    await desk.resize(...SIZE);
  };
  await desk.goTo('Board');
  await startTalk(desk);
  await openSession(desk, TALK.title);
  await both('session-question', () => desk.find('region', 'Player asks you'));
  await both('session-images', async () => {
    const pictures = [
      desk.world.write('statement of March.png', png(240, [63, 79, 191])),
      desk.world.write('error.png', png(120, [200, 70, 40])),
    ];
    await desk.dropFiles(pictures, await desk.find('textbox', 'Message to Player'));
    await desk.find('button', 'Remove error.png');
    await desk.focus(await desk.find('textbox', 'Message to Player'));
    await desk.type('Both are from the savings bank.');
    await desk.keys('Control+Enter');
    await desk.find('button', /^Take back/);
    await desk.dropFiles(pictures, await desk.find('textbox', 'Message to Player'));
    await desk.find('button', 'Remove error.png');
  });
  for (const name of ['Remove statement of March.png', 'Remove error.png', 'Take back “Both are from the savings bank.”']) {
    for (const button of await desk.findAll('button', name)) {
      await button.click();
      await desk.gone('button', name);
    }
  }
  await desk.click('radio', 'CAMT.053');
  await desk.click('checkbox', 'Notes of people');
  await until(async () => {
    const [send] = await desk.findAll('button', 'Send answer');
    await send?.click();
    return !send;
  }, 'the answer to be taken');
  await picture(desk, 'session-modes', async () => {
    await desk.click('button', 'Mode: Ask each time');
    await desk.find('menu', /^Mode/);
  });
  await desk.keys('Escape');
  await picture(desk, 'session-models', async () => {
    await desk.click('button', 'Model: Small');
    await desk.find('menu', /^Model/);
  });
  await desk.keys('Escape');
  await picture(desk, 'session-commands', async () => {
    await desk.focus(await desk.find('textbox', 'Message to Player'));
    await desk.type('/');
    await desk.find('listbox', 'Commands of the agent');
  });
  await desk.keys('Escape');
  await desk.keys('Backspace');
  await both('session-waiting', async () => {
    for (const text of ['And then the tests, with the statements of March as an example.', 'Keep the change in one commit.']) {
      await desk.focus(await desk.find('textbox', 'Message to Player'));
      await desk.type(text);
      await desk.keys('Control+Enter');
      await desk.find('button', `Take back “${text}”`);
    }
    await desk.type('Only those of March.');
  });
  await picture(
    desk,
    'session-taken-back',
    async () => {
      await desk.click('button', 'Take back “Keep the change in one commit.”');
      await desk.find('button', 'Undo');
    },
    { messages: true },
  );
  await desk.click('button', 'Undo');
  await desk.find('button', 'Take back “Keep the change in one commit.”');
  await desk.click('button', 'Say now');
  await both('session-plan', () => desk.find('region', 'Player shows you its plan'));
  await answer(desk, 'Allow once');
  await both('session-limit', () => desk.shows(/^Waits for its model’s limit until/m));
  await both('session-fork', async () => {
    await desk.click('button', 'Go on from a copy of this session');
    await desk.dialog(/^Fork/);
  });
  await desk.focus(await desk.find('textbox', 'What should be done there?'));
  await desk.type(recording({ say: 'In this copy I read MT940 first, and leave the other format for later.' }));
  await desk.keys('Control+Enter');
  await picture(desk, 'session-forked', async () => {
    await desk.find('heading', `Fork of ${TALK.title}`);
    await desk.says(await desk.find('log'), /MT940 first, and leave/);
  });
  await desk.goTo('Board');
}

async function main() {
  mkdirSync(FOLDER, { recursive: true });
  const desk = new Desk('screenshots', { screen: SCREEN, keyring: true });
  try {
    await desk.start();
    await desk.resize(...SIZE);
    await desk.find('heading', WORDS.welcome, { limitMs: 10_000 });
    await picture(desk, 'first-start');
    await picture(desk, 'first-start-found', async () => {
      installClaude(desk);
      installOldCodex(desk);
      await desk.click('button', 'Look again');
      await desk.click('button', 'Add Claude Code', { limitMs: 20_000 });
      await desk.find('link', 'Open the agent Claude Code');
    });
    await picture(desk, 'first-start-narrow', () => desk.resize(...NARROW));
    await desk.resize(...SIZE);
    await passWelcome(desk);

    for (const place of await places(desk)) await picture(desk, `${slug(place)}-empty`, () => desk.goTo(place));

    await fill(desk);
    await picture(desk, 'messages', undefined, { messages: true });
    for (const place of await places(desk)) await picture(desk, slug(place), () => desk.goTo(place));
    await desk.goTo('Board');
    const running = SAMPLE_TASKS.find((task) => task.run === 'stay');
    const asking = SAMPLE_TASKS.find((task) => task.run === 'ask');
    await picture(desk, 'board-task', async () => {
      await desk.click('article', 'Rotate the backup keys');
      await desk.find('button', 'Start');
    });
    await desk.goTo('Board');
    await picture(desk, 'session-running', () => openSession(desk, running.title));
    await desk.goTo('Board');
    await picture(desk, 'session-approval', () => openSession(desk, asking.title));
    await desk.goTo('Board');
    await picture(desk, 'palette', async () => {
      await desk.keys('Control+K');
      await desk.dialog(WORDS.palette);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');
    await picture(desk, 'keys', async () => {
      await desk.keys('?');
      await desk.dialog(WORDS.keys);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');
    await picture(desk, 'new-task', async () => {
      await desk.keys('C');
      await desk.find('textbox', WORDS.title);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');
    await picture(desk, 'move', async () => {
      await desk.focus(await desk.card('Rotate the backup keys'));
      await desk.keys('M');
      await desk.dialog(WORDS.moveTo);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');

    await picture(desk, 'rule', async () => {
      await desk.goTo('Approvals');
      await desk.click('button', 'Always allow');
      await until(async () => /echo|git|rm/.test(await (await desk.find('textbox', 'Rule')).getAttribute('value')), 'the narrowest rule');
    });
    await picture(desk, 'rules', async () => {
      await desk.goTo('Approvals');
      await desk.keys('R');
      await desk.find('heading', 'Rules');
    });
    await picture(desk, 'agent-new', async () => {
      await desk.goTo('Agents');
      await desk.click('button', 'New agent');
      await desk.find('textbox', 'Name');
    });
    await picture(desk, 'agent-program', async () => {
      await choose(desk, 'Carried by', 'Another agent program (ACP)');
      await desk.focus(await desk.find('button', /^More about the program/));
      await desk.keys('Enter');
    });
    await picture(desk, 'agent-model', async () => {
      await choose(desk, 'Carried by', 'A model');
      for (const name of [/^MCP servers/, 'Add a server']) {
        await desk.focus(await desk.find('button', name));
        await desk.keys('Enter');
      }
    });
    await picture(desk, 'agent-error', async () => {
      await desk.focus(await desk.find('button', 'Remove this server'));
      await desk.keys('Enter');
      await desk.focus(await desk.find('textbox', 'Name'));
      await desk.type('Local');
      await desk.click('button', 'Create agent');
      await desk.shows(/needs a kind of model server/);
    });
    await desk.focus(await desk.find('textbox', 'Works in'));
    await desk.type('notes');
    for (const [name, carrier] of [['claude', 'Claude Code'], ['codex', 'Codex'], ['acp', 'Another agent program (ACP)']]) {
      await picture(desk, `agent-${name}-error`, async () => {
        await choose(desk, 'Carried by', carrier);
        await desk.click('button', 'Create agent');
        await desk.shows(/Write the whole path/);
      });
    }
    await picture(desk, 'agent-narrow', () => desk.resize(...NARROW));
    await desk.resize(...SIZE);
    await picture(desk, 'agent-tested', async () => {
      await desk.click('button', 'Discard');
      await desk.click('link', /Claude Code/);
      await desk.click('button', 'Test this agent');
      await desk.shows(/Its model was not asked/, 20_000);
    });
    await picture(desk, 'settings-programs-and-models', async () => {
      await desk.goTo('Settings');
      await desk.click('link', 'Programs and models');
    });
    await picture(desk, 'settings-programs-and-models-narrow', () => desk.resize(...NARROW));
    await desk.resize(...SIZE);
    for (const section of ['API keys', 'Doctor', 'About']) {
      await picture(desk, `settings-${slug(section)}`, async () => {
        await desk.goTo('Settings');
        await desk.click('link', section);
      });
    }
    await desk.goTo('Board');

    const drag = desk.world.write('november-invoices.csv', 'date,sum\n2026-11-03,12.40\n');
    await desk.dropFiles([drag], await desk.column('To do'), { hover: () => picture(desk, 'board-drop', undefined, { holding: true }) });

    await picture(desk, 'board-narrow', () => desk.resize(...NARROW));
    await picture(desk, 'session-narrow', () => openSession(desk, asking.title));
    await desk.resize(...SIZE);
    await desk.goTo('Board');

    const { file, text } = await taskFile(desk, SAMPLE_TASKS[0].title);
    await picture(desk, 'board-error', async () => {
      desk.world.write(file, text.replace('---\n', '---\ndeadline: 2026-11-31\n'));
      await desk.shows(/2026-11-31|30 days/);
    });
    desk.world.write(file, text);

    // What a session, a process and a start can become.
    await picture(desk, 'session-failed', async () => {
      await desk.goTo('Sessions');
      await desk.click('link', new RegExp(SAMPLE_TASKS.find((task) => task.run === 'end').title));
      await desk.says(await desk.find('log'), /already booked/);
    });
    await desk.goTo('Board');
    await openSession(desk, running.title);
    await desk.keys('P');
    await picture(desk, 'session-pausing', () => desk.shows(/Pausing/));
    await desk.click('button', 'Continue');
    await picture(desk, 'session-stop-and-delete', async () => {
      await desk.click('button', /^Stop and delete/);
      await desk.dialog(/delete/i);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');
    await picture(desk, 'processes-stop', async () => {
      await desk.goTo('Processes');
      await desk.click('button', `Stop “${running.title}”`);
      await desk.dialog(/^Stop/);
    });
    await desk.keys('Escape');
    await desk.gone('dialog');
    await talk(desk);
    await desk.killApp();
    await desk.openApp();
    await desk.resize(...SIZE);
    await picture(desk, 'board-after-a-crash', async () => {
      await desk.goTo('Board');
      await desk.find('link', 'See what happened', { limitMs: 10_000 });
    });
    await picture(desk, 'recovery', async () => {
      await desk.goTo('Board');
      await desk.click('link', 'See what happened');
      await desk.find('region', /^Waits for your choice/);
    });
    await picture(desk, 'recovery-narrow', () => desk.resize(...NARROW));
    await until(() => made > 0 || words.length > 0, 'a picture');
  } catch (error) {
    console.log(`the pictures stopped: ${error.message}\n  evidence: ${path.relative(REPOSITORY, await desk.keepEvidence())}`);
    failures.push('the rest');
  } finally {
    await desk.stop();
  }
  console.log(`${made} pictures, ${failures.length} failed${failures.length ? `: ${failures.join(', ')}` : ''}`);
  process.exit(failures.length || !made ? 1 : 0);
}

await main();
