//! The pushes of a window: one channel, batches, and a bound on what is on its way.
//!
//! A Tauri Channel takes everything and keeps what the page has not fetched, so a page that hangs would let the program's
//! memory grow. The page acknowledges batches by number; with [`IN_FLIGHT_BYTES`] not acknowledged nothing more is sent and
//! pushes wait in the subscriber's own bounded queue, which turns into a gap mark when it overflows or when the page has been
//! silent for long. On a gap mark the page asks for the snapshot again. A window has one subscription: a page that was
//! loaded again replaces the one before it. Each push is serialised once, when its batch is made.

use nox_api::{Api, Subscriber, WindowGuard, dto::Push};
use nox_domain::ids::SessionId;
use serde::Serialize;
use serde_json::value::RawValue;
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tauri::{async_runtime::JoinHandle, ipc::Channel};
use tokio::{sync::Notify, time::Instant};

/// Bytes of batches that the page may be behind.
pub const IN_FLIGHT_BYTES: usize = 1024 * 1024;
/// Pushes and bytes of one batch. Messages from 8 KiB on are fetched by the page rather than evaluated, which larger
/// batches gain from; a batch stays well below what may be on its way.
const BATCH_PUSHES: usize = 500;
const BATCH_BYTES: usize = 256 * 1024;

/// How long things take.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// The least time between two batches; what comes meanwhile is joined. A first push goes at once.
    joins_for: Duration,
    /// How long pushes wait for a page that acknowledges nothing.
    patience: Duration,
}

const PACE: Pace = Pace { joins_for: Duration::from_millis(16), patience: Duration::from_secs(5) };

/// Pushes that are sent together.
#[derive(Debug, Serialize, specta::Type)]
pub struct Batch {
    /// Counts up by one from 1; `acknowledge` names it.
    pub number: u32,
    /// In order.
    #[specta(type = Vec<Push>)]
    pub pushes: Vec<Box<RawValue>>,
}

/// The account of one window's channel.
#[derive(Debug, Default)]
struct Flow {
    sent: VecDeque<(u32, usize)>,
    in_flight_bytes: usize,
    last: u32,
}

impl Flow {
    fn has_room(&self) -> bool {
        self.in_flight_bytes < IN_FLIGHT_BYTES
    }

    /// A batch of this size goes; returns its number.
    fn send(&mut self, size_bytes: usize) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.sent.push_back((self.last, size_bytes));
        self.in_flight_bytes += size_bytes;
        self.last
    }

    /// The page has applied every batch up to this number. Numbers that are not on their way change nothing.
    fn acknowledge(&mut self, number: u32) {
        if !self.sent.iter().any(|(sent, _)| *sent == number) {
            return;
        }
        while let Some((sent, size_bytes)) = self.sent.pop_front() {
            self.in_flight_bytes -= size_bytes;
            if sent == number {
                break;
            }
        }
    }
}

/// What the pump and the page's commands share.
struct Line {
    ear: Subscriber,
    flow: Mutex<Flow>,
    acknowledged: Notify,
}

impl Line {
    fn new(ear: Subscriber) -> Arc<Self> {
        Arc::new(Self { ear, flow: Mutex::default(), acknowledged: Notify::new() })
    }

    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acknowledge(&self, number: u32) {
        self.flow().acknowledge(number);
        self.acknowledged.notify_one();
    }

    /// Waits until the page is near enough. One that is silent for long loses what waits for it and hears a gap.
    async fn room(&self, patience: Duration) {
        let room = async {
            while !self.flow().has_room() {
                self.acknowledged.notified().await;
            }
        };
        tokio::pin!(room);
        if tokio::time::timeout(patience, &mut room).await.is_err() {
            tracing::warn!("the page does not take its pushes in; it begins anew when it does");
            self.ear.lose();
            room.await;
        }
    }
}

/// Sends batches until the engine closes or the page is gone.
async fn pump(line: Arc<Line>, pace: Pace, mut send: impl FnMut(Batch) -> bool) {
    let mut next_at = Instant::now();
    loop {
        line.room(pace.patience).await;
        let Some(first) = line.ear.next().await else { return };
        tokio::time::sleep_until(next_at).await;
        let mut pushes = Vec::new();
        let mut size_bytes = 0;
        let mut next = Some(first);
        while let Some(push) = next {
            match serde_json::value::to_raw_value(&push) {
                Ok(text) => {
                    size_bytes += text.get().len();
                    pushes.push(text);
                }
                Err(error) => tracing::error!(%error, "a push cannot be written as JSON"),
            }
            let full = pushes.len() >= BATCH_PUSHES || size_bytes >= BATCH_BYTES;
            next = if full { None } else { line.ear.try_next() };
        }
        let number = line.flow().send(size_bytes);
        if !send(Batch { number, pushes }) {
            return;
        }
        next_at = Instant::now() + pace.joins_for;
    }
}

struct Subscription {
    line: Arc<Line>,
    pump: JoinHandle<()>,
    _attached: WindowGuard,
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// The subscriptions of all windows, by label.
#[derive(Default)]
pub struct Subscriptions {
    by_window: Mutex<HashMap<String, Subscription>>,
}

impl Subscriptions {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Subscription>> {
        self.by_window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins the pushes of a window, in place of those before.
    pub(crate) fn begin(&self, window: &str, api: &Api, channel: Channel<Batch>) {
        let line = Line::new(api.subscribe());
        let send = move |batch| match channel.send(batch) {
            Ok(()) => true,
            Err(error) => {
                tracing::info!(%error, "the page is gone; its pushes end");
                false
            }
        };
        let pump = tauri::async_runtime::spawn(pump(line.clone(), PACE, send));
        self.lock().insert(window.to_owned(), Subscription { line, pump, _attached: api.attach_window() });
    }

    /// The page has applied every batch up to this number.
    pub(crate) fn acknowledge(&self, window: &str, number: u32) {
        if let Some(subscription) = self.lock().get(window) {
            subscription.line.acknowledge(number);
        }
    }

    /// Begins or ends hearing a session's items and output.
    pub(crate) fn watch(&self, window: &str, session: &SessionId, on: bool) {
        if let Some(subscription) = self.lock().get(window) {
            subscription.line.ear.watch(session, on);
        }
    }
}

#[cfg(test)]
mod tests;
