//! The engine of one home: what faces can ask for, in terms of the domain.

use crate::{
    Error,
    beginning::{Beginning, Purpose, open_sessions, sweep},
    clock,
    documents::Documents,
    files::{Files, Want},
    forking::Fork,
    home::{Home, HomeLock},
    images::LastAdded,
    keys::Keys,
    ledger::{Cause, Change, Ledger, gone, put, read_json},
    log::Jobs,
    programs::Programs,
    scheduler::{Caps, Scheduler},
    sessions::{Pace, Sessions, Shared},
    settings::{Local, Patch},
    spool::Spool,
    vitals::{Usage, Vitals},
};
use arc_swap::ArcSwap;
use nox_domain::{
    agent::Agent,
    event::{Event, PreAllowed, SessionOpened},
    ids::{AgentId, CommandId, ProjectId, SessionId, TaskId},
    life::OnDisconnect,
    rows::{ProjectRow, Row, SessionRow, TaskRow, kind},
    session::SessionCommand,
    task::{Change as FieldChange, TaskPatch},
};
use nox_process::{ProcessIdentity, ShimPath};
use nox_store::{Order, RowPage, RowWrite, Store};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashSet,
    path::PathBuf,
    sync::{Arc, Mutex},
};
use tokio::sync::Notify;

/// A task that is to be worked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartTask {
    /// The task.
    pub task: TaskId,
    /// Another agent than the task's.
    pub agent: Option<AgentId>,
    /// A folder for this session only.
    pub folder: Option<PathBuf>,
    /// What is granted beforehand.
    pub pre_allowed: PreAllowed,
    /// Whether a person at a terminal talks to it.
    pub talks: bool,
    /// The session that it goes on from a copy of.
    pub fork: Option<Fork>,
    /// The process that asks and those above it, the nearest first; empty for a face of this process.
    pub asked_from: Vec<ProcessIdentity>,
}

/// The command that takes another one back, as a receipt keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(clippy::large_enum_variant, reason = "there is one at a time, read from a receipt")]
enum Inverse {
    Files(Want),
    Settings(Patch),
    Grant(PathBuf),
    GrantAs {
        project: ProjectId,
        path: PathBuf,
    },
    Forget(ProjectId),
    #[serde(untagged)]
    Session {
        session: SessionId,
        command: SessionCommand,
    },
}

pub(crate) struct Inner {
    home: Home,
    pub(crate) lock: Arc<HomeLock>,
    shared: Arc<Shared>,
    sessions: Sessions,
    files: Files,
    local: Local,
    keys: Keys,
    beginning: Beginning,
    /// What can carry an agent here, and trials of agents.
    pub(crate) programs: Programs,
    /// Images that were added last.
    pub(crate) added: LastAdded,
    /// What is done to the log in the background.
    jobs: Jobs,
    /// Tasks that are being started right now, so that two starts do not meet.
    pub(crate) starting: Mutex<HashSet<TaskId>>,
    /// Held while the sessions of an agent are counted and another one is opened.
    counting: tokio::sync::Mutex<()>,
}

/// The engine of one home. Cheap to clone; [`Engine::close`] ends it.
#[derive(Clone)]
pub struct Engine {
    pub(crate) inner: Arc<Inner>,
}

