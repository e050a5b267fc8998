//! The thread that waits for the keychain so that nobody else has to.
//!
//! [`Workers`] keeps one queue and one thread that serves it. A locked keychain can hold a call for ever and no call can be
//! cancelled, so a call over its time limit costs its thread: the thread is given up, a new one with a connection of its own
//! goes on with the queue, and the old one ends whenever its call returns. At most [`MAX_STUCK`] threads are given up at a
//! time; then requests are refused at once until one of them comes back.

use crate::keychain::{HINT, Keychain};
use crate::{Error, KeychainState, Result};
use secrecy::SecretString;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How many threads may be stuck in a call before requests are refused.
pub(crate) const MAX_STUCK: usize = 4;

/// After this time an unanswered prompt counts as lost (its keychain may have been restarted) and the user is asked again.
const PROMPT_AGE: Duration = Duration::from_secs(60);

/// What can be asked of the keychain.
pub(crate) enum Request {
    Put { account: String, value: SecretString },
    Get { account: String },
    Delete { account: String },
    Status,
}

/// What it answers.
pub(crate) enum Reply {
    Done,
    Value(Option<SecretString>),
    State(KeychainState),
}

/// What the caller and the thread both look at while a call runs.
#[derive(Default)]
struct Watch {
    /// The caller has given up: a call that has not touched the keychain's content must not do so any more. Without this, a
    /// `put` held back by a prompt would overwrite a later one once the user answers.
    given_up: AtomicBool,
    /// The thread waits for the user to unlock the keychain.
    unlocking: AtomicBool,
}

struct Job {
    request: Request,
    watch: Arc<Watch>,
    /// Told the number of the thread that took the job, when it takes it.
    started: oneshot::Sender<u64>,
    done: oneshot::Sender<Result<Reply>>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    /// The thread that serves the queue; a thread that finds another number here has been given up and ends.
    serving: Option<u64>,
    last_number: u64,
    stuck: usize,
    /// When the user was last asked to unlock the keychain, while that prompt is open: one prompt, not one per request.
    prompted_at: Option<Instant>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

/// The queue and its threads.
pub(crate) struct Workers {
    shared: Arc<Shared>,
    time_limit: Duration,
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_all();
    }
}

impl Workers {
    pub(crate) fn new(time_limit: Duration) -> Self {
        Self { shared: Arc::default(), time_limit }
    }

