//! The real `nox` as an engine without a window: started on a home, spoken to over its control socket, ended or killed.
//!
//! It is `nox run` with a recording whose only turn is over at once. Its session stands by after that, so `nox` stays and
//! is the engine of the home for everybody else: nothing in it was made for measuring.
#![allow(clippy::disallowed_methods, reason = "what is measured is started as a person starts it")]

use crate::error::Error;
use nox_api::{
    Api, ApiError, Home,
    control::{self, Client},
    domain::{
        agent::Runtime,
        event::PreAllowed,
        ids::{AgentId, CommandId, SessionId},
        life::LogPolicy,
        rows::SessionState,
    },
    dto::*,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    process::{Child, Command},
    time::{Instant, timeout},
};

/// A safety net: nothing takes this long unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(60);
/// Between two looks.
const SPACE: Duration = Duration::from_millis(5);
/// Runs at once; more than any measurement has.
const LIVE_RUNS: u32 = 200;

/// The agent that plays recordings.
const PLAYER: &str = "player";
/// The title of the session that keeps `nox` there.
const OWN: &str = "Stands by for the measurement";
/// A turn that is over at once.
const ONE_TURN: &str = "```recorded\n{\"say\":\"Here I am.\"}\n{\"end\":\"end\"}\n```\n";
/// A turn that is not over for an hour.
const LONG_TURN: &str =
    "```recorded\n{\"say\":\"This takes long.\"}\n{\"wait_ms\":3600000}\n{\"end\":\"end\"}\n```\n";
/// A program that does nothing for an hour.
const LONG_STEP: &str = "```sh\nexec sleep 3600\n```\n";

/// What a session does all the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// Its turn is over, its run stands by.
    StandsBy,
    /// Its agent is inside a turn, without a process.
    InTurn,
    /// A step with a process under a shim runs.
    InStep,
}

impl Work {
    fn text(self) -> &'static str {
        match self {
            Self::StandsBy => ONE_TURN,
            Self::InTurn => LONG_TURN,
            Self::InStep => LONG_STEP,
        }
    }

    /// Whether a session that does this has come so far.
    fn is_there(self, state: &SessionState) -> bool {
        match self {
            Self::StandsBy => matches!(state, SessionState::Idle { .. }),
            Self::InTurn => matches!(state, SessionState::Running { .. }),
            Self::InStep => matches!(state, SessionState::Running { doing: Some(_) }),
        }
    }
}

/// Makes what is measured possible in a home: an agent that plays recordings, room for many runs, and nothing that acts
/// by itself after some time.
pub(crate) async fn prepare(home: &Path) -> Result<(), Error> {
    let home = Home::at(home).map_err(ApiError::from)?;
    let lock = home.lock().map_err(ApiError::from)?.ok_or(Error::Late("another engine has this home"))?;
    let api = Api::open(home, lock).await?;
    api.looked().await?;
    let agents = api.list_agents(Nothing {}).await?.agents;
    for (name, runtime) in [("Player", Runtime::Recorded), ("Runbook", Runtime::Runbook)] {
        if agents.iter().any(|row| row.agent.id == AgentId::from_name(name)) {
            continue;
        }
        let input = CreateAgent { name: name.into(), runtime, ..CreateAgent::default() };
        api.create_agent(&caller(), input).await?;
    }
    let settings = ChangeSettings {
        max_live_runs: Some(LIVE_RUNS),
        welcomed: Some(true),
        runs_per_minute: Some(0),
        hibernate_after_seconds: Some(0),
        log_policy: Some(LogPolicy::Keep),
        ..ChangeSettings::default()
    };
    api.change_settings(&caller(), settings).await?;
    api.close().await;
    Ok(())
}

fn caller() -> Caller {
    Caller { command: new_command(), face: Face::Window, processes: vec![] }
}

fn new_command() -> CommandId {
    CommandId::from_uuid(uuid::Uuid::now_v7())
}

/// A running `nox`. It is killed when this is dropped.
pub(crate) struct Nox {
    child: Child,
    home: PathBuf,
}

