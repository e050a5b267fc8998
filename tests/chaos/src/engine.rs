//! An engine in a process of its own: this program, started once more. It can be killed, measured and spoken to over
//! the control socket.
#![allow(clippy::disallowed_methods, reason = "an engine that dies cannot be held by the code under test")]

use nox_api::{
    Api, Home,
    control::{self, Client},
    domain::ids::CommandId,
    dto::Face,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, File, OpenOptions},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

/// A safety net: nothing takes this long unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// The engine's side: opens the home, listens, and closes in order when its standard input ends.
pub(crate) fn serve(root: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let done = runtime.block_on(async {
        let api = open(root).await?;
        let control = control::serve_without_window(api.clone()).map_err(|error| error.to_string())?;
        say("open");
        end_of_input().await;
        control.close().await;
        api.close().await;
        Ok::<(), String>(())
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            say(&format!("failed {message}"));
            ExitCode::FAILURE
        }
    }
}

/// Opens the engine of the home below this folder; one that is just ending is waited for.
pub(crate) async fn open(root: &Path) -> Result<Api, String> {
    let home = Home::at(&root.join("home")).map_err(|error| error.to_string())?;
    let deadline = tokio::time::Instant::now() + LONG;
    let lock = loop {
        match home.lock() {
            Ok(Some(lock)) => break lock,
            Ok(None) if tokio::time::Instant::now() < deadline => {
                // The lock has no event; this only spaces the tries.
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Ok(None) => return Err("an earlier engine keeps the lock".to_owned()),
            Err(error) => return Err(error.to_string()),
        }
    };
    Api::open(home, lock).await.map_err(|error| error.to_string())
}

/// Says a line at once, to the one who started this process.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(format!("@{}\n", line.replace('\n', " ")).as_bytes());
    let _ = out.flush();
}

/// Resolves when whoever started this process lets go.
pub(crate) async fn end_of_input() {
    let (ended, end) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut rest = Vec::new();
        let _ = std::io::stdin().read_to_end(&mut rest);
        let _ = ended.send(());
    });
    let _ = end.await;
}

/// A hold of an engine's process. It is killed when this is dropped.
pub(crate) struct Engine {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    root: PathBuf,
}

impl Engine {
    /// Starts an engine on the home below this folder. Everything it starts carries the folder's name in `TMPDIR`.
    pub(crate) fn start(root: &Path) -> Self {
        Self::launch(myself(&["engine"], root), root, &root.join("tmp"))
    }

    /// Starts a command that is an engine or runs one, with a folder for temporary files.
    pub(crate) fn launch(mut command: Command, root: &Path, temporary: &Path) -> Self {
        fs::create_dir_all(temporary).unwrap();
        let errors = OpenOptions::new().create(true).append(true).open(complaints(root)).unwrap();
        let mut child = command
            .env("TMPDIR", temporary)
            // No keychain and no session bus: neither is a matter of these tests, and both take time.
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", root.join("no-bus").display()))
            .env("XDG_RUNTIME_DIR", root.join("no-runtime"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(errors))
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines, root: root.to_owned() }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("the engine was waited for already")
    }

    /// The next line that it says; none when it has ended.
    pub(crate) async fn line(&mut self) -> Option<String> {
        loop {
            let line = timeout(LONG, self.lines.next_line()).await.expect("the engine says nothing");
            match line {
                Ok(Some(line)) => {
                    if let Some(said) = line.strip_prefix('@') {
                        return Some(said.to_owned());
                    }
                }
                _ => return None,
            }
        }
    }

    /// Waits until it is open.
    pub(crate) async fn opened(&mut self) -> Result<(), String> {
        match self.line().await {
            Some(line) if line == "open" => Ok(()),
            Some(line) => Err(line),
            None => Err(format!("the engine ended while it began: {}", tail(&self.root))),
        }
    }

    /// A connection to it.
    pub(crate) async fn client(&self) -> Result<Client, control::Error> {
        Client::connect(&self.root.join("home")).await
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(mut self) {
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }

    /// Waits until it ends by itself or by somebody else's hand; answers whether it ended well.
    pub(crate) async fn ended(&mut self) -> bool {
        let status = timeout(LONG, self.child.wait()).await.expect("the engine does not end");
        status.is_ok_and(|status| status.success())
    }

    /// Lets go of it, so that it closes in order.
    pub(crate) fn release(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Closes it in order; answers whether it ended well.
    pub(crate) async fn close(mut self) -> bool {
        self.release();
        self.ended().await
    }
}

/// This program, with words and a folder.
pub(crate) fn myself(words: &[&str], root: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(words).arg(root);
    command
}

/// Where an engine writes what goes wrong in it.
fn complaints(root: &Path) -> PathBuf {
    root.join("engine.err")
}

/// What engines of this home said when they panicked; none when none did.
pub(crate) fn panics(root: &Path) -> Option<String> {
    let mut text = String::new();
    let _ = File::open(complaints(root)).and_then(|mut file| file.read_to_string(&mut text));
    let at = text.find("panicked at")?;
    let from = text[..at].rfind('\n').map_or(0, |end| end + 1);
    Some(text[from..].chars().take(400).collect())
}

fn tail(root: &Path) -> String {
    let text = fs::read_to_string(complaints(root)).unwrap_or_default();
    let from = text.len().saturating_sub(400);
    text.get(from..).unwrap_or_default().to_owned()
}

/// A fresh command id.
pub(crate) fn new_command() -> CommandId {
    CommandId::from_uuid(uuid::Uuid::now_v7())
}

/// Does an operation over the wire, as the window would.
pub(crate) async fn call<O: DeserializeOwned>(
    client: &Client,
    operation: &str,
    input: &impl Serialize,
) -> Result<O, control::Error> {
    client.call(operation, Some(new_command()), Face::Window, input).await
}
