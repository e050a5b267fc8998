//! The engine in a process of its own, that can be killed: this test program, started once more.
//!
//! What it is to do stands in its environment, what it has done in its standard output, line by line, as it is
//! acknowledged. The one that offers a key has no way to a keychain or a session bus.
#![allow(clippy::disallowed_methods, reason = "an engine that dies cannot be held by the code under test")]

use super::writing;
use crate::{images, live, llm, secrets};
use nox_test_support::World;
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

const ROLE: &str = "NOX_TEST_ROLE";
const ROOT: &str = "NOX_TEST_ROOT";

/// What a child does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Write,
    OfferKey,
    Loop,
    Show,
    Fork,
}

/// The child's side. Without its environment it does nothing.
#[test]
#[ignore = "only a part of the other tests here"]
fn engine_process() {
    let (Ok(role), Ok(root)) = (std::env::var(ROLE), std::env::var(ROOT)) else { return };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut world = World::at(Path::new(&root));
        match role.as_str() {
            "Write" => writing::engine(&mut world).await,
            "Show" => images::waits_until_it_is_killed(&mut world).await,
            "Fork" => live::dies_between_the_card_of_a_fork_and_its_start(&mut world).await,
            "Loop" => llm::works_until_it_is_killed(&mut world).await,
            _ => secrets::offer_a_key(&mut world).await,
        }
    });
}

/// Says a line at once.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// The parent's hold of a child.
pub(crate) struct Engine {
    child: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Engine {
    pub(crate) fn start(role: Role, world: &World) -> Self {
        let mut child = command(role, world).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            // The last line may be torn by the kill; then it has no end and does not count.
            for line in out.split(b'\n').map_while(Result::ok) {
                if let Some(line) = String::from_utf8_lossy(&line).strip_prefix('@') {
                    let _ = sender.send(line.to_owned());
                }
            }
        });
        Self { child, lines, said: Vec::new() }
    }

    /// Waits for a line that begins like this.
    pub(crate) fn wait_for(&mut self, begin: &str) {
        loop {
            let line = self.lines.recv_timeout(nox_test_support::LONG);
            let line = line.unwrap_or_else(|_| panic!("the engine never said {begin}: {:?}", self.said));
            let found = line.starts_with(begin);
            self.said.push(line);
            if found {
                return;
            }
        }
    }

    /// Waits until it has ended by itself.
    pub(crate) fn ended(mut self) {
        self.child.wait().unwrap();
    }

    /// Kills it after a moment, and answers everything that it said.
    pub(crate) fn kill(mut self, after: Duration) -> Vec<String> {
        // The moment of the kill is what the test is about.
        std::thread::sleep(after);
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.said.extend(self.lines.iter());
        self.said
    }
}

/// Runs a child to its end, which must be good.
pub(crate) fn run(role: Role, world: &World) -> Vec<String> {
    let output = command(role, world).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text.lines().map(|line| line.trim_start_matches('@').to_owned()).collect()
}

fn command(role: Role, world: &World) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--ignored", "--exact", "crash::child::engine_process", "--nocapture", "--test-threads=1"])
        .env(ROLE, format!("{role:?}"))
        .env(ROOT, world.root());
    // The other roles keep the environment: a permission is bound to it.
    if role == Role::OfferKey {
        command
            .env("NOX_LOG", "trace")
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", world.root().join("no-bus").display()))
            .env("XDG_RUNTIME_DIR", world.root().join("no-runtime"));
    }
    command
}
