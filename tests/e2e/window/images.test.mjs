/** Images that a person shows an agent: dropped on its session, kept beside what is written, and waiting with the message. */
import assert from 'node:assert/strict';
import { pathToFileURL } from 'node:url';
import { faults } from './axe.mjs';
import { openSession, passWelcome, startTalk } from './nox.mjs';
import { TALK, png } from './samples.mjs';
import { story } from './story.mjs';
import { until } from './until.mjs';

const REFUSED = 'this file was not dropped or pasted';

/** What the page is told when it does this by itself: the answer, or the error's words. */
function byPage(desk, name, asked) {
  return desk.run('return window.__TAURI_INTERNALS__.invoke(arguments[0], arguments[1]).catch((error) => error.message);', name, asked);
}

/** What the page is told when it has this file read by itself: the image's name, or why not. */
async function addedByPage(desk, file) {
  const told = await byPage(desk, 'add_image', { input: { from: 'file', path: file } });
  return told.name ?? told;
}

/** Waits until an image of this width is painted beside the message, where it can be removed. */
function seen(desk, remove, width) {
  const painted = `const thumb = arguments[0].closest('li').querySelector('img');
    return Boolean(thumb?.complete && thumb.naturalWidth === arguments[1]);`;
  return until(() => desk.run(painted, remove, width), 'the image to be seen beside the message');
}

story('an image is dropped on a session, waits with its message, and is shown with it', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  await openSession(desk, TALK.title);
  const message = await desk.find('textbox', 'Message to Player');

  const red = desk.world.write('statement.png', png(64, [190, 40, 40]));
  const notes = desk.world.write('notes.txt', 'only words');
  await desk.dropFiles([red, notes], message);
  await seen(desk, await desk.find('button', 'Remove statement.png'), 64);
  await desk.shows(/notes\.txt is not added: it is no image/);
  assert.deepEqual(await faults(desk), []);

  // What was added stays when somebody leaves and comes back.
  await desk.goTo('Board');
  const conversation = await openSession(desk, TALK.title);
  await desk.find('button', 'Remove statement.png');

  // It is removed by keys, and dropped again.
  await desk.focus(await desk.find('textbox', 'Message to Player'));
  await desk.keys('Backspace');
  await desk.gone('button', 'Remove statement.png');
  await desk.dropFiles([red], conversation);
  await desk.find('button', 'Remove statement.png');

  // It goes with the message, which waits for its turn.
  await desk.focus(await desk.find('textbox', 'Message to Player'));
  await desk.type('Read this one first.');
  await desk.keys('Control+Enter');
  await desk.find('button', 'Take back “Read this one first.”');
  await desk.shows(/image goes with it/);
  await desk.gone('button', 'Remove statement.png');
  assert.deepEqual(await faults(desk), []);

  // With its turn it stands in the conversation, painted by the web view itself, and opens large.
  await desk.click('button', 'Interrupt');
  const small = await desk.find('button', /^Open image statement\.png/);
  const painted = `const image = arguments[0].querySelector('img');
    return Boolean(image?.complete && image.naturalWidth === 64);`;
  await until(() => desk.run(painted, small), 'the image to be painted');
  await desk.focus(small);
  await desk.keys('Enter');
  await desk.find('dialog', /statement\.png/);
  assert.deepEqual(await faults(desk), []);
  await desk.keys('Escape');
  await desk.gone('dialog', /statement\.png/);
});

story('an image that another application has copied is pasted into a message', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  await openSession(desk, TALK.title);
  await desk.copyImage(desk.world.write('screen.png', png(32, [20, 90, 160])));
  await desk.focus(await desk.find('textbox', 'Message to Player'));
  await desk.keys('Control+v');
  await seen(desk, await desk.find('button', /^Remove /), 32);
  assert.deepEqual(await faults(desk), []);
});

story('files that were copied in a file manager are pasted: an image as an image, another one as its path', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  await openSession(desk, TALK.title);
  const red = desk.world.write('red one.png', png(48, [190, 40, 40]));
  const notes = desk.world.write('notes.txt', 'only words');
  await desk.copyFiles([red, notes]);
  const message = await desk.find('textbox', 'Message to Player');
  await desk.focus(message);
  await desk.type('See ');
  await desk.keys('Control+v');
  await seen(desk, await desk.find('button', 'Remove red one.png'), 48);
  await until(() => desk.run('return arguments[0].value === arguments[1]', message, `See ${notes}`), 'the path of the other file');
  assert.deepEqual(await faults(desk), []);

  // The page by itself has no file read: only what was handed over.
  const other = desk.world.write('other.png', png(16, [0, 0, 0]));
  assert.equal(await addedByPage(desk, red), 'red one.png');
  assert.equal(await addedByPage(desk, other), REFUSED);

  // Nor has it files made into tasks, alone or among what was handed over.
  for (const paths of [[other], [notes, other]]) {
    const command = `cmd_${'0'.repeat(26)}`;
    assert.equal(await byPage(desk, 'drop_things', { command, input: { paths } }), REFUSED);
  }
  assert.equal((await byPage(desk, 'list_tasks', { input: {} })).tasks.length, 1);
});

story('what the page itself has copied or drags names no file', {}, async (desk) => {
  await passWelcome(desk);
  await startTalk(desk);
  await openSession(desk, TALK.title);
  const other = desk.world.write('other.png', png(16, [0, 0, 0]));
  const address = pathToFileURL(other).href;

  // It puts the address into the clipboard, where any other program would find it.
  await desk.run(
    `document.addEventListener('copy', (event) => {
       event.clipboardData.setData('text/uri-list', arguments[0]);
       event.preventDefault();
     }, { capture: true, once: true });`,
    address,
  );
  await desk.focus(await desk.find('textbox', 'Message to Player'));
  await desk.type('Copy this.');
  await desk.keys('Control+a', 'Control+c');
  await until(async () => (await desk.copied()).includes(address), 'the address to be in the clipboard');
  assert.deepEqual(await byPage(desk, 'copied_files', {}), []);
  assert.equal(await addedByPage(desk, other), REFUSED);
  await desk.keys('Delete');

  // It drags the address onto itself.
  const message = await desk.find('textbox', 'Message to Player');
  await desk.run(
    `const bait = document.createElement('div');
     bait.id = 'bait';
     bait.draggable = true;
     bait.style = 'position: fixed; left: 0; bottom: 0; width: 80px; height: 80px; z-index: 9999; background: red';
     bait.addEventListener('dragstart', (event) => {
       event.dataTransfer.setData('text/uri-list', arguments[0]);
       window.began = true;
     });
     document.body.append(bait);
     window.dropped = [];
     const heard = window.__TAURI_INTERNALS__.transformCallback(({ payload }) => window.dropped.push(...payload.paths));
     window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'tauri://drag-drop', target: { kind: 'Any' }, handler: heard });`,
    address,
  );
  await desk.dragInPage(await desk.driver.findElement({ css: '#bait' }), message);
  await until(() => desk.run('return window.began && window.dropped.length > 0'), 'the page to hear of its own drop');
  assert.deepEqual(await desk.run('return window.dropped'), [other]);
  assert.equal(await addedByPage(desk, other), REFUSED);

  // What comes from elsewhere is taken as before.
  await desk.run('document.getElementById("bait").remove()');
  await desk.dropFiles([other], message);
  await desk.find('button', 'Remove other.png');
});
