/**
 * Output on its way: a runbook's block prints 2,000 lines a second for 20 s; how long until each line is in sight, and
 * whether the page stays quick meanwhile. The yardstick is the same page when nothing comes.
 *
 * The printing program notes when it wrote each line. The page notes, frame by frame, the number of its last line. While
 * the page is measured nothing is asked of it.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { answer } from '../e2e/window/nox.mjs';
import { until } from '../e2e/window/until.mjs';
import { bench } from './programs.mjs';
import { quantile } from './table.mjs';
import { onDesk } from './windows.mjs';

const RATE = 2000;
const SECONDS = 20;
const IDLE_MS = 10_000;
/** The page starts one when nothing else is to be done; a later start says how long something else took. */
const TIMER_MS = 5;
const TITLE = 'Print many lines';
const STEP = 'Print';

const MOST_LATENCY_MS = 100;
const MOST_TASK_MS = 50;
const MOST_GAP = 1.5;

const PAGE = readFileSync(new URL('./stream-page.js', import.meta.url), 'utf8');

export async function stream(programs) {
  return onDesk('bench stream', { app: programs.app }, async (desk) => {
    bench(programs, 'home', desk.home, 3, 0);
    const [record, go] = [path.join(desk.world.files, 'written'), path.join(desk.world.files, 'go')];
    desk.world.write(path.join(desk.home, 'registry', 'tasks', 'print.md'), runbook(programs, go, record));
    await desk.openApp();
    await desk.card(TITLE, { limitMs: 20_000 });
    await desk.focus(await desk.card(TITLE));
    await desk.keys('M');
    await desk.click('option', /^(start|working)$/i);
    await desk.card(TITLE, { in: 'Needs you', limitMs: 20_000 });
    // The card has just moved to another column; until it stands there, a key may still go to where it was.
    await until(async () => {
      if ((await desk.findAll('log')).length) return true;
      await desk.focus((await desk.findAll('article', TITLE))[0]);
      await desk.keys('Enter');
      return false;
    }, 'the session to open', 20_000);
    await answer(desk, 'Allow once');
    await desk.click('button', STEP, { counted: true });

    await desk.run(PAGE, TIMER_MS);
    await rest(IDLE_MS);
    const idle = await desk.run('return window.benchNotes.take()');
    await desk.run('window.benchNotes.take()');
    writeFileSync(go, '');
    await rest(SECONDS * 1000);
    await until(() => existsSync(record) && readFileSync(record, 'utf8').endsWith('\n'), 'the lines to be written', 30_000);
    const writtenAt = readFileSync(record, 'utf8').trim().split('\n').map(Number);
    // Whatever is under way has this long to arrive; a line that does not counts as late without end.
    await rest(3_000);
    const busy = await desk.run('return window.benchNotes.take()');
    if (busy.lines.length === 0) throw new Error('no line was seen in the page');
    return judge(idle, busy, writtenAt);
  });
}

function judge(idle, busy, writtenAt) {
  const [first, last] = [writtenAt[0], writtenAt.at(-1)];
  const during = (times) => times.filter((at) => at >= first && at <= last);
  const latencies = [];
  let shown = -1;
  for (const [at, line] of busy.lines) {
    for (; shown < line; shown += 1) latencies.push(at - writtenAt[shown + 1]);
  }
  for (; shown < writtenAt.length - 1; shown += 1) latencies.push(Number.POSITIVE_INFINITY);
  const latency = quantile(latencies, 0.99);
  const longest = (notes, times) => Math.max(...gaps(times)) - TIMER_MS;
  const [idleTask, task] = [longest(idle, idle.timers), longest(busy, during(busy.timers))];
  const [idleGap, gap] = [quantile(gaps(idle.frames), 0.99), quantile(gaps(during(busy.frames)), 0.99)];
  const what = `${RATE} lines/s for ${SECONDS} s`;
  const ms = (value) => `${value.toFixed(0)} ms`;
  return [
    {
      what: `${what}, written → in sight, p99`,
      nox: `${ms(latency)} (median ${ms(quantile(latencies, 0.5))})`,
      yardstick: 'none: the bound is absolute',
      figure: ms(latency),
      bound: `≤ ${MOST_LATENCY_MS} ms`,
      holds: latency <= MOST_LATENCY_MS,
    },
    {
      what: `${what}, longest task of the page, one run`,
      nox: ms(task),
      yardstick: `${ms(idleTask)} same page, idle`,
      figure: ms(task),
      bound: `≤ ${MOST_TASK_MS} ms`,
      holds: task <= MOST_TASK_MS,
    },
    {
      what: `${what}, gap between frames, p99, one run`,
      nox: `${gap.toFixed(1)} ms`,
      yardstick: `${idleGap.toFixed(1)} ms same page, idle`,
      figure: `${(gap / idleGap).toFixed(2)} ×`,
      bound: `≤ ${MOST_GAP} ×`,
      holds: gap / idleGap <= MOST_GAP,
    },
  ];
}

const gaps = (times) => times.slice(1).map((at, index) => at - times[index]);

const rest = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function runbook(programs, go, record) {
  const block = `until [ -e '${go}' ]; do sleep 0.1; done\nexec '${programs.bench}' lines ${RATE} ${SECONDS} '${record}'`;
  return `# ${TITLE}\n\n\`\`\`sh name="${STEP}"\n${block}\n\`\`\`\n`;
}