impl Engine {
    /// Begins on a store that is open.
    pub(crate) async fn begin(
        home: Home,
        lock: Arc<HomeLock>,
        purpose: Purpose,
        (store, set_aside): (Store, Option<PathBuf>),
    ) -> Result<Self, Error> {
        let at = clock::now();
        let ledger = Ledger::new(store);
        // Where rows are added must be good: else nothing could tell of damage that is found later.
        ledger.store().look_at_end().await?;
        let local = Local::open(&home)?;
        crate::logs::set_level(local.values().log_level());
        let registry = nox_registry::Registry::open(&home.registry())?;
        let keys = Keys::start(&home)?;
        let shared = Arc::new(Shared {
            keys: keys.clone(),
            home: home.clone(),
            spool: Spool::at(home.spool()),
            documents: Documents::at(home.documents()),
            scheduler: Scheduler::new(match purpose {
                Purpose::Work => caps(&local.values()),
                Purpose::Look => Caps { live: 0, per_minute: 0, memory_mb: 0 },
            }),
            policy: ArcSwap::from_pointee(crate::files::cautious()),
            shim: ShimPath::locate()?,
            vitals: Vitals::default(),
            pace: ArcSwap::from_pointee(Pace::of(&local.values())),
            outbox: Arc::new(Notify::new()),
            ledger: ledger.clone(),
        });
        let open = open_sessions(&ledger).await?;
        let lost_runs = open.found.len() as u32;
        let swept = sweep(open.processes).await;
        home.sweep_runs().map_err(|source| Error::home(&home.runs(), source))?;
        shared.documents.sweep();
        let files = Files::start(registry, shared.clone()).await?;
        let sessions = Sessions::new(shared.clone());
        let beginning = Beginning { at, lost_runs, swept, set_aside, found: open.found };
        let began = Event::EngineStarted { version: env!("CARGO_PKG_VERSION").into(), lost_runs, swept, at };
        let mut rows: Vec<RowWrite> =
            local.projects().into_iter().map(|row| put(&Row::Project(row))).collect();
        rows.push(match local.problem() {
            Some(problem) => put(&Row::Problem(problem)),
            None => gone(kind::PROBLEM, "local.toml"),
        });
        // What an earlier start said of the database has been read, or is said again.
        rows.push(gone(kind::PROBLEM, crate::log::DATABASE));
        let change = Change { events: vec![("engine".into(), began)], rows, ..Change::default() };
        ledger.commit(&Cause::nox(), at, change).await?;
        sessions.recover(open.sessions).await;
        let engine = Self {
            inner: Arc::new(Inner {
                home,
                lock,
                shared,
                sessions,
                files,
                local,
                keys,
                beginning,
                programs: Programs::default(),
                added: LastAdded::default(),
                jobs: Jobs::default(),
                starting: Mutex::default(),
                counting: tokio::sync::Mutex::default(),
            }),
        };
        if let Err(error) = engine.settle_forks().await {
            tracing::warn!(%error, "forks that were cut off are looked at again at the next start");
        }
        tokio::spawn(crate::limits::watch_memory(engine.sessions().clone()));
        engine.start_jobs();
        tokio::spawn(crate::beginning::after_a_start(engine.ledger().clone()));
        Ok(engine)
    }

    /// Ends all connections and writes what is pending. Requests that are open stay open.
    pub async fn close(&self) {
        self.close_trials().await;
        self.inner.jobs.close().await;
        self.inner.sessions.park_all().await;
        self.inner.files.close().await;
        let store = self.inner.shared.ledger.store().clone();
        let _ = tokio::task::spawn_blocking(move || store.close()).await;
    }

    /// The home.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }
    /// The pen, and through it the log.
    pub fn ledger(&self) -> &Ledger {
        &self.inner.shared.ledger
    }
    /// Output.
    pub fn spool(&self) -> &Spool {
        &self.inner.shared.spool
    }

    /// Files known by their content.
    pub fn documents(&self) -> &Documents {
        &self.inner.shared.documents
    }
    /// The registry's owner.
    pub fn files(&self) -> &Files {
        &self.inner.files
    }
    /// Sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }
    /// `local.toml`.
    pub fn local(&self) -> &Local {
        &self.inner.local
    }
    /// Keys.
    pub fn keys(&self) -> &Keys {
        &self.inner.keys
    }
    /// The policy that holds.
    pub fn policy(&self) -> Arc<nox_domain::policy::Policy> {
        self.inner.shared.policy.load_full()
    }
    /// What was found at the start.
    pub fn beginning(&self) -> &Beginning {
        &self.inner.beginning
    }
    /// What this process and those of all runs use, measured now.
    pub async fn usage(&self) -> Usage {
        let runs = self.inner.shared.vitals.measure_all().await;
        Usage { own: crate::vitals::own().await, runs }
    }
    pub(crate) fn shim(&self) -> &ShimPath {
        &self.inner.shared.shim
    }
    pub(crate) fn jobs(&self) -> &Jobs {
        &self.inner.jobs
    }
    /// Live runs.
    pub fn live_runs(&self) -> usize {
        self.inner.shared.scheduler.live()
    }

