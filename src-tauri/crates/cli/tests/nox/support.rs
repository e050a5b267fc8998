//! A home of its own for each test, and programs that end in any case.
#![allow(clippy::disallowed_methods, reason = "these tests start the real nox")]

use nox_api::{Api, Home, dto::Snapshot};
use nox_domain::{ids::SessionId, rows::RequestRow};
use serde_json::Value;
use std::{
    fs::File,
    io::{Read, Write},
    os::fd::OwnedFd,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// Only a safety net.
pub(crate) const LONG: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) folder: TempDir,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ended {
    /// The lines of the JSON form.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect()
    }

    /// The last line, which is the result.
    pub(crate) fn result(&self) -> Value {
        let last = self.lines().pop().expect("there is a line");
        assert_eq!(last["type"], "result", "{self:?}");
        last
    }
}

impl World {
    pub(crate) fn new() -> Self {
        let world = Self { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(world.work()).unwrap();
        world
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Where programs are called.
    pub(crate) fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        std::fs::write(self.work().join(name), text).unwrap();
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nox"));
        command.args(args).current_dir(self.work()).env("NOX_HOME", self.home()).stdin(Stdio::null());
        command
    }

    pub(crate) fn start(&self, args: &[&str]) -> Running {
        Running::start(self.command(args))
    }

    pub(crate) fn nox(&self, args: &[&str]) -> Ended {
        self.start(args).end()
    }

    /// The engine of this home, in the test's own process.
    pub(crate) async fn open(&self) -> Api {
        let home = Home::at(&self.home()).unwrap();
        let lock = home.lock().unwrap().expect("no engine has the home");
        Api::open(home, lock).await.expect("run cargo build -p nox-shim first")
    }
}

/// A program under way, with what it has written so far.
pub(crate) struct Running {
    pub(crate) child: Child,
    out: Arc<Mutex<String>>,
    err: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
    /// The other end of its terminal, if it has one.
    terminal: Option<File>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (out, err) = (Arc::<Mutex<String>>::default(), Arc::<Mutex<String>>::default());
        let readers = vec![
            read(child.stdout.take().unwrap(), out.clone()),
            read(child.stderr.take().unwrap(), err.clone()),
        ];
        Self { child, out, err, readers, terminal: None }
    }

    /// With a terminal as standard input.
    pub(crate) fn with_terminal(mut command: Command) -> Self {
        let pair = nix::pty::openpty(None, None).unwrap();
        let (ours, its): (OwnedFd, OwnedFd) = (pair.master, pair.slave);
        command.stdin(Stdio::from(its));
        let mut running = Self::start(command);
        running.terminal = Some(File::from(ours));
        running
    }

    pub(crate) fn types(&mut self, text: &str) {
        self.terminal.as_mut().expect("it has a terminal").write_all(text.as_bytes()).unwrap();
    }

    /// Waits until it has said something on standard error.
    pub(crate) fn says(&mut self, text: &str) {
        let deadline = Instant::now() + LONG;
        while !self.err.lock().unwrap().contains(text) {
            let over = self.child.try_wait().unwrap();
            let said = self.err.lock().unwrap().clone();
            assert!(
                Instant::now() < deadline && (over.is_none() || said.contains(text)),
                "no {text} in: {said}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub(crate) fn end(mut self) -> Ended {
        let deadline = Instant::now() + LONG;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline {
                self.child.kill().unwrap();
                panic!("it did not end; it said: {}", self.err.lock().unwrap());
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        self.readers.drain(..).for_each(|reader| reader.join().unwrap());
        let text = |from: &Mutex<String>| from.lock().unwrap().clone();
        Ended { code: status.code(), out: text(&self.out), err: text(&self.err) }
    }
}

fn read(mut from: impl Read + Send + 'static, to: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = [0; 65536];
        let mut kept = Vec::new();
        while let Ok(count @ 1..) = from.read(&mut bytes) {
            kept.extend_from_slice(&bytes[..count]);
            let whole = kept.len() - kept.utf8_chunks().last().map_or(0, |chunk| chunk.invalid().len());
            to.lock().unwrap().push_str(std::str::from_utf8(&kept[..whole]).unwrap());
            kept.drain(..whole);
        }
    })
}

/// Waits until a snapshot shows something.
pub(crate) async fn until<T>(api: &Api, what: impl Fn(&Snapshot) -> Option<T>) -> T {
    let changes = api.subscribe();
    let search = async {
        loop {
            let snapshot = api.snapshot(nox_api::dto::Nothing {}).await.unwrap();
            if let Some(found) = what(&snapshot) {
                return found;
            }
            changes.next().await.expect("the engine lives");
        }
    };
    tokio::time::timeout(LONG, search).await.expect("it is shown in time")
}

/// The first open request.
pub(crate) async fn open_request(api: &Api) -> RequestRow {
    use nox_domain::rows::RequestState;
    until(api, |snapshot| snapshot.requests.iter().find(|row| row.state == RequestState::Open).cloned()).await
}

/// Waits until a session is over; answers its words.
pub(crate) async fn closed(api: &Api, session: &SessionId) -> nox_domain::words::Words {
    until(api, |snapshot| {
        let view = snapshot.sessions.iter().find(|view| view.row.id == *session)?;
        view.row.state.is_closed().then(|| view.status.words.clone())
    })
    .await
}

/// A command's frame.
pub(crate) fn caller() -> nox_api::dto::Caller {
    nox_api::dto::Caller {
        command: nox_domain::ids::CommandId::from_uuid(uuid::Uuid::now_v7()),
        face: nox_api::dto::Face::Window,
        processes: vec![],
    }
}
