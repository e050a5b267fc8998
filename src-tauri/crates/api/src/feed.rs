//! What clients hear: every change once and in order, or a gap that says so.
//!
//! Each subscriber has a bounded queue of its own. One that is too slow loses what is queued and hears [`Push::Gap`]: it
//! then asks for the snapshot again. It never slows the engine or another subscriber. Rows wait shared by all, and are
//! copied only when one is heard.

use crate::dto::{Changed, OutputPiece, Push};
use nox_domain::{
    Size,
    ids::{CommandId, ItemId, SessionId},
};
use serde::Serialize;
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::{Notify, mpsc};

/// Pushes that may wait for one subscriber.
const QUEUE: usize = 1024;
/// Bytes that may wait for one subscriber. Output beyond that is read from the spool; for anything else it hears a gap.
const QUEUE_BYTES: usize = 1024 * 1024;

/// A client's ear. Dropping it ends the subscription.
#[derive(Clone)]
pub struct Subscriber {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    rung: Notify,
    /// Hears which sessions a client had attached to when it goes away.
    left: mpsc::UnboundedSender<SessionId>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for session in state.attached.drain() {
            // Nobody hears it when the engine ends, which is no disconnection.
            let _ = self.left.send(session);
        }
    }
}

#[derive(Default)]
struct State {
    queue: VecDeque<Waiting>,
    /// Whether the next thing heard is a gap.
    gap: bool,
    watched: HashSet<SessionId>,
    /// Sessions that were watched at some time: looking elsewhere does not detach a client, going away does.
    attached: HashSet<SessionId>,
    bytes: usize,
    closed: bool,
}

/// A push that waits, and roughly how many bytes it is.
struct Waiting {
    what: What,
    bytes: usize,
}

enum What {
    Push(Push),
    /// Rows of one commit, shared with the other subscribers; those at `mine` are for this one.
    Rows {
        seq: Size,
        command: Option<CommandId>,
        rows: Arc<[Changed]>,
        mine: Vec<usize>,
    },
}

impl State {
    fn pop(&mut self) -> Option<Push> {
        let waiting = self.queue.pop_front()?;
        self.bytes -= waiting.bytes;
        Some(match waiting.what {
            What::Push(push) => push,
            What::Rows { seq, command, rows, mine } => {
                let rows = mine.into_iter().filter_map(|at| rows.get(at).cloned()).collect();
                Push::Changed { seq, command, rows }
            }
        })
    }

    fn lose(&mut self) {
        self.queue.clear();
        self.bytes = 0;
        self.gap = true;
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscriber {
    /// The next push; none when the engine closed.
    pub async fn next(&self) -> Option<Push> {
        loop {
            let rung = self.inner.rung.notified();
            {
                let mut state = self.inner.state();
                if std::mem::take(&mut state.gap) {
                    return Some(Push::Gap);
                }
                if let Some(push) = state.pop() {
                    return Some(push);
                }
                if state.closed {
                    return None;
                }
            }
            rung.await;
        }
    }

    /// What waits already, without waiting.
    pub fn try_next(&self) -> Option<Push> {
        let mut state = self.inner.state();
        if std::mem::take(&mut state.gap) {
            return Some(Push::Gap);
        }
        state.pop()
    }

    /// Begins or ends hearing a session's items and output.
    pub fn watch(&self, session: &SessionId, on: bool) {
        let mut state = self.inner.state();
        if on {
            state.watched.insert(session.clone());
            state.attached.insert(session.clone());
        } else {
            state.watched.remove(session);
        }
    }

    /// Says that some pushes were lost on the way; the client hears a gap next.
    pub fn lose(&self) {
        self.inner.state().lose();
        self.inner.rung.notify_one();
    }

    /// Puts a push of the face itself into the queue.
    pub fn push(&self, push: Push) {
        self.inner.push(push);
    }
}

/// Roughly how many bytes a value is on its way to a client.
fn weight<T: Serialize>(value: &T) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting cannot fail, and our own values always have JSON.
    let _ = serde_json::to_writer(&mut count, value);
    count.0
}

impl Inner {
    fn push(&self, push: Push) {
        let bytes = weight(&push);
        self.put(Waiting { what: What::Push(push), bytes });
    }