impl Nox {
    /// Starts it on a home that was prepared.
    pub(crate) fn start(program: &Path, home: &Path) -> Result<Self, Error> {
        let folder = home.join("scratch");
        let errors = fs::File::create(home.join("nox.err"))?;
        let child = Command::new(program)
            .arg("--home")
            .arg(home)
            .args(["run", &format!("{OWN}\n\n{ONE_TURN}"), "--agent", PLAYER, "--project"])
            .arg(folder)
            // No keychain: its key ring is not what is measured, and may ask a person.
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", home.join("no-bus").display()))
            .env_remove("NOX_HOME")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()?;
        Ok(Self { child, home: home.to_owned() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap_or_default()
    }

    /// A hand on it; resolves when it answers.
    pub(crate) async fn hand(&self) -> Result<Hand, Error> {
        Ok(Hand { wire: Client::connect(&self.home).await.map_err(|error| self.because(error))? })
    }

    /// Resolves when it has nothing more to do of its own accord.
    pub(crate) async fn settled(&self, hand: &Hand) -> Result<(), Error> {
        hand.until("the session that keeps nox there", |all| own(all).is_some()).await
    }

    /// Lets it end in good order.
    pub(crate) async fn end(mut self, hand: Hand) -> Result<(), Error> {
        if let Some(session) = own(&hand.snapshot().await?) {
            hand.command("stop_session", &OneSession { session }).await?;
        }
        drop(hand);
        match timeout(LONG, self.child.wait()).await {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::Late("nox does not end")),
        }
    }

    /// Kills it and waits until it is gone.
    pub(crate) async fn kill(mut self) -> Result<(), Error> {
        Ok(self.child.kill().await?)
    }

    /// What it said, since it does not answer.
    fn because(&self, error: control::Error) -> Error {
        let said = fs::read_to_string(self.home.join("nox.err")).unwrap_or_default();
        Error::NoEngine(format!("{error}; nox said: {}", said.trim()))
    }
}

/// The session that keeps `nox` there, once it stands by.
fn own(all: &Snapshot) -> Option<SessionId> {
    let all = all.sessions.iter().filter(|view| view.row.title == OWN);
    let newest = all.max_by_key(|view| (view.row.opened_at, &view.row.id))?;
    matches!(newest.row.state, SessionState::Idle { .. }).then(|| newest.row.id.clone())
}

/// A client of a running `nox`, as the window is one.
pub(crate) struct Hand {
    wire: Client,
}

impl Hand {
    pub(crate) fn wire(&self) -> &Client {
        &self.wire
    }

    pub(crate) async fn query<O: DeserializeOwned>(
        &self,
        operation: &str,
        input: &impl Serialize,
    ) -> Result<O, Error> {
        Ok(self.wire.call(operation, None, Face::Window, input).await?)
    }

    pub(crate) async fn command(&self, operation: &str, input: &impl Serialize) -> Result<Recorded, Error> {
        Ok(self.wire.call(operation, Some(new_command()), Face::Window, input).await?)
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, Error> {
        self.query("snapshot", &Nothing {}).await
    }

    /// Starts so many sessions and waits until each is where its work leaves it.
    pub(crate) async fn begin(&self, count: usize, work: Work) -> Result<Vec<SessionId>, Error> {
        let agent = AgentId::from_name(if work == Work::InStep { "Runbook" } else { "Player" });
        let mut sessions = Vec::with_capacity(count);
        for number in 1..=count {
            let body = format!("Number {number}\n\n{}", work.text());
            let make = CreateTask { body, agent: Some(agent.clone()), ..CreateTask::default() };
            let task = self.command("create_task", &make).await?.task;
            let task = task.ok_or(Error::Late("a task that was made has no id"))?;
            let start = StartTask { task, agent: None, folder: None, pre_allowed: PreAllowed::All };
            let session = self.command("start_task", &start).await?.session;
            sessions.push(session.ok_or(Error::Late("a session that was opened has no id"))?);
        }
        self.until("sessions to begin", |all| {
            states(all, &sessions).filter(|(state, _)| work.is_there(state)).count() == count
        })
        .await?;
        Ok(sessions)
    }

    /// Looks again and again until it is so.
    pub(crate) async fn until(
        &self,
        what: &'static str,
        is_so: impl Fn(&Snapshot) -> bool,
    ) -> Result<(), Error> {
        let deadline = Instant::now() + LONG;
        while !is_so(&self.snapshot().await?) {
            if Instant::now() > deadline {
                return Err(Error::Late(what));
            }
            tokio::time::sleep(SPACE).await;
        }
        Ok(())
    }
}

/// State and number of the run of each of these sessions that is there.
pub(crate) fn states<'a>(
    all: &'a Snapshot,
    sessions: &'a [SessionId],
) -> impl Iterator<Item = (&'a SessionState, u32)> {
    let rows = all.sessions.iter().filter(|view| sessions.contains(&view.row.id));
    rows.map(|view| (&view.row.state, view.row.attempt))
}
