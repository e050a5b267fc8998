//! A feed: the read model from a cursor onwards, first from disk, then live, each change once and none left out.
//!
//! Whoever mirrors rows uses this instead of a bare subscription. It attaches before it reads, so nothing falls
//! between; it drops live commits that the replay has shown already, so nothing goes back in time; and when it was
//! too slow and missed commits, it replays them from disk by itself.

use std::sync::Arc;

use crate::{
    Next, Store, Subscription,
    error::Error,
    model::{Commit, StoredRow},
};

/// Rows per page of a replay.
const PAGE_ROWS: u32 = 500;

/// What a feed brings.
#[derive(Debug, Clone)]
pub enum Update {
    /// Changed rows and tombstones from disk, as they are now.
    Replay {
        /// By `seq`.
        rows: Vec<StoredRow>,
        /// Everything up to here has been shown.
        through: i64,
        /// More pages follow before the next commit.
        more: bool,
    },
    /// A commit as it happened; its `first_seq` is larger than everything shown before.
    Commit(Arc<Commit>),
}

/// See the module. Made by [`Store::follow`].
#[derive(Debug)]
pub struct Feed {
    store: Store,
    live: Subscription,
    /// Everything up to here has been shown.
    shown: i64,
    is_replaying: bool,
}

impl Feed {
    pub(crate) fn new(store: Store, after_seq: i64) -> Self {
        let live = store.subscribe();
        Self { store, live, shown: after_seq, is_replaying: true }
    }

    /// The next update; `None` when the store is closed. The first one is always a replay, if only an empty one.
    ///
    /// Safe to drop half-way. After an error the feed goes on where it was.
    ///
    /// # Errors
    /// Those of a read.
    pub async fn next(&mut self) -> Option<Result<Update, Error>> {
        loop {
            if self.is_replaying {
                let after = self.shown;
                let page = match self.store.rows_changed_after(after, PAGE_ROWS).await {
                    Ok(page) => page,
                    Err(Error::Closed) => return None,
                    Err(error) => return Some(Err(error)),
                };
                self.shown = page.through;
                self.is_replaying = page.more;
                return Some(Ok(Update::Replay { rows: page.rows, through: page.through, more: page.more }));
            }
            match self.live.next().await? {
                Next::Commit(commit) if commit.last_seq <= self.shown => {}
                Next::Commit(commit) => {
                    self.shown = commit.last_seq;
                    return Some(Ok(Update::Commit(commit)));
                }
                Next::Gap { .. } => self.is_replaying = true,
            }
        }
    }
}
