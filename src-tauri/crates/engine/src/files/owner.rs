//! The owner's state and its loop.

use super::{
    Known, Mail, Recorded, Want,
    disk::NOT_WRITTEN,
    read::{Indexed, MAX_FILE_BYTES},
    watch::Watch,
    write::Edit,
};
use crate::{Error, ledger::Cause, reading::readable, sessions::Shared};
use arc_swap::ArcSwap;
use nox_domain::{
    ids::{AgentId, TaskId},
    policy::Policy,
    rows::{AgentRow, FileProblem, TaskRow, kind},
};
use nox_registry::{POLICY_PATH, Registry};
use nox_store::{RowPage, StoredRow};
use nox_tasks::TaskFile;
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};

/// Hand edits are read when nothing has changed for this long …
const QUIET: Duration = Duration::from_millis(150);
/// … or at the latest after this.
const AT_LATEST: Duration = Duration::from_millis(600);
/// A new folder is heard of a moment before it is watched: after this, everything is looked at once more.
const LOOK_AGAIN: Duration = Duration::from_millis(700);
/// Texts of tasks that are kept in memory.
const RECENT: usize = 128;
/// Versions of the policy that are looked through for one that is understood.
const POLICY_VERSIONS: usize = 50;
/// Between two tries when a file or the repository cannot be written.
pub(super) const RETRY: Duration = Duration::from_secs(2);

pub(super) struct Owner {
    pub(super) registry: Registry,
    pub(super) shared: Arc<Shared>,
    pub(super) known: Arc<ArcSwap<Known>>,
    pub(super) tasks: HashMap<TaskId, TaskRow>,
    pub(super) files: BTreeMap<String, Indexed>,
    pub(super) agents: BTreeMap<AgentId, AgentRow>,
    pub(super) problems: BTreeMap<String, FileProblem>,
    /// Paths to be committed, and when.
    pub(super) uncommitted: BTreeSet<String>,
    pub(super) commit_at: Option<Instant>,
    pub(super) messages: Vec<String>,
    /// Texts of tasks that may not be in the history yet, by their hash, newest last: what a client began a change from.
    pub(super) recent: VecDeque<(String, String)>,
    /// What is recorded and not written yet, by path: a later change is made from this, not from the older file.
    pub(super) unwritten: BTreeMap<String, Option<String>>,
    /// Paths whose write failed, or could not be noted. Later changes of theirs wait, so that all are written in order.
    pub(super) stuck: BTreeSet<String>,
    /// Paths that are broken by hand and for which something waits in the outbox.
    pub(super) waiting: BTreeSet<String>,
    /// When pending writes are tried again.
    pub(super) retry_at: Option<Instant>,
    /// When everything is looked at again, because something could not be recorded.
    pub(super) look_again_at: Option<Instant>,
    pub(super) looked: bool,
    /// Whether a file went whose id a copy may have: copies are then looked at again.
    pub(super) task_went: bool,
}

impl Owner {
    pub(super) async fn load(
        registry: Registry,
        shared: Arc<Shared>,
        known: Arc<ArcSwap<Known>>,
    ) -> Result<Self, Error> {
        let mut owner = Self {
            registry,
            shared,
            known,
            tasks: HashMap::new(),
            files: BTreeMap::new(),
            agents: BTreeMap::new(),
            problems: BTreeMap::new(),
            uncommitted: BTreeSet::new(),
            commit_at: None,
            messages: Vec::new(),
            recent: VecDeque::new(),
            unwritten: BTreeMap::new(),
            stuck: BTreeSet::new(),
            waiting: BTreeSet::new(),
            retry_at: None,
            look_again_at: None,
            looked: false,
            task_went: false,
        };
        owner.load_rows().await?;
        owner.load_unwritten().await?;
        owner.load_policy();
        owner.publish();
        Ok(owner)
    }

