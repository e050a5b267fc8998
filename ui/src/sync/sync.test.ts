import { describe, expect, it, vi } from 'vitest';
import type { Card, OutputPage, Push } from '../bindings/nox';
import { NoxError } from '../bridge/bridge';
import { type FakeBridge, fakeBridge } from '../bridge/fake/fake';
import { connect } from './connect';
import { Frame } from './frame';
import { COLUMNS, Mirror } from './mirror';
import { KEEP_LINES, OutputLog } from './output';
import { sender } from './send';

async function ready(bridge: FakeBridge) {
  const mirror = new Mirror();
  const stop = connect(bridge, mirror);
  await vi.waitFor(() => expect(mirror.link.state).toBe('ready'));
  return { mirror, stop, send: sender(bridge, mirror) };
}

function firstOf(mirror: Mirror, column: Card['column']): Card {
  const id = mirror.board.column(column)[0];
  const card = id ? mirror.cards.get(id) : undefined;
  if (!card) throw new Error(`no card in ${column}`);
  return card;
}

describe('connecting', () => {
  it('applies what came between attaching and the snapshot, and nothing twice', async () => {
    const bridge = fakeBridge('full');
    const look = bridge.firstLook;
    bridge.firstLook = async (input) => {
      const answer = await look(input);
      // Recorded after the snapshot was taken, heard before it arrives.
      await bridge.createTask({ title: 'Came in between' });
      return answer;
    };
    const { mirror } = await ready(bridge);
    expect(mirror.cards.all().filter((card) => card.task.title === 'Came in between')).toHaveLength(1);
  });

  it('asks for the snapshot again after a gap', async () => {
    const bridge = fakeBridge('full');
    const { mirror } = await ready(bridge);
    const card = firstOf(mirror, 'todo');
    // The change is in the engine, but its push is lost.
    bridge.state.tasks.delete(card.task.id);
    bridge.push({ push: 'gap' });
    await vi.waitFor(() => expect(mirror.cards.get(card.task.id)).toBeUndefined());
    expect(mirror.board.column('todo')).not.toContain(card.task.id);
  });

  it('has every card after the pages, and at once the first and the counts', async () => {
    const bridge = fakeBridge('big');
    const { mirror } = await ready(bridge);
    const all = bridge.state.tasks.size;
    expect(mirror.cards.size).toBeLessThan(all);
    const counts = () => COLUMNS.map((column) => mirror.board.count(column));
    expect(counts().reduce((sum, count) => sum + count)).toBe(all);
    const before = counts();
    await vi.waitFor(() => expect(mirror.cards.size).toBe(all), { timeout: 15_000 });
    await vi.waitFor(() => expect(COLUMNS.map((column) => mirror.board.column(column).length)).toEqual(before));
  });

  it('keeps what it hears while pages come, which may be older', async () => {
    const bridge = fakeBridge('big');
    const read = bridge.readCards;
    const tasks = [...bridge.state.tasks.keys()].sort();
    const [gone, changed] = [tasks.at(-1) ?? '', tasks.at(-2) ?? ''];
    let isFirst = true;
    bridge.readCards = async (input) => {
      const page = await read({ after: null, limit: 100_000 });
      if (isFirst) {
        // Both happen after the page was read and are heard before it arrives.
        isFirst = false;
        await bridge.deleteTask({ task: gone });
        await bridge.changeTask({ task: changed, patch: { title: 'Newer' } });
      }
      return { ...page, next: null, cards: input.after ? [] : page.cards };
    };
    const { mirror } = await ready(bridge);
    await vi.waitFor(() => expect(mirror.cards.size).toBe(bridge.state.tasks.size), { timeout: 15_000 });
    expect(mirror.cards.get(gone)).toBeUndefined();
    expect(mirror.cards.get(changed)?.task.title).toBe('Newer');
  });

  it('forgets after a gap what is in no page', async () => {
    const bridge = fakeBridge('big');
    const { mirror } = await ready(bridge);
    await vi.waitFor(() => expect(mirror.cards.size).toBe(bridge.state.tasks.size), { timeout: 15_000 });
    const [gone = ''] = [...bridge.state.tasks.keys()].sort().slice(-1);
    bridge.state.tasks.delete(gone);
    bridge.push({ push: 'gap' });
    await vi.waitFor(() => expect(mirror.cards.get(gone)).toBeUndefined(), { timeout: 15_000 });
    expect(mirror.cards.size).toBe(bridge.state.tasks.size);
  });

  it('says why when the engine does not answer', async () => {
    const bridge = fakeBridge('full');
    bridge.firstLook = () => Promise.reject(new NoxError({ code: 'disk', message: 'Full.', hint: null, field: null }));
    const mirror = new Mirror();
    connect(bridge, mirror);
    await vi.waitFor(() => expect(mirror.link).toMatchObject({ state: 'failed', error: { code: 'disk' } }));
  });
});