    /// Runs one request. The time limit begins when the request's turn comes.
    pub(crate) async fn call(&self, request: Request) -> Result<Reply> {
        let (started, was_started) = oneshot::channel();
        let (done, mut answer) = oneshot::channel();
        let watch = Arc::<Watch>::default();
        self.shared.submit(Job { request, watch: watch.clone(), started, done })?;

        // A task of its own watches the call: a caller that is dropped must not leave a stuck thread in front of the queue.
        let (shared, time_limit) = (self.shared.clone(), self.time_limit);
        let watching = tokio::spawn(async move {
            let Ok(number) = was_started.await else {
                return answer.await.unwrap_or_else(|_| Err(refused()));
            };
            if let Ok(result) = tokio::time::timeout(time_limit, &mut answer).await {
                return result
                    .unwrap_or_else(|_| Err(Error::Backend { what: "the call was lost".to_owned() }));
            }
            watch.given_up.store(true, Ordering::SeqCst);
            shared.give_up(number);
            if watch.unlocking.load(Ordering::SeqCst) {
                Err(Error::Locked)
            } else {
                Err(Error::TimedOut { secs: time_limit.as_millis().div_ceil(1000) as u64 })
            }
        });
        watching.await.unwrap_or_else(|_| Err(Error::Backend { what: "the call was lost".to_owned() }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(self: &Arc<Self>, job: Job) -> Result<()> {
        let mut state = self.lock();
        if state.serving.is_none() {
            self.start_thread(&mut state)?;
        }
        state.jobs.push_back(job);
        self.changed.notify_all();
        Ok(())
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> Result<()> {
        if state.stuck >= MAX_STUCK {
            return Err(refused());
        }
        let number = state.last_number + 1;
        let shared = self.clone();
        std::thread::Builder::new()
            .name("nox-keychain".to_owned())
            .spawn(move || shared.serve(number))
            .map_err(|error| Error::Unavailable {
                why: format!("no thread for it: {error}"),
                hint: HINT.to_owned(),
            })?;
        state.last_number = number;
        state.serving = Some(number);
        Ok(())
    }

    /// Gives up the thread `number`, which is over its time, and lets a new one go on with the queue.
    fn give_up(self: &Arc<Self>, number: u64) {
        let mut state = self.lock();
        if state.serving != Some(number) {
            return;
        }
        state.serving = None;
        state.stuck += 1;
        tracing::warn!(stuck = state.stuck, "a keychain call did not return; its thread is given up");
        if state.jobs.is_empty() {
            return;
        }
        if let Err(error) = self.start_thread(&mut state) {
            for job in state.jobs.drain(..) {
                // The caller may be gone, then nobody is left to tell.
                let _ = job.done.send(Err(error.clone()));
            }
        }
    }

    /// The thread: takes jobs until it is given up or nobody can ask any more.
    fn serve(&self, number: u64) {
        let mut keychain = None;
        while let Some(Job { request, watch, started, done }) = self.next(number) {
            // Only a caller that is already waiting can be told; a caller that is gone loses nothing.
            let _ = started.send(number);
            let result = catch_unwind(AssertUnwindSafe(|| self.run(&mut keychain, &request, &watch)));
            let result = result.unwrap_or_else(|_| {
                keychain = None;
                Err(Error::Backend { what: "the keychain's client failed".to_owned() })
            });
            let _ = done.send(result);
        }
    }

    /// Waits for the next job of thread `number`; `None` ends the thread.
    fn next(&self, number: u64) -> Option<Job> {
        let mut state = self.lock();
        loop {
            if state.serving != Some(number) {
                state.stuck -= 1;
                return None;
            }
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Runs a request, and once more over a new connection if an old one failed: the keychain may have been restarted.
    fn run(&self, keychain: &mut Option<Keychain>, request: &Request, watch: &Watch) -> Result<Reply> {
        let was_connected = keychain.is_some();
        let result = self.run_once(keychain, request, watch);
        match result {
            Err(Error::Backend { .. } | Error::Unavailable { .. }) => {
                *keychain = None;
                if was_connected && !watch.given_up.load(Ordering::SeqCst) {
                    self.run_once(keychain, request, watch)
                } else {
                    result
                }
            }
            other => other,
        }
    }

    fn run_once(&self, keychain: &mut Option<Keychain>, request: &Request, watch: &Watch) -> Result<Reply> {
        let keychain = match keychain {
            Some(keychain) => keychain,
            None => keychain.insert(Keychain::connect()?),
        };
        let locked = keychain.is_locked()?;
        if let Request::Status = request {
            return Ok(Reply::State(if locked { KeychainState::Locked } else { KeychainState::Available }));
        }
        if locked {
            self.unlock(keychain, watch)?;
        }
        if watch.given_up.load(Ordering::SeqCst) {
            return Err(Error::Locked);
        }
        match request {
            Request::Put { account, value } => keychain.put(account, value).map(|()| Reply::Done),
            Request::Get { account } => keychain.get(account).map(Reply::Value),
            Request::Delete { account } => keychain.delete(account).map(|()| Reply::Done),
            Request::Status => Ok(Reply::Done),
        }
    }

    fn unlock(&self, keychain: &Keychain, watch: &Watch) -> Result<()> {
        let now = Instant::now();
        {
            let mut state = self.lock();
            if state.prompted_at.is_some_and(|at| now.duration_since(at) < PROMPT_AGE) {
                return Err(Error::Locked);
            }
            state.prompted_at = Some(now);
        }
        watch.unlocking.store(true, Ordering::SeqCst);
        let result = keychain.unlock();
        watch.unlocking.store(false, Ordering::SeqCst);
        let mut state = self.lock();
        if state.prompted_at == Some(now) {
            state.prompted_at = None;
        }
        result
    }
}

fn refused() -> Error {
    Error::Unavailable {
        why: format!("{MAX_STUCK} calls wait for it and none returns"),
        hint: HINT.to_owned(),
    }
}