    /// What is known becomes what is recorded.
    pub(super) async fn load_rows(&mut self) -> Result<(), Error> {
        let (mut tasks, mut files) = (HashMap::new(), BTreeMap::new());
        let (mut agents, mut problems) = (BTreeMap::new(), BTreeMap::new());
        // What cannot be read is left out here and read again from its file.
        let mut unreadable = false;
        for row in self.stored(kind::TASK).await? {
            match readable::<TaskRow>(&row) {
                Some(row) => _ = tasks.insert(row.id.clone(), row),
                None => unreadable = true,
            }
        }
        for row in self.stored(kind::FILE).await? {
            files.extend(readable(&row).map(|file| (row.id.clone(), file)));
        }
        for row in self.stored(kind::AGENT).await? {
            match readable::<AgentRow>(&row) {
                Some(row) => _ = agents.insert(row.agent.id.clone(), row),
                None => unreadable = true,
            }
        }
        // The settings' file and the database are no part of the registry.
        let others = ["local.toml", crate::log::DATABASE];
        for row in self.stored(kind::PROBLEM).await?.into_iter().filter(|row| !others.contains(&&*row.id)) {
            problems.extend(readable(&row).map(|problem| (row.id.clone(), problem)));
        }
        if unreadable {
            files.clear();
        }
        (self.tasks, self.files, self.agents, self.problems) = (tasks, files, agents, problems);
        Ok(())
    }

    pub(super) async fn stored(&self, kind: &'static str) -> Result<Vec<StoredRow>, Error> {
        let mut all = Vec::new();
        let mut page = RowPage::first(2_000);
        loop {
            let asked = page.clone();
            let rows = self.shared.ledger.store().read(move |reader| reader.rows(kind, None, &asked)).await?;
            let Some(last) = rows.last() else { return Ok(all) };
            page = page.following(last);
            all.extend(rows);
        }
    }

    /// The policy is read at once: nothing may be judged without it. While it is broken, the newest version of the
    /// history that is understood holds; without one, everything is asked.
    fn load_policy(&mut self) {
        let newest = self.newest_text(POLICY_PATH).ok().flatten();
        let policy = newest
            .and_then(|text| nox_registry::parse_policy(&text).ok())
            .or_else(|| self.is_there_at_all(POLICY_PATH).then(|| self.last_good_policy()).flatten())
            .unwrap_or_else(super::cautious);
        self.shared.policy.store(Arc::new(policy));
    }

    fn is_there_at_all(&self, path: &str) -> bool {
        !matches!(self.registry.read(path, MAX_FILE_BYTES), Ok(None))
    }

    fn last_good_policy(&self) -> Option<Policy> {
        let versions = self.registry.history(POLICY_PATH, POLICY_VERSIONS).ok()?;
        versions.iter().find_map(|version| {
            let bytes = self.registry.file_at(&version.commit, POLICY_PATH).ok()??;
            nox_registry::parse_policy(&String::from_utf8(bytes).ok()?).ok()
        })
    }

    pub(super) fn publish(&self) {
        let problems = self.problems.iter().filter(|(_, problem)| problem.code != NOT_WRITTEN);
        let hindering = problems.map(|(path, problem)| (path.clone(), problem.clone())).collect();
        self.known.store(Arc::new(Known {
            agents: self.agents.clone(),
            problems: hindering,
            first_rank: self.tasks.values().map(|row| &row.rank).min().cloned(),
            looked: self.looked,
        }));
    }

    pub(super) async fn run(mut self, mut mail: mpsc::Receiver<Mail>) {
        let watch = Watch::start(self.registry.root());
        self.settle_outbox().await;
        self.look_everywhere().await;
        self.looked = true;
        self.publish();
        self.commit_what_is_behind().await;
        let outbox = self.shared.outbox.clone();
        let mut hinted: Option<(Instant, Instant)> = None;
        loop {
            let look_at = hinted.map(|(first, last)| (last + QUIET).min(first + AT_LATEST));
            let wake =
                [look_at, self.commit_at, self.retry_at, self.look_again_at].into_iter().flatten().min();
            tokio::select! {
                biased;
                // First, so that what a person wants after a start was answered is decided after the start's own wish.
                () = outbox.notified() => self.settle_outbox().await,
                next = mail.recv() => match next {
                    Some(Mail::Close { reply }) => {
                        self.settle_outbox().await;
                        self.commit_now().await;
                        let _ = reply.send(());
                        return;
                    }
                    Some(next) => self.mail(next).await,
                    None => return,
                },
                () = watch.hinted() => {
                    let now = Instant::now();
                    hinted = Some((hinted.map_or(now, |(first, _)| first), now));
                }
                () = at(wake) => {
                    let now = Instant::now();
                    if look_at.is_some_and(|at| at <= now) {
                        hinted = None;
                        match watch.take() {
                            Some(paths) => self.look_at(paths).await,
                            None => {
                                self.look_everywhere().await;
                                self.look_again_at.get_or_insert(now + LOOK_AGAIN);
                            }
                        }
                    }
                    if self.look_again_at.is_some_and(|at| at <= now) {
                        self.look_again_at = None;
                        self.look_everywhere().await;
                    }
                    if self.retry_at.is_some_and(|at| at <= now) {
                        self.retry_at = None;
                        self.settle_outbox().await;
                    }
                    if self.commit_at.is_some_and(|at| at <= now) {
                        self.commit_now().await;
                    }
                }
            }
        }
    }

