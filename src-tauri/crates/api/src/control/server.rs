//! The engine's side of the control socket.
//!
//! One task accepts; each connection has a reader, a writer with a bounded queue, and, once it subscribed, a task that
//! moves pushes into that queue. All of them end with the [`Control`]. Operations run on tasks of their own that nothing
//! ends, so that a command is not cut in the middle.

use super::{
    Error, MAX_ASKED_BYTES, MAX_TOLD_BYTES,
    line::{self, Line},
    place::{Place, runtime_folder},
    wire::{Ask, Asked, ClientHello, EngineHello, Execute, PROTOCOL, Told, Wish},
};
use crate::{
    Api, ApiError, ErrorCode, OPERATIONS, OperationKind,
    dto::{Caller, Push},
    feed::Subscriber,
};
use nox_domain::ids::CommandId;
use nox_engine::vitals::ProcessIdentity;
use serde_json::value::RawValue;
use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc, watch},
    task::{JoinHandle, JoinSet},
    time::timeout,
};

/// Connections at the same time.
const MAX_CLIENTS: u32 = 64;
/// Operations of one connection at the same time; further lines wait unread.
const MAX_OPERATIONS: usize = 16;
/// Lines that wait for a client to read them.
const QUEUE: usize = 64;
/// How long a client may take to say hello.
const HELLO_LIMIT: Duration = Duration::from_secs(5);

type Window = Arc<dyn Fn(Wish) + Send + Sync>;

/// The listening socket. Dropping it ends all connections and removes the socket.
#[derive(Debug)]
pub struct Control {
    clients: watch::Receiver<u32>,
    accepting: JoinHandle<()>,
    _place: Place,
}

impl Control {
    /// Clients that are connected now.
    pub fn clients(&self) -> watch::Receiver<u32> {
        self.clients.clone()
    }

