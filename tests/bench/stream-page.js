// Runs inside the page that is measured: notes when frames begin, when timers ring, and which line is the last in sight.
// Nothing is computed here that could be computed afterwards.
const [timerMs] = arguments;
const notes = { frames: [], timers: [], lines: [] };
const now = () => performance.timeOrigin + performance.now();

const frame = () => {
  notes.frames.push(now());
  requestAnimationFrame(frame);
};
requestAnimationFrame(frame);
setInterval(() => notes.timers.push(now()), timerMs);

// A change of the document is on the screen at the end of the frame that it was made in or, if it was made between two
// frames, of the next. The beginning of the frame after that is a time when it certainly is.
let noted = -1;
let seen = -1;
let waits = false;
const noteNext = () => {
  if (waits || seen <= noted) return;
  waits = true;
  const line = seen;
  requestAnimationFrame(() => {
    waits = false;
    noted = line;
    notes.lines.push([now(), line]);
    noteNext();
  });
};
const numberOf = (element) => Number(/^line (\d+)/.exec(element?.textContent ?? '')?.[1] ?? -1);
const look = () => {
  // Of the texts in the conversation the output is the last; the command stands before it.
  const last = [...document.querySelectorAll('[role=log] pre')].at(-1)?.lastElementChild;
  // The last line may still be empty or growing.
  seen = Math.max(seen, numberOf(last), numberOf(last?.previousElementSibling));
  noteNext();
};
new MutationObserver(look).observe(document.querySelector('[role=log]'), { childList: true, characterData: true, subtree: true });

window.benchNotes = {
  /** What was noted since the last call. */
  take() {
    const { frames, timers, lines } = notes;
    Object.assign(notes, { frames: [], timers: [], lines: [] });
    return { frames, timers, lines };
  },
};