describe('subscriptions', () => {
  it('tell the row that changed once per frame, and no other', async () => {
    const bridge = fakeBridge('full');
    const { mirror } = await ready(bridge);
    const [one, other] = mirror.board.column('todo');
    if (!one || !other) throw new Error('two cards are needed');
    const heardOne = vi.fn();
    const heardOther = vi.fn();
    mirror.cards.subscribe(one, heardOne);
    mirror.cards.subscribe(other, heardOther);
    mirror.frame.flush();
    heardOne.mockClear();
    await bridge.changeTask({ task: one, patch: { priority: 'low' } });
    await bridge.changeTask({ task: one, patch: { priority: 'high' } });
    mirror.frame.flush();
    expect(heardOne).toHaveBeenCalledTimes(1);
    expect(heardOther).not.toHaveBeenCalled();
  });

  it('keep a column as it is when a card changes without moving', async () => {
    const bridge = fakeBridge('full');
    const { mirror } = await ready(bridge);
    const before = mirror.board.column('todo');
    await bridge.changeTask({ task: before[0] ?? '', patch: { priority: 'critical' } });
    expect(mirror.board.column('todo')).toBe(before);
  });
});

describe('pending changes', () => {
  it('draw a card where it was put until the engine has recorded it', async () => {
    const bridge = fakeBridge('full');
    const { mirror, send } = await ready(bridge);
    const id = firstOf(mirror, 'backlog').task.id;
    const moving = send(
      'moveTask',
      { task: id, to: 'todo' },
      { about: [id], hold: { task: id, at: { column: 'todo', after: null } } },
    );
    expect(mirror.board.column('todo')[0]).toBe(id);
    expect(mirror.pending.has(id)).toBe(true);
    await moving;
    expect(mirror.pending.has(id)).toBe(false);
    expect(mirror.cards.get(id)?.column).toBe('todo');
  });

  it('put it back when the engine refuses', async () => {
    const bridge = fakeBridge('full');
    const { mirror, send } = await ready(bridge);
    const id = firstOf(mirror, 'backlog').task.id;
    bridge.refuseNext(new NoxError({ code: 'disk', message: 'The disk is full.', hint: null, field: null }));
    const moving = send(
      'moveTask',
      { task: id, to: 'done' },
      { about: [id], hold: { task: id, at: { column: 'done', after: undefined } } },
    );
    await expect(moving).rejects.toMatchObject({ code: 'disk' });
    expect(mirror.board.column('backlog')).toContain(id);
    expect(mirror.board.column('done')).not.toContain(id);
    expect(mirror.pending.has(id)).toBe(false);
  });
});

describe('10,000 cards', () => {
  it('keep their order and move one without touching other columns', async () => {
    const bridge = fakeBridge('big');
    const { mirror } = await ready(bridge);
    await vi.waitFor(() => expect(mirror.board.expected).toBeNull(), { timeout: 15_000 });
    expect(mirror.cards.size).toBe(10_000);
    const done = mirror.board.column('done');
    const id = mirror.board.column('backlog')[0] ?? '';
    await bridge.moveTask({ task: id, to: 'todo' });
    expect(mirror.board.column('done')).toBe(done);
    expect(mirror.board.column('todo')).toContain(id);
  });
});

const page = (pieces: OutputPage['pieces']): OutputPage => ({ pieces, next: 0, complete: true, clipped: false });
const piece = (offset: number, text: string) => ({ offset, bytes: text.length, stream: 'stdout' as const, text });