    /// Opens a session for a task; resolves when that is on disk.
    pub async fn start_task(&self, start: StartTask, cause: Cause) -> Result<(i64, SessionId), Error> {
        let _claim = self.claim(&start.task)?;
        let (row, body) = self.files().read_task(start.task.clone()).await?;
        let asking = self.asking(&start.asked_from).await?;
        let depth = match asking.as_ref().map_or(Ok(0), crate::asking::depth_below) {
            Ok(depth) => depth,
            Err(refused) => return Err(self.refuse(&row, asking.as_ref(), *refused).await),
        };
        if let Some(asking) = &asking {
            crate::asking::check_no_more(asking, start.pre_allowed)?;
        }
        self.check_startable(&row).await?;
        self.check_pre_allowed(start.pre_allowed)?;
        let agent = self.agent_for(&row, &body, start.agent.as_ref()).await?;
        // Held until it is on disk: two starts at once would each see the place of the last.
        let _counting = match agent.agent.limits.max_spawn_rate {
            Some(_) => Some(self.inner.counting.lock().await),
            None => None,
        };
        if let Some(refused) = self.over_spawn_rate(&agent.agent).await? {
            return Err(self.refuse(&row, asking.as_ref(), refused).await);
        }
        let folder = self.folder_for(&row, start.folder, &agent.agent).await?;
        let instructions = self.instructions_of(&agent.agent).await?;
        if row.agent.is_none() {
            let patch =
                TaskPatch { agent: Some(FieldChange::Set(agent.agent.id.clone())), ..TaskPatch::default() };
            let cause = Cause { actor: cause.actor, command: None };
            let want = Want::PatchTask { task: row.id.clone(), patch, base: None };
            self.files().want(want, cause, serde_json::Value::Null).await?;
        }
        let mut defaults = self.local().values().life;
        if start.talks && agent.agent.runtime.takes_prompts() {
            // Somebody talks to it: alone, it should not go on.
            defaults.on_disconnect = OnDisconnect::Pause;
        }
        let life = agent.agent.life.over(defaults);
        let (text, images) = match agent.agent.runtime.takes_prompts() {
            true => self.first_prompt(&row, body).await,
            false => (body, vec![]),
        };
        let session = SessionId::fresh(&mut clock::SystemIds);
        let fork = start.fork;
        let opened = SessionOpened {
            session: session.clone(),
            task: Some(row.id.clone()),
            agent: agent.agent.id.clone(),
            agent_name: agent.agent.name.clone(),
            agent_version: agent.version.clone(),
            runtime: agent.agent.runtime,
            project: row.project.clone(),
            folder: folder.display().to_string(),
            title: row.title.clone(),
            text,
            images,
            review: agent.agent.review,
            pre_allowed: start.pre_allowed,
            environment: agent.agent.environment.clone(),
            max_call_seconds: agent.agent.limits.max_call_seconds,
            max_concurrent: agent.agent.limits.max_concurrent_tasks,
            limits: agent.agent.limits,
            life,
            parent: asking.map(|asking| asking.session),
            depth,
            worktree: None,
            schedule: None,
            instructions,
            program: fork.as_ref().map_or(agent.agent.program.clone(), |fork| fork.program.clone()),
            fork: fork.map(|fork| fork.of),
            services: agent.agent.services.clone(),
        };
        let result = serde_json::json!({ "session": session, "task": row.id });
        let inverse = serde_json::json!({ "session": session, "command": SessionCommand::Stop });
        let done = self.sessions().open(opened, &cause, result, Some(inverse)).await?;
        Ok((done.seq, session))
    }

    async fn check_startable(&self, row: &TaskRow) -> Result<(), Error> {
        if let Some(problem) = self.files().known().problems.get(&row.path) {
            return Err(Error::Conflict {
                message: format!("{} has an error in line {}: {}", row.path, problem.line, problem.message),
                hint: format!("{} The task does not start until then.", problem.hint),
            });
        }
        if let Some(live) = self.live_session(&row.id).await? {
            if live.state.awaits_prompt() {
                // It has done its work and stands by; a new session takes its place.
                self.sessions().command(&live.id, SessionCommand::Stop, Cause::nox()).await?;
                return Box::pin(self.check_startable(row)).await;
            }
            return Err(Error::Conflict {
                message: format!("this task is being worked on already, by {}", live.agent_name),
                hint: "Open its session, or stop it first.".into(),
            });
        }
        let mut waits_for = Vec::new();
        for dependency in &row.depends_on {
            let id = dependency.to_string();
            let stored = self.ledger().store().row(kind::TASK, &id).await?;
            if let Some(stored) = stored.filter(|stored| !stored.deleted) {
                let other: TaskRow = read_json("task", &stored.body)?;
                if !other.status.is_settled() {
                    waits_for.push(other.title);
                }
            }
        }
        if !waits_for.is_empty() {
            return Err(Error::Conflict {
                message: format!("this task waits for: {}", waits_for.join(", ")),
                hint: "Finish or cancel what it waits for, or take the dependency away.".into(),
            });
        }
        Ok(())
    }

