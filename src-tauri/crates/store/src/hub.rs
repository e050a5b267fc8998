//! The hub: hands every durable commit, in order, to whoever subscribed.
//!
//! The writer thread publishes; faces and the engine subscribe. A subscriber has a bounded queue. When it is full,
//! the queue is thrown away and the subscriber is told so by one gap mark: everything it missed is on disk, so it
//! replays from there. Hence a slow subscriber costs bounded memory, never slows the writer and never loses
//! anything silently. What replaying means is left to [`Feed`](crate::Feed).

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::sync::Notify;

use crate::model::Commit;

/// Bounds of one subscriber's queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) commits: usize,
    pub(crate) bytes: usize,
}

/// All subscribers.
#[derive(Debug)]
pub(crate) struct Hub {
    bounds: Bounds,
    mailboxes: Mutex<Mailboxes>,
}

#[derive(Debug, Default)]
struct Mailboxes {
    open: Vec<Weak<Mailbox>>,
    closed: bool,
}

#[derive(Debug, Default)]
struct Mailbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Arc<Commit>>,
    bytes: usize,
    /// Set while the subscriber has not yet been told that it missed commits after this `seq`.
    gap_after: Option<i64>,
    closed: bool,
}

/// What a subscriber gets.
#[derive(Debug, Clone)]
pub enum Next {
    /// The next commit.
    Commit(Arc<Commit>),
    /// Commits after `after_seq` were not kept for this subscriber: read them from the store. Those that follow
    /// in the subscription may be among them.
    Gap {
        /// The last `seq` that is certain to have come before the gap.
        after_seq: i64,
    },
}

/// A place in the hub. Dropping it unsubscribes.
#[derive(Debug)]
pub struct Subscription {
    mailbox: Arc<Mailbox>,
}

impl Hub {
    pub(crate) fn new(bounds: Bounds) -> Self {
        Self { bounds, mailboxes: Mutex::default() }
    }

    pub(crate) fn subscribe(&self) -> Subscription {
        let mailbox = Arc::new(Mailbox::default());
        let mut mailboxes = locked(&self.mailboxes);
        locked(&mailbox.queue).closed = mailboxes.closed;
        mailboxes.open.push(Arc::downgrade(&mailbox));
        Subscription { mailbox }
    }

    /// Whether a commit need not be put together, since nobody would get it.
    pub(crate) fn is_deserted(&self) -> bool {
        let mut mailboxes = locked(&self.mailboxes);
        mailboxes.open.retain(|mailbox| mailbox.strong_count() > 0);
        mailboxes.open.is_empty()
    }

    /// Hands out one commit. Only the writer thread calls this, so the order is that of the log.
    pub(crate) fn publish(&self, commit: &Arc<Commit>) {
        for mailbox in locked(&self.mailboxes).open.iter().filter_map(Weak::upgrade) {
            mailbox.push(commit, self.bounds);
        }
    }

    /// Lets subscribers read what is waiting, then end.
    pub(crate) fn close(&self) {
        let mut mailboxes = locked(&self.mailboxes);
        mailboxes.closed = true;
        for mailbox in mailboxes.open.drain(..).filter_map(|mailbox| mailbox.upgrade()) {
            locked(&mailbox.queue).closed = true;
            mailbox.filled.notify_one();
        }
    }
}

impl Mailbox {
    fn push(&self, commit: &Arc<Commit>, bounds: Bounds) {
        let mut queue = locked(&self.queue);
        if queue.gap_after.is_some() {
            // The subscriber will read this commit from disk, since it asks after it has seen the mark.
            return;
        }
        let is_full = queue.waiting.len() >= bounds.commits
            || (!queue.waiting.is_empty() && queue.bytes + commit.size_bytes > bounds.bytes);
        if is_full {
            let first_missed = queue.waiting.front().map_or(commit.first_seq, |oldest| oldest.first_seq);
            queue.gap_after = Some(first_missed - 1);
            queue.waiting = VecDeque::new();
            queue.bytes = 0;
        } else {
            queue.bytes += commit.size_bytes;
            queue.waiting.push_back(Arc::clone(commit));
        }
        drop(queue);
        self.filled.notify_one();
    }

    /// `None` when there is nothing to take, `Some(None)` at the end.
    fn take(&self) -> Option<Option<Next>> {
        let mut queue = locked(&self.queue);
        if let Some(after_seq) = queue.gap_after.take() {
            return Some(Some(Next::Gap { after_seq }));
        }
        if let Some(commit) = queue.waiting.pop_front() {
            queue.bytes -= commit.size_bytes;
            return Some(Some(Next::Commit(commit)));
        }
        queue.closed.then_some(None)
    }
}

impl Subscription {
    /// Waits for the next commit or gap; `None` when the store is closed and everything was read.
    ///
    /// Safe to drop half-way, for example in a `select!`: nothing is lost.
    pub async fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(taken) = self.mailbox.take() {
                return taken;
            }
            self.mailbox.filled.notified().await;
        }
    }

    /// What is there already, without waiting.
    pub fn try_next(&mut self) -> Option<Next> {
        self.mailbox.take().flatten()
    }
}

/// A panic elsewhere leaves these queues whole, since nothing under the lock can panic half-way.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
