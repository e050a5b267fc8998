//! What clients hear: every change once and in order, or a gap that says so.
//!
//! Each subscriber has a bounded queue of its own. One that is too slow loses what is queued and hears [`Push::Gap`]: it
//! then asks for the snapshot again. It never slows the engine or another subscriber.

use crate::dto::{Changed, OutputPiece, Push};
use nox_domain::ids::{ItemId, SessionId};
use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};
use tokio::sync::Notify;

/// Pushes that may wait for one subscriber.
const QUEUE: usize = 1024;
/// Bytes of output that may wait for one subscriber; beyond that it reads the spool.
const OUTPUT_BYTES: usize = 1024 * 1024;

/// A client's ear. Dropping it ends the subscription.
#[derive(Clone)]
pub struct Subscriber {
    inner: Arc<Inner>,
}

struct Inner {
    state: Mutex<State>,
    rung: Notify,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Push>,
    /// Whether the next thing heard is a gap.
    gap: bool,
    watched: HashSet<SessionId>,
    output_bytes: usize,
    closed: bool,
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
                if let Some(push) = state.queue.pop_front() {
                    state.output_bytes -= output_bytes(&push);
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
        let push = state.queue.pop_front()?;
        state.output_bytes -= output_bytes(&push);
        Some(push)
    }

    /// Begins or ends hearing a session's items and output.
    pub fn watch(&self, session: &SessionId, on: bool) {
        let mut state = self.inner.state();
        if on {
            state.watched.insert(session.clone());
        } else {
            state.watched.remove(session);
        }
    }

    /// Says that some pushes were lost on the way; the client hears a gap next.
    pub fn lose(&self) {
        let mut state = self.inner.state();
        state.queue.clear();
        state.output_bytes = 0;
        state.gap = true;
        self.inner.rung.notify_one();
    }

    /// Puts a push of the face itself into the queue.
    pub fn push(&self, push: Push) {
        self.inner.push(push);
    }
}

impl Inner {
    fn push(&self, push: Push) {
        let mut state = self.state();
        if state.queue.len() >= QUEUE {
            state.queue.clear();
            state.output_bytes = 0;
            state.gap = true;
        } else if !state.gap {
            state.output_bytes += output_bytes(&push);
            state.queue.push_back(push);
        }
        self.rung.notify_one();
    }
}

fn output_bytes(push: &Push) -> usize {
    match push {
        Push::Output { pieces, .. } => pieces.iter().map(|piece| piece.text.len()).sum(),
        _ => 0,
    }
}

/// All subscribers.
#[derive(Default)]
pub(crate) struct Subscribers {
    all: Mutex<Vec<Weak<Inner>>>,
}

impl Subscribers {
    pub(crate) fn subscribe(&self) -> Subscriber {
        let inner = Arc::new(Inner { state: Mutex::default(), rung: Notify::new() });
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
    pub(crate) fn changed(
        &self,
        seq: nox_domain::Size,
        command: Option<nox_domain::ids::CommandId>,
        rows: &[Changed],
    ) {
        self.each(|inner| {
            let mine: Vec<Changed> = {
                let state = inner.state();
                rows.iter()
                    .filter(|row| match row {
                        Changed::Item(item) => state.watched.contains(&item.session),
                        _ => true,
                    })
                    .cloned()
                    .collect()
            };
            // A command's own push is sent even if it is empty: its client waits for it.
            if !mine.is_empty() || command.is_some() {
                inner.push(Push::Changed { seq, command: command.clone(), rows: mine });
            }
        });
    }

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
            let wants = {
                let state = inner.state();
                state.watched.contains(session) && state.output_bytes < OUTPUT_BYTES
            };
            if wants {
                inner.push(Push::Output {
                    session: session.clone(),
                    item: item.clone(),
                    pieces: pieces.to_vec(),
                });
            }
        });
    }

    /// Passes on what came from another engine, within the same bounds.
    pub(crate) fn offer(&self, push: &Push) {
        self.each(|inner| {
            let too_much = matches!(push, Push::Output { .. }) && inner.state().output_bytes >= OUTPUT_BYTES;
            if !too_much {
                inner.push(push.clone());
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