describe('output', () => {
  it('joins what was written before with what streams, without doubling', async () => {
    const log = new OutputLog(new Frame());
    log.push([piece(4, 'two\n'), piece(8, 'thr')]);
    await log.fill(async () => page([piece(0, 'one\n'), piece(4, 'two\n')]));
    log.push([piece(11, 'ee\n')]);
    expect(log.lines.map((line) => line.text)).toEqual(['one', 'two', 'three']);
  });

  it('reads what was left out when pieces are missing', async () => {
    const log = new OutputLog(new Frame());
    const spool = [piece(0, 'one\n'), piece(4, 'two\n'), piece(8, 'three\n')];
    let known = 1;
    await log.fill(async (from) => page(spool.slice(0, known).filter((each) => each.offset >= (from ?? 0))));
    known = 3;
    log.push([piece(8, 'three\n')]);
    await vi.waitFor(() => expect(log.lines.map((line) => line.text)).toEqual(['one', 'two', 'three']));
  });

  it('starts a new line when the other pipe writes into an open one', async () => {
    const log = new OutputLog(new Frame());
    await log.fill(async () => page([]));
    log.push([piece(0, 'out'), { ...piece(3, 'err\n'), stream: 'stderr' }, piece(7, 'more\n')]);
    expect(log.lines.map(({ stream, text }) => `${stream} ${text}`)).toEqual([
      'stdout out',
      'stderr err',
      'stdout more',
    ]);
  });

  it('takes 2,000 lines a second in a few milliseconds and keeps a bounded tail', async () => {
    const frame = new Frame();
    const log = new OutputLog(frame);
    await log.fill(async () => page([]));
    frame.flush();
    const heard = vi.fn();
    log.subscribe(heard);
    let offset = 0;
    const began = performance.now();
    for (let line = 0; line < 20_000; line += 1) {
      const text = `line ${line} of a long run with some words in it\n`;
      log.push([piece(offset, text)]);
      offset += text.length;
    }
    const took = performance.now() - began;
    frame.flush();
    expect(heard).toHaveBeenCalledTimes(1);
    expect(log.lines.length + log.dropped).toBe(20_000);
    expect(log.lines.length).toBeLessThanOrEqual(KEEP_LINES * 1.25);
    expect(log.lines.at(-1)?.number).toBe(19_999);
    // Ten seconds of output; the bound is a safety net for a busy machine.
    expect(took).toBeLessThan(1_000);
  });
});

describe('events', () => {
  it('reach who listens', async () => {
    const bridge = fakeBridge('full');
    const { mirror } = await ready(bridge);
    const told = vi.fn();
    const stop = mirror.on('quitAsked', told);
    const push: Push = { push: 'quit_asked', live: 3 };
    bridge.push(push);
    stop();
    bridge.push(push);
    expect(told).toHaveBeenCalledExactlyOnceWith({ live: 3 });
  });

  it('of a run: asked, answered, streamed, closed', async () => {
    const bridge = fakeBridge('full', { stepMs: 1 });
    const { mirror } = await ready(bridge);
    const card = mirror.cards.all().find((each) => each.task.title === 'Rotate the backup keys');
    const task = card?.task.id ?? '';
    const { session } = await bridge.startTask({ task });
    const conversation = mirror.enter(session ?? '', bridge);
    for (let block = 0; block < 3; block += 1) {
      const open = await vi.waitFor(() => {
        const row = mirror.requests.all().find((each) => each.session === session && each.state.state === 'open');
        if (!row) throw new Error('no open request');
        return row;
      });
      expect(mirror.cards.get(task)?.column).toBe('needs_you');
      await bridge.answerRequest({ request: open.request.id, decision: 'allow_once' });
    }
    await vi.waitFor(() => expect(mirror.cards.get(task)?.column).toBe('done'));
    expect(conversation.view().order).toHaveLength(3);
    const item = conversation.view().order[0] ?? '';
    await conversation.fillOutput(item);
    expect(conversation.output(item).lines).toHaveLength(5);
  });
});