    /// While `policy.toml` is broken its rules that deny may not be known, so nothing is allowed beforehand.
    fn check_pre_allowed(&self, pre_allowed: PreAllowed) -> Result<(), Error> {
        let known = self.files().known();
        match known.problems.get(nox_registry::POLICY_PATH) {
            Some(problem) if pre_allowed != PreAllowed::Nothing => Err(Error::Conflict {
                message: format!(
                    "{} has an error in line {}: {}",
                    problem.path, problem.line, problem.message
                ),
                hint: format!("{} Until then nothing can be allowed beforehand.", problem.hint),
            }),
            _ => Ok(()),
        }
    }

    /// The session of a task that is not over, newest or not.
    pub async fn live_session(&self, task: &TaskId) -> Result<Option<SessionRow>, Error> {
        let mut page = RowPage { after: None, limit: 200, order: Order::Descending };
        loop {
            let rows = self.ledger().store().rows(kind::SESSION, Some(task.as_str()), page.clone()).await?;
            let Some(last) = rows.last() else { return Ok(None) };
            page = page.following(last);
            let mut sessions = rows.iter().filter_map(crate::reading::readable::<SessionRow>);
            if let Some(live) = sessions.find(|row| !row.state.is_closed()) {
                return Ok(Some(live));
            }
        }
    }

    /// The sessions of a task, newest first.
    pub async fn sessions_of(&self, task: &TaskId, limit: u32) -> Result<Vec<SessionRow>, Error> {
        let page = RowPage { after: None, limit, order: Order::Descending };
        let rows = self.ledger().store().rows(kind::SESSION, Some(task.as_str()), page).await?;
        Ok(rows.iter().filter_map(crate::reading::readable).collect())
    }

    async fn agent_for(
        &self,
        row: &TaskRow,
        body: &str,
        wanted: Option<&AgentId>,
    ) -> Result<nox_domain::rows::AgentRow, Error> {
        let known = self.files().known();
        let agent = match wanted.or(row.agent.as_ref()) {
            Some(id) => known.agents.get(id).ok_or_else(|| Error::not_found("agent", id))?.clone(),
            None => match known.default_agent() {
                Some(agent) => agent.clone(),
                // A fence with a slip of the pen is a runbook as well: its run says what is wrong.
                None if known.agents.is_empty() && is_runbook(body) => {
                    self.make_runbook_agent().await?;
                    self.files().known().default_agent().cloned().ok_or(Error::NeedsAgent)?
                }
                None => return Err(Error::NeedsAgent),
            },
        };
        check_enabled(&agent.agent)?;
        Ok(agent)
    }

    /// Grants a folder.
    pub async fn grant_project(
        &self,
        path: &std::path::Path,
        cause: Cause,
    ) -> Result<(i64, ProjectRow), Error> {
        let row = self.local().grant(path)?;
        self.note_grant(row, cause).await
    }

    async fn note_grant(&self, row: ProjectRow, cause: Cause) -> Result<(i64, ProjectRow), Error> {
        let event = Event::ProjectGranted { project: row.id.clone(), path: row.path.clone() };
        let change = Change {
            events: vec![("settings".into(), event)],
            rows: vec![put(&Row::Project(row.clone()))],
            receipt: Some((
                serde_json::json!({ "project": row.id }),
                Some(serde_json::json!({ "forget": row.id })),
            )),
            ..Change::default()
        };
        let committed = self.ledger().commit(&cause, clock::now(), change).await?;
        Ok((committed.last_seq, row))
    }

    /// Takes a grant back.
    pub async fn forget_project(&self, project: &ProjectId, cause: Cause) -> Result<i64, Error> {
        let path = self.local().forget(project)?;
        let event = Event::SettingChanged { name: format!("projects.{project}"), value: String::new() };
        let change = Change {
            events: vec![("settings".into(), event)],
            rows: vec![gone(kind::PROJECT, project)],
            receipt: Some((
                serde_json::Value::Null,
                Some(serde_json::json!({ "grant_as": { "project": project, "path": path } })),
            )),
            ..Change::default()
        };
        Ok(self.ledger().commit(&cause, clock::now(), change).await?.last_seq)
    }