    fn put(&self, waiting: Waiting) {
        let mut state = self.state();
        // One that is alone may be larger than the bound.
        let is_full = state.queue.len() >= QUEUE
            || (!state.queue.is_empty() && state.bytes + waiting.bytes > QUEUE_BYTES);
        if is_full {
            if matches!(waiting.what, What::Push(Push::Output { .. })) {
                return;
            }
            state.lose();
        } else if !state.gap {
            state.bytes += waiting.bytes;
            state.queue.push_back(waiting);
        }
        self.rung.notify_one();
    }
}

/// All subscribers.
pub(crate) struct Subscribers {
    all: Mutex<Vec<Weak<Inner>>>,
    left: mpsc::UnboundedSender<SessionId>,
}

impl Subscribers {
    /// None yet; the other end hears each session that a client was attached to when it went away.
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<SessionId>) {
        let (left, leaving) = mpsc::unbounded_channel();
        (Self { all: Mutex::default(), left }, leaving)
    }

    /// Whether a client that is there has attached to this session.
    pub(crate) fn is_attached(&self, session: &SessionId) -> bool {
        let mut attached = false;
        self.each(|inner| attached |= inner.state().attached.contains(session));
        attached
    }

    pub(crate) fn subscribe(&self) -> Subscriber {
        let left = self.left.clone();
        let inner = Arc::new(Inner { state: Mutex::default(), rung: Notify::new(), left });
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::downgrade(&inner));
        Subscriber { inner }
    }

    fn each(&self, mut tell: impl FnMut(&Inner)) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|weak| match weak.upgrade() {
            Some(inner) => {
                tell(&inner);
                true
            }
            None => false,
        });
    }

    /// Tells everybody; items only those who watch their session.
    pub(crate) fn changed(&self, seq: Size, command: Option<CommandId>, rows: Vec<Changed>) {
        let rows: Arc<[Changed]> = rows.into();
        let mut weights: Option<Vec<usize>> = None;
        self.each(|inner| {
            let weights = weights.get_or_insert_with(|| rows.iter().map(weight).collect());
            let mine: Vec<usize> = {
                let state = inner.state();
                let concerns = |row: &Changed| match row {
                    Changed::Item(item) => state.watched.contains(&item.session),
                    Changed::Controls(row) => state.watched.contains(&row.session),
                    _ => true,
                };
                (0..rows.len()).filter(|at| concerns(&rows[*at])).collect()
            };
            // A command's own push is sent even if it is empty: its client waits for it.
            if !mine.is_empty() || command.is_some() {
                let bytes = mine.iter().map(|at| weights[*at]).sum();
                let what = What::Rows { seq, command: command.clone(), rows: rows.clone(), mine };
                inner.put(Waiting { what, bytes });
            }
        });
    }

    /// Tells everybody the same, within their bounds.
    pub(crate) fn tell(&self, push: &Push) {
        self.each(|inner| inner.push(push.clone()));
    }

    /// Whether anybody watches this session.
    pub(crate) fn is_watched(&self, session: &SessionId) -> bool {
        let mut watched = false;
        self.each(|inner| watched |= inner.state().watched.contains(session));
        watched
    }

    /// Sends output to those who watch its session. One who is behind loses it: the offsets tell, the spool has it.
    pub(crate) fn output(&self, session: &SessionId, item: &ItemId, pieces: &[OutputPiece]) {
        self.each(|inner| {
            let wants = inner.state().watched.contains(session);
            if wants {
                inner.push(Push::Output {
                    session: session.clone(),
                    item: item.clone(),
                    pieces: pieces.to_vec(),
                });
            }
        });
    }

    pub(crate) fn close(&self) {
        self.each(|inner| {
            inner.state().closed = true;
            inner.rung.notify_one();
        });
    }
}

#[cfg(test)]
mod tests;