    /// Ends all connections and waits until they are over.
    pub async fn close(mut self) {
        self.accepting.abort();
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Listens for clients; `window` does what they want of the program. It must not block.
///
/// # Errors
/// When the socket cannot be made. Must be called inside a tokio runtime.
pub fn serve(api: Api, window: impl Fn(Wish) + Send + Sync + 'static) -> Result<Control, Error> {
    listen(api, Some(Arc::new(window)))
}

/// Listens for clients in an engine that has no window: wishes are answered with an error.
///
/// # Errors
/// As [`serve`].
pub fn serve_without_window(api: Api) -> Result<Control, Error> {
    listen(api, None)
}

fn listen(api: Api, window: Option<Window>) -> Result<Control, Error> {
    let place = Place::take(api.engine().home().root(), runtime_folder())?;
    let listener = UnixListener::bind(&place.socket).map_err(|source| Error::io(&place.socket, source))?;
    place.close_to_others()?;
    let (count, clients) = watch::channel(0);
    let accepting = tokio::spawn(accept(listener, api, window, count));
    Ok(Control { clients, accepting, _place: place })
}

async fn accept(listener: UnixListener, api: Api, window: Option<Window>, count: watch::Sender<u32>) {
    let count = Arc::new(count);
    let mut connections = JoinSet::new();
    loop {
        let stream = tokio::select! {
            Some(_) = connections.join_next(), if !connections.is_empty() => continue,
            stream = listener.accept() => stream,
        };
        match stream {
            Ok((stream, _)) => {
                if !is_ours(&stream) || *count.borrow() >= MAX_CLIENTS {
                    tracing::warn!("a client of the control socket was refused");
                    continue;
                }
                let counted = Counted::new(count.clone());
                let (api, window) = (api.clone(), window.clone());
                connections.spawn(async move {
                    let _counted = counted;
                    connection(stream, api, window).await;
                });
            }
            Err(error) => {
                // Mostly too many open files: others may close theirs meanwhile.
                tracing::warn!(%error, "the control socket cannot accept");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

fn is_ours(stream: &UnixStream) -> bool {
    stream.peer_cred().is_ok_and(|peer| peer.uid() == nix::unistd::geteuid().as_raw())
}

/// One client in the count.
struct Counted(Arc<watch::Sender<u32>>);

impl Counted {
    fn new(count: Arc<watch::Sender<u32>>) -> Self {
        count.send_modify(|count| *count += 1);
        Self(count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}

async fn connection(stream: UnixStream, api: Api, window: Option<Window>) {
    // Now, while it is there for sure: it may be gone when what it asked for begins.
    let pid = stream.peer_cred().ok().and_then(|peer| peer.pid()).and_then(|pid| u32::try_from(pid).ok());
    let look = move || pid.map(ProcessIdentity::with_ancestors).unwrap_or_default();
    let processes = tokio::task::spawn_blocking(look).await.unwrap_or_default();
    // Decided once: what runs ends, and with it what tells where the client came from. Who cannot be told is inside.
    let place = if cfg!(target_os = "linux") && processes.is_empty() {
        Standing::Unknown
    } else if api.engine().is_inside_a_run(&processes).await.unwrap_or(true) {
        Standing::Inside
    } else {
        Standing::Outside
    };
    let (read, write) = stream.into_split();
    let (out, lines) = mpsc::channel(QUEUE);
    let mut tasks = JoinSet::new();
    let writer = tokio::spawn(write_lines(write, lines));
    let mut client = Client {
        subscriber: None,
        room: Arc::new(Semaphore::new(MAX_OPERATIONS)),
        alive: Arc::new(AtomicBool::new(true)),
        out,
        processes,
        place,
        api,
        window,
    };
    let _last = EndWriter { writer: writer.abort_handle() };
    if let Err(problem) = client.talk(read, &mut tasks).await {
        let told = Told { error: Some(problem), ..Told::default() };
        let _ = client.out.send(line_of(&told)).await;
    }
    client.alive.store(false, Ordering::Relaxed);
    drop(tasks);
    drop(client);
    // What is in the queue is still written; operations under way hold the queue open and are not waited for long.
    let _ = timeout(HELLO_LIMIT, writer).await;
}

/// Ends the writer with its connection, whatever ended that.
struct EndWriter {
    writer: tokio::task::AbortHandle,
}

impl Drop for EndWriter {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write_lines(mut write: OwnedWriteHalf, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if write.write_all(&line).await.is_err() {
            return;
        }
    }
}

struct Client {
    api: Api,
    window: Option<Window>,
    subscriber: Option<Subscriber>,
    room: Arc<Semaphore>,
    alive: Arc<AtomicBool>,
    out: mpsc::Sender<Vec<u8>>,
    /// Who it is: its process and those above it.
    processes: Vec<ProcessIdentity>,
    /// From where it asks.
    place: Standing,
}

/// From where a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// A terminal or another program of the person.
    Outside,
    /// A run.
    Inside,
    /// It cannot be told, so it may be a run, and not which.
    Unknown,
}

impl Client {
    /// Reads until the client is gone. An error is told as the last line.
    async fn talk(&mut self, read: OwnedReadHalf, tasks: &mut JoinSet<()>) -> Result<(), ApiError> {
        let mut read = BufReader::new(read);
        let Ok(first) = timeout(HELLO_LIMIT, self.next(&mut read)).await else {
            return Err(bad("no hello came in time"));
        };
        match first? {
            Some(Asked { ask: Ask::Hello(hello), .. }) => self.greet(&hello).await?,
            Some(_) => return Err(bad("the first line must be hello")),
            None => return Ok(()),
        }
        while let Some(asked) = self.next(&mut read).await? {
            self.take(asked, tasks).await?;
        }
        Ok(())
    }

    async fn next(&self, read: &mut BufReader<OwnedReadHalf>) -> Result<Option<Asked>, ApiError> {
        match line::next(read, MAX_ASKED_BYTES).await {
            Ok(Line::Whole(line)) => match serde_json::from_slice(&line) {
                Ok(asked) => Ok(Some(asked)),
                Err(error) => Err(bad(format!("the line is not understood: {error}"))),
            },
            Ok(Line::TooLong) => Err(bad(format!("a line has more than {MAX_ASKED_BYTES} bytes"))
                .hint("Put long texts into a file and name the file.")),
            Ok(Line::Closed) | Err(_) => Ok(None),
        }
    }

    async fn greet(&self, hello: &ClientHello) -> Result<(), ApiError> {
        let told = Told {
            hello: Some(EngineHello {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                protocol: PROTOCOL,
                home: self.api.engine().home().root().display().to_string(),
                pid: std::process::id(),
                windows: self.api.windows(),
            }),
            ..Told::default()
        };
        self.tell(&told).await;
        if hello.protocol == PROTOCOL {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::UnknownOperation,
            format!(
                "this engine is of version {}, the client of {}",
                env!("CARGO_PKG_VERSION"),
                hello.version
            ),
        )
        .hint("Update the older one."))
    }

    async fn take(&mut self, asked: Asked, tasks: &mut JoinSet<()>) -> Result<(), ApiError> {
        let Some(id) = asked.id else { return Err(bad("a line needs an id")) };
        match asked.ask {
            Ask::Execute(execute) => {
                // Without room the next lines stay unread, and the client waits.
                let Ok(room) = self.room.clone().acquire_owned().await else { return Ok(()) };
                let (api, out, alive) = (self.api.clone(), self.out.clone(), self.alive.clone());
                let (processes, place) = (self.processes.clone(), self.place);
                tokio::spawn(async move {
                    let answer = match check_allowed(&execute, place) {
                        Ok(()) => run(&api, execute, processes).await,
                        Err(refused) => Err(refused),
                    };
                    if alive.load(Ordering::Relaxed) {
                        let _ = out.send(answer_line(id, answer)).await;
                    }
                    drop(room);
                });
            }
            Ask::Focus(focus) => self.wish(id, Wish::Focus(focus.place)).await,
            Ask::Quit(_) if self.place != Standing::Outside => {
                let _ = self.out.send(answer_line(id, Err(not_inside("quit")))).await;
            }
            Ask::Quit(_) => self.wish(id, Wish::Quit).await,
            Ask::Subscribe(_) => {
                if self.subscriber.is_none() {
                    let subscriber = self.api.subscribe();
                    tasks.spawn(push(subscriber.clone(), self.api.windows_seen(), self.out.clone()));
                    self.subscriber = Some(subscriber);
                }
                let _ = self.out.send(answer_line(id, Ok(RawValue::NULL.to_owned()))).await;
            }
            Ask::Watch(watch) => {
                let answer = match &self.subscriber {
                    Some(subscriber) => {
                        subscriber.watch(&watch.session, watch.on);
                        Ok(RawValue::NULL.to_owned())
                    }
                    None => Err(bad("subscribe first, then watch")),
                };
                let _ = self.out.send(answer_line(id, answer)).await;
            }
            Ask::Hello(_) => return Err(bad("hello was said already")),
        }
        Ok(())
    }

    async fn wish(&self, id: u64, wish: Wish) {
        let answer = match &self.window {
            Some(window) => {
                window(wish);
                Ok(RawValue::NULL.to_owned())
            }
            None => Err(ApiError::new(
                ErrorCode::Conflict,
                format!(
                    "this home is used by a command line without a window (process {})",
                    std::process::id()
                ),
            )
            .hint("Wait until it is finished, or stop it, then start the app again.")),
        };
        let _ = self.out.send(answer_line(id, answer)).await;
    }

    async fn tell(&self, told: &Told) {
        let _ = self.out.send(line_of(told)).await;
    }
}

async fn run(
    api: &Api,
    execute: Execute,
    processes: Vec<ProcessIdentity>,
) -> Result<Box<RawValue>, ApiError> {
    let command = match execute.command {
        Some(command) => command,
        None => CommandId::from_uuid(uuid::Uuid::now_v7()),
    };
    let caller = Caller { command, face: execute.face, processes };
    api.call(&execute.operation, &caller, execute.input).await
}

/// From inside a run one may look, and start a task of one's own. An agent does not answer its own requests, changes
/// neither rules nor agents nor settings, grants no folder, and has Nox write no file, start no program outside of its run
/// and send no key. Whose run it is says how deep a
/// session may stand and what it may be allowed beforehand, so who cannot be told starts none.
fn check_allowed(execute: &Execute, place: Standing) -> Result<(), ApiError> {
    if place == Standing::Outside {
        return Ok(());
    }
    const ALSO: [&str; 3] = ["create_task", "drop_things", "start_task"];
    const HARMLESS: [&str; 1] = ["create_task"];
    let also: &[&str] = if place == Standing::Unknown { &HARMLESS } else { &ALSO };
    let operation = execute.operation.as_str();
    let is_query =
        OPERATIONS.iter().any(|known| known.name == operation && known.kind == OperationKind::Query);
    let drops_folder = operation == "drop_things"
        && execute.input["paths"].as_array().is_some_and(|paths| {
            paths.iter().filter_map(|path| path.as_str()).any(|path| Path::new(path).is_dir())
        });
    if !drops_folder && (is_query || also.contains(&operation)) {
        return Ok(());
    }
    tracing::warn!(operation, "an operation from inside a run was refused");
    Err(not_inside(operation))
}

fn not_inside(operation: &str) -> ApiError {
    ApiError::new(ErrorCode::Conflict, format!("{operation} cannot be asked for from inside a run"))
        .hint("Do it in the window, or in a terminal of your own.")
}

/// Moves pushes to a client. While its queue is full, the subscriber's own queue fills, and then there is a gap.
async fn push(subscriber: Subscriber, mut windows: watch::Receiver<u32>, out: mpsc::Sender<Vec<u8>>) {
    windows.mark_changed();
    loop {
        let told = tokio::select! {
            changed = windows.changed() => match changed {
                Ok(()) => Told { windows: Some(*windows.borrow_and_update()), ..Told::default() },
                Err(_) => return,
            },
            push = subscriber.next() => match push {
                Some(push) => Told { push: Some(push), ..Told::default() },
                None => return,
            },
        };
        let mut line = line_of(&told);
        if line.len() > MAX_TOLD_BYTES {
            line = line_of(&Told { push: Some(Push::Gap), ..Told::default() });
        }
        if out.send(line).await.is_err() {
            return;
        }
    }
}

fn answer_line(id: u64, answer: Result<Box<RawValue>, ApiError>) -> Vec<u8> {
    let told = |answer: Result<Box<RawValue>, ApiError>| {
        let (ok, error) = match answer {
            Ok(ok) => (Some(ok), None),
            Err(error) => (None, Some(error)),
        };
        line_of(&Told { id: Some(id), ok, error, ..Told::default() })
    };
    let line = told(answer);
    if line.len() <= MAX_TOLD_BYTES {
        return line;
    }
    told(Err(ApiError::new(ErrorCode::Internal, "the answer is too long for the control socket")
        .hint("Ask for less at once.")))
}

fn line_of(told: &Told) -> Vec<u8> {
    match serde_json::to_vec(told) {
        Ok(mut line) => {
            line.push(b'\n');
            line
        }
        Err(error) => {
            tracing::error!(%error, "a line of the control socket cannot be written");
            Vec::new()
        }
    }
}

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::BadInput, message)
}