    async fn mail(&mut self, mail: Mail) {
        match mail {
            Mail::Want { want, cause, result, reply } => match self.plan(&want) {
                Ok(plan) => {
                    let recorded = self.record(plan.edits, &cause, Some((result, plan.inverse))).await;
                    let (answer, edits) = match recorded {
                        Ok((seq, edits)) => (Ok(Recorded { seq }), edits),
                        Err(error) => (Err(error), Vec::new()),
                    };
                    let _ = reply.send(answer);
                    self.write_out(edits, plan.message).await;
                }
                Err(error) => {
                    let _ = reply.send(Err(error));
                }
            },
            Mail::ReadTask { task, reply } => {
                let _ = reply.send(self.read_task(&task));
            }
            // Letters are opened after the first look.
            Mail::Looked { reply } => {
                let _ = reply.send(());
            }
            Mail::Close { .. } => {}
        }
    }

    pub(super) fn task(&self, id: &TaskId) -> Result<&TaskRow, Error> {
        self.tasks.get(id).ok_or_else(|| Error::not_found("task", id))
    }

    pub(super) fn read_task(&self, id: &TaskId) -> Result<(TaskRow, String), Error> {
        let row = self.task(id)?.clone();
        // A file that is broken now shows the last good row and whatever can be read of its text.
        let text = self.newest_text(&row.path)?.unwrap_or_default();
        let body = TaskFile::parse(&row.path, &text).map_or(text, |file| file.body());
        Ok((row, body))
    }

    /// The text that a change is made from: what was recorded last, else the file as it is now.
    pub(super) fn newest_text(&self, path: &str) -> Result<Option<String>, Error> {
        match self.unwritten.get(path) {
            Some(recorded) => Ok(recorded.clone()),
            None => self.text_of(path),
        }
    }

    /// Keeps a task's text for a while, see [`Owner::base_text`].
    pub(super) fn remember(&mut self, hash: String, text: &str) {
        if self.recent.iter().any(|(known, _)| *known == hash) {
            return;
        }
        self.recent.push_back((hash, text.to_owned()));
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// The text with this hash that a path once had; none if it is neither kept nor in the history.
    pub(super) fn base_text(&self, path: &str, hash: &str) -> Result<Option<String>, Error> {
        if let Some((_, text)) = self.recent.iter().find(|(known, _)| known == hash) {
            return Ok(Some(text.clone()));
        }
        Ok(self.registry.base_text(path, hash)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    }

    /// The text of a file as it is now; none if it is not there.
    pub(super) fn text_of(&self, path: &str) -> Result<Option<String>, Error> {
        let bytes = self.registry.read(path, MAX_FILE_BYTES)?;
        bytes
            .map(|bytes| {
                String::from_utf8(bytes).map_err(|_| Error::Conflict {
                    message: format!("{path} is not UTF-8 text"),
                    hint: "Save it as UTF-8 in your editor.".into(),
                })
            })
            .transpose()
    }

    /// Facts that have happened already, without a command.
    pub(super) fn hand() -> Cause {
        Cause { actor: nox_domain::event::Actor::Hand, command: None }
    }
}

async fn at(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}

/// What a want comes down to.
pub(super) struct Plan {
    pub(super) edits: Vec<Edit>,
    /// The want that takes it back.
    pub(super) inverse: Option<Want>,
    /// The commit's message.
    pub(super) message: String,
}