    /// Changes settings.
    pub async fn change_settings(&self, patch: &Patch, cause: Cause) -> Result<i64, Error> {
        let back = self.local().change(patch)?;
        let values = self.local().values();
        let told = self.inner.shared.scheduler.set_caps(caps(&values));
        self.sessions().tell(told).await;
        self.inner.shared.pace.store(Arc::new(Pace::of(&values)));
        self.inner.shared.vitals.ring();
        crate::logs::set_level(values.log_level());
        let change = Change {
            events: vec![(
                "settings".into(),
                Event::SettingChanged { name: "settings".into(), value: crate::ledger::json(patch) },
            )],
            rows: vec![RowWrite::Put {
                kind: SETTINGS.into(),
                id: SETTINGS.into(),
                parent: None,
                ord: String::new(),
                body: crate::ledger::json(&values),
            }],
            receipt: Some((serde_json::Value::Null, Some(serde_json::json!({ "settings": back })))),
            ..Change::default()
        };
        Ok(self.ledger().commit(&cause, clock::now(), change).await?.last_seq)
    }

    /// Notes that a key was put into the keychain or deleted from it.
    pub async fn note_key(&self, name: &str, present: bool, cause: Cause) -> Result<i64, Error> {
        let at = clock::now();
        self.local().name_key(name, present.then_some(at))?;
        let change = Change {
            events: vec![("settings".into(), Event::KeyChanged { name: name.to_owned(), present })],
            receipt: Some((serde_json::Value::Null, None)),
            ..Change::default()
        };
        Ok(self.ledger().commit(&cause, at, change).await?.last_seq)
    }

    /// Whether taking this command back changes agents and nothing else.
    pub async fn undoes_agents(&self, command: &CommandId) -> Result<bool, Error> {
        let receipt =
            self.ledger().receipt(command).await?.ok_or_else(|| Error::not_found("command", command))?;
        let inverse = receipt.inverse.as_deref().map(|inverse| read_json("receipt", inverse)).transpose()?;
        Ok(matches!(inverse, Some(Inverse::Files(want)) if want.is_of_agents()))
    }

    /// Takes a command back, if its receipt knows how.
    pub async fn undo(&self, command: &CommandId, cause: Cause) -> Result<i64, Error> {
        let receipt =
            self.ledger().receipt(command).await?.ok_or_else(|| Error::not_found("command", command))?;
        let inverse = receipt.inverse.ok_or_else(|| Error::Conflict {
            message: "this cannot be taken back".into(),
            hint: "What was run has happened.".into(),
        })?;
        let null = serde_json::Value::Null;
        match read_json::<Inverse>("receipt", &inverse)? {
            Inverse::Files(want) => Ok(self.files().want(want, cause, null).await?.seq),
            Inverse::Settings(patch) => self.change_settings(&patch, cause).await,
            Inverse::Grant(path) => Ok(self.grant_project(&path, cause).await?.0),
            Inverse::GrantAs { project, path } => {
                let row = self.local().grant_as(&project, &path)?;
                Ok(self.note_grant(row, cause).await?.0)
            }
            Inverse::Forget(project) => self.forget_project(&project, cause).await,
            Inverse::Session { session, command } => {
                let command = match command {
                    // As an earlier Nox kept it.
                    SessionCommand::Prompt { text, images } => SessionCommand::PutBackPrompt { text, images },
                    command => command,
                };
                // A prompt that comes back must not open again what is over.
                let says = matches!(command, SessionCommand::PutBackPrompt { .. });
                if says && self.session(&session).await?.state.is_closed() {
                    return Err(Error::Conflict {
                        message: "the session is over, so its message cannot wait again".into(),
                        hint: "Write it anew: that goes on with the session.".into(),
                    });
                }
                Ok(self.sessions().command(&session, command, cause).await?.seq)
            }
        }
    }
}

fn caps(values: &crate::settings::Values) -> Caps {
    Caps {
        live: values.max_live_runs,
        per_minute: values.runs_per_minute,
        memory_mb: values.memory_budget_mb,
    }
}

pub(crate) fn check_enabled(agent: &Agent) -> Result<(), Error> {
    if agent.enabled {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!("the agent {} is disabled", agent.name),
        hint: "Enable it in Agents, or choose another one.".into(),
    })
}

fn is_runbook(body: &str) -> bool {
    nox_runtimes::runbook::parse(body).map_or(true, |blocks| !blocks.is_empty())
}

/// The kind and id of the row that holds the settings.
pub const SETTINGS: &str = "settings";
