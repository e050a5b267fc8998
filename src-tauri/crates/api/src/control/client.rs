//! A client's side of the control socket.
//!
//! A reader task hands answers to those who wait and pushes to the subscriber's bounded queue; it never waits for either,
//! so a client may ask while pushes come. The writer task ends with the last clone. When the connection is over, everybody who waits is told.

use super::{
    Error, MAX_ASKED_BYTES, MAX_TOLD_BYTES,
    line::{self, Line},
    place,
    wire::{Ask, Asked, ClientHello, EngineHello, Execute, Focus, PROTOCOL, Quit, Subscribe, Told, Watch},
};
use crate::{
    ApiError, ErrorCode,
    dto::{Face, Place},
    feed::{Subscriber, Subscribers},
};
use nox_domain::ids::{CommandId, SessionId};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, sleep, timeout},
};

/// How long an engine that is starting may take until it listens.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Between two tries.
const RETRY: Duration = Duration::from_millis(40);
/// How long an answer may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);

/// A connection to a running engine. Cheap to clone; it ends with the last clone.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    hello: EngineHello,
    /// To the writer task, so that a question which is given up never leaves half a line behind.
    out: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Waiting>,
    next_id: AtomicU64,
    /// Holds one subscriber at most; here for its bounds.
    feed: Arc<Subscribers>,
    windows: watch::Receiver<u32>,
    reader: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

type Answer = Result<Box<RawValue>, ApiError>;

/// Who waits for which answer; none when the connection is over.
struct Waiting(Mutex<Option<HashMap<u64, oneshot::Sender<Answer>>>>);

impl Waiting {
    fn table(&self) -> MutexGuard<'_, Option<HashMap<u64, oneshot::Sender<Answer>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("hello", &self.shared.hello).finish_non_exhaustive()
    }
}

impl Client {
    /// Connects to the engine of this home. One that is just starting is waited for, five seconds at most.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] when nobody listens; the lock may be free by then.
    pub async fn connect(root: &Path) -> Result<Self, Error> {
        let root = std::path::absolute(root).map_err(|source| Error::io(root, source))?;
        let deadline = Instant::now() + CONNECT_LIMIT;
        loop {
            let path = place::find(&root);
            match timeout(CONNECT_LIMIT, Self::try_connect(&path)).await {
                Ok(Ok(client)) => return Ok(client),
                // Not there yet, or already going.
                Ok(Err(Error::Ended)) | Err(_) => {}
                Ok(Err(Error::Io { source, .. })) if is_absence(&source) => {}
                Ok(Err(error)) => return Err(error),
            }
            if Instant::now() >= deadline {
                return Err(Error::NoAnswer { home: root });
            }
            sleep(RETRY).await;
        }
    }

    async fn try_connect(path: &PathBuf) -> Result<Self, Error> {
        let stream = UnixStream::connect(path).await.map_err(|source| Error::io(path, source))?;
        let peer = stream.peer_cred().map_err(|source| Error::io(path, source))?;
        if peer.uid() != nix::unistd::geteuid().as_raw() {
            return Err(Error::NotOurs { path: path.clone() });
        }
        let (read, mut write) = stream.into_split();
        let mut read = BufReader::new(read);
        let hello = ClientHello { version: env!("CARGO_PKG_VERSION").to_owned(), protocol: PROTOCOL };
        let hello = line_of(&Asked { id: None, ask: Ask::Hello(hello) })?;
        write.write_all(&hello).await.map_err(|_| Error::Ended)?;
        let told = match line::next(&mut read, MAX_TOLD_BYTES).await {
            Ok(Line::Whole(line)) => parse(&line)?,
            _ => return Err(Error::Ended),
        };
        let Some(hello) = told.hello else {
            return Err(match told.error {
                Some(error) => Error::Api(error),
                None => Error::BadLine { detail: "it did not begin with hello".into() },
            });
        };
        if hello.protocol != PROTOCOL {
            return Err(Error::OtherProtocol { engine: hello.version });
        }
        let waiting = Arc::new(Waiting(Mutex::new(Some(HashMap::new()))));
        let feed = Arc::new(Subscribers::new().0);
        let (out, lines) = mpsc::channel(16);
        tokio::spawn(write_lines(write, lines));
        let (told_windows, windows) = watch::channel(hello.windows);
        let reader = tokio::spawn(read_lines(read, waiting.clone(), feed.clone(), told_windows));
        Ok(Self {
            shared: Arc::new(Shared {
                hello,
                out,
                waiting,
                next_id: AtomicU64::new(1),
                feed,
                windows,
                reader,
            }),
        })
    }

    /// What the engine said about itself when the connection began.
    pub fn hello(&self) -> &EngineHello {
        &self.shared.hello
    }

    /// Windows that can answer a permission request; follows the engine once [`Self::subscribe`] was called.
    pub fn windows(&self) -> watch::Receiver<u32> {
        self.shared.windows.clone()
    }

    /// Shows the engine's window, at a place if one is named.
    ///
    /// # Errors
    /// [`Error::Api`] when the engine has no window.
    pub async fn focus(&self, place: Option<Place>) -> Result<(), Error> {
        self.ask("focus", Ask::Focus(Focus { place })).await.map(drop)
    }

    /// Asks the app to end in good order: sessions that work are stopped, without a question. It is still ending when
    /// this answers; the home's lock is free when it has.
    ///
    /// # Errors
    /// [`Error::Api`] when the engine has no window.
    pub async fn quit(&self) -> Result<(), Error> {
        self.ask("quit", Ask::Quit(Quit {})).await.map(drop)
    }

    /// Does an operation of the catalogue by its name. A command that may be sent twice needs an id of its own.
    ///
    /// # Errors
    /// [`Error::Api`] when the engine says no; the others when it could not be asked.
    pub async fn call<O: DeserializeOwned>(
        &self,
        operation: &str,
        command: Option<CommandId>,
        face: Face,
        input: &impl Serialize,
    ) -> Result<O, Error> {
        let input =
            serde_json::to_value(input).map_err(|error| Error::BadLine { detail: error.to_string() })?;
        let execute = Execute { operation: operation.to_owned(), command, face, input };
        let answer = self.ask(operation, Ask::Execute(execute)).await?;
        serde_json::from_str(answer.get()).map_err(|error| Error::BadLine { detail: error.to_string() })
    }

    /// Hears changes from now on. Watch sessions with [`Self::watch`], not with the subscriber.
    pub async fn subscribe(&self) -> Result<Subscriber, Error> {
        let subscriber = self.shared.feed.subscribe();
        self.ask("subscribe", Ask::Subscribe(Subscribe {})).await?;
        Ok(subscriber)
    }

    /// Begins or ends hearing a session's items and output.
    pub async fn watch(&self, session: &SessionId, on: bool) -> Result<(), Error> {
        self.ask("watch", Ask::Watch(Watch { session: session.clone(), on })).await.map(drop)
    }

    async fn ask(&self, operation: &str, ask: Ask) -> Result<Box<RawValue>, Error> {
        let id = self.shared.next_id.fetch_add(1, Ordering::Relaxed);
        let (sender, answer) = oneshot::channel();
        match self.shared.waiting.table().as_mut() {
            Some(table) => table.insert(id, sender),
            None => return Err(Error::Ended),
        };
        let asked = async {
            let line = line_of(&Asked { id: Some(id), ask })?;
            self.shared.out.send(line).await.map_err(|_| Error::Ended)?;
            answer.await.map_err(|_| Error::Ended)?.map_err(Error::Api)
        };
        let answer = timeout(ANSWER_LIMIT, asked).await;
        if let Some(table) = self.shared.waiting.table().as_mut() {
            table.remove(&id);
        }
        answer.unwrap_or_else(|_| {
            Err(Error::TimedOut { operation: operation.to_owned(), seconds: ANSWER_LIMIT.as_secs() })
        })
    }
}

async fn read_lines(
    mut read: BufReader<OwnedReadHalf>,
    waiting: Arc<Waiting>,
    feed: Arc<Subscribers>,
    windows: watch::Sender<u32>,
) {
    loop {
        let told = match line::next(&mut read, MAX_TOLD_BYTES).await {
            Ok(Line::Whole(line)) => parse(&line),
            Ok(Line::TooLong) => Err(Error::BadLine { detail: "a line is too long".into() }),
            Ok(Line::Closed) | Err(_) => break,
        };
        let told = match told {
            Ok(told) => told,
            Err(error) => {
                tracing::error!(%error, "the control connection ends");
                break;
            }
        };
        if let Some(id) = told.id {
            let answer = match told.error {
                Some(error) => Err(error),
                None => Ok(told.ok.unwrap_or_else(|| RawValue::NULL.to_owned())),
            };
            let sender = waiting.table().as_mut().and_then(|table| table.remove(&id));
            if let Some(sender) = sender {
                let _ = sender.send(answer);
            }
        } else if let Some(push) = told.push {
            feed.tell(&push);
        } else if let Some(count) = told.windows {
            windows.send_replace(count);
        }
    }
    // Whoever waits hears that its sender is gone.
    waiting.table().take();
    feed.close();
}

fn parse(line: &[u8]) -> Result<Told, Error> {
    serde_json::from_slice(line).map_err(|error| Error::BadLine { detail: error.to_string() })
}

fn line_of(asked: &Asked) -> Result<Vec<u8>, Error> {
    let mut line = serde_json::to_vec(asked).map_err(|error| Error::BadLine { detail: error.to_string() })?;
    if line.len() > MAX_ASKED_BYTES {
        let message = format!("this is too long: {} bytes of at most {MAX_ASKED_BYTES}", line.len());
        let error = ApiError::new(ErrorCode::BadInput, message);
        return Err(Error::Api(error.hint("Put long texts into a file and name the file.")));
    }
    line.push(b'\n');
    Ok(line)
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused)
}
