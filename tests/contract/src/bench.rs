//! What a scenario works with: a world, a model server, an agent that the program carries, and ways to look.

use crate::programs::{Installed, Lack, Places, Program};
use nox_api::{
    domain::{
        agent::Program as Settings,
        event::{PreAllowed, Problem},
        ids::SessionId,
        rows::{Item, ItemBody, SessionRow, SessionState},
        tool::{CallStatus, ToolCall},
    },
    dto::{CreateAgent, CreateTask, OneSession, PromptSession, PutKey, StartTask, TryAgent},
};
use nox_domain::{
    life::{Life, OnDisconnect, Restart},
    transcript::AgentFault,
};
use nox_test_support::{
    World, caller,
    model::{Asked, ModelServer, Reply, Script},
    processes,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What every agent is told about itself.
pub(crate) const PROMPT: &str = "You are the contract's worker.";

/// What one scenario begins with.
#[derive(Clone)]
pub(crate) struct Bench {
    pub(crate) program: &'static Program,
    path: PathBuf,
    /// In the environment of everything that it starts.
    pub(crate) mark: String,
    tools: Arc<Tools>,
    scenario: String,
    /// What is put into the keychain first: names and values.
    keys: &'static [(&'static str, &'static str)],
}

/// What all scenarios may use.
#[derive(Debug, Default)]
pub(crate) struct Tools {
    /// Where it is written down what is said on the programs' pipes.
    pub(crate) record: Option<PathBuf>,
    /// A real MCP server.
    pub(crate) server: Option<PathBuf>,
}

/// A scenario that has begun: one session of one agent.
pub(crate) struct Scene {
    pub(crate) program: &'static Program,
    pub(crate) world: World,
    pub(crate) server: ModelServer,
    pub(crate) session: SessionId,
    /// Where the agent works.
    pub(crate) folder: PathBuf,
    /// The program's own home.
    pub(crate) own: PathBuf,
    pub(crate) mark: String,
}

impl Bench {
    pub(crate) fn of(program: Installed<'_>, scenario: &str, tools: Arc<Tools>) -> Self {
        let mark = processes::new_mark();
        Self {
            program: program.row,
            path: program.path.to_owned(),
            mark,
            tools,
            scenario: scenario.to_owned(),
            keys: &[],
        }
    }

    /// The same with keys in the keychain.
    pub(crate) fn with_keys(self, keys: &'static [(&'static str, &'static str)]) -> Self {
        Self { keys, ..self }
    }

    /// A session whose task says "Begin.", with this script.
    pub(crate) async fn begin(self, replies: impl IntoIterator<Item = Reply>) -> Scene {
        self.begin_with(replies, |_, _| {}).await
    }

    /// The MCP server.
    pub(crate) fn server(&self) -> PathBuf {
        self.tools.server.clone().expect("the script names an MCP server")
    }

    /// A session whose model wants a command first and then says something.
    pub(crate) async fn begin_wanting(self, command: &str, then: &str) -> Scene {
        let replies = [self.program.wants_shell(command), Reply::text(then)];
        self.begin(replies).await
    }

    /// The same as [`Self::begin`]; the settings of the program, and its home and folder, can be prepared.
    pub(crate) async fn begin_with(
        self,
        replies: impl IntoIterator<Item = Reply>,
        prepare: impl FnOnce(&mut CreateAgent, &Places),
    ) -> Scene {
        let world = World::open().await;
        let server = ModelServer::start(Script::of(replies)).await.unwrap();
        let places = Places { own: world.root().join("own"), folder: world.root().join("work") };
        std::fs::create_dir_all(&places.own).unwrap();
        std::fs::create_dir_all(&places.folder).unwrap();
        let environment = BTreeMap::from([
            ("HOME".to_owned(), places.own.display().to_string()),
            ("NOX_CONTRACT_MARK".to_owned(), self.mark.clone()),
        ]);
        let mut agent = CreateAgent {
            name: "Worker".into(),
            runtime: self.program.runtime,
            prompt: PROMPT.into(),
            review: Some(false),
            environment,
            program: Settings {
                command: Some(self.path.display().to_string()),
                pass_environment: vec![self.program.key_variable.into()],
                ..Settings::default()
            },
            life: Life {
                restart: Some(Restart::OnFailure),
                on_disconnect: Some(OnDisconnect::Continue),
                ..Life::default()
            },
            ..CreateAgent::default()
        };
        // What was installed beside a program is found first: some want a newer node than the system's.
        let beside = self.path.parent().into_iter().map(Path::to_owned);
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = beside.chain(std::env::split_paths(&inherited));
        let path = std::env::join_paths(path).unwrap().into_string().unwrap();
        agent.environment.insert("PATH".into(), path);
        (self.program.settings)(&mut agent, &places, &server.address());
        if let Some(folder) = &self.tools.record {
            let folder = folder.join(self.program.name);
            std::fs::create_dir_all(&folder).unwrap();
            let file = folder.join(format!("{}.jsonl", self.scenario.replace([' ', '-'], "_")));
            let recorder = std::env::var("NOX_CONTRACT_RECORDER").expect("the script names the recorder");
            agent.environment.insert("NOX_RECORD_PROGRAM".into(), self.path.display().to_string());
            agent
                .environment
                .insert("NOX_RECORD_TO".into(), std::path::absolute(file).unwrap().display().to_string());
            agent.program.command = Some(recorder);
        }
        prepare(&mut agent, &places);
        for (name, value) in self.keys {
            let input = PutKey { name: (*name).into(), value: (*value).into() };
            world.api().put_key(&caller(), input).await.unwrap();
        }
        let agent = world.api().create_agent(&caller(), agent).await.unwrap().agent;
        let task = CreateTask { title: "Work".into(), body: "Begin.".into(), agent, ..CreateTask::default() };
        let task = world.create(task).await.unwrap().task.unwrap();
        let start = StartTask {
            task,
            agent: None,
            folder: Some(places.folder.display().to_string()),
            pre_allowed: PreAllowed::Nothing,
        };
        let session = world.api().start_task(&caller(), start).await.unwrap().session.unwrap();
        let Self { program, mark, .. } = self;
        Scene { program, world, server, session, folder: places.folder, own: places.own, mark }
    }
}

impl Scene {
    pub(crate) async fn prompt(&self, text: &str) {
        let input = PromptSession { session: self.session.clone(), text: text.into(), images: vec![] };
        self.world.api().prompt_session(&caller(), input).await.unwrap();
    }

    pub(crate) async fn interrupt(&self) {
        let one = OneSession { session: self.session.clone() };
        self.world.api().interrupt_session(&caller(), one).await.unwrap();
    }

    /// Waits for the end of a turn; answers why it did not end well.
    pub(crate) async fn idle(&mut self) -> Option<Problem> {
        let session = self.session.clone();
        let state =
            self.world.until_state("the end of the turn", &session, SessionState::awaits_prompt).await;
        match state {
            SessionState::Idle { problem } | SessionState::Hibernated { problem } => problem,
            other => panic!("it should stand by: {other:?}"),
        }
    }

    /// Tries the agent, without asking it anything; answers why it does not stand.
    pub(crate) async fn tried(&self) -> Option<Problem> {
        let agent = Some(self.row().await.agent);
        let trial = TryAgent { trial: "contract".into(), agent, ..TryAgent::default() };
        let seen = self.world.api().try_agent(trial).await.unwrap();
        seen.tried.problem
    }

    /// Waits for the end of a turn that did not end well.
    pub(crate) async fn failed(&mut self) -> (AgentFault, String) {
        match self.idle().await {
            Some(Problem::Agent { fault, message, .. }) => (fault, message),
            other => panic!("a problem of the agent was expected: {other:?}"),
        }
    }

    pub(crate) async fn row(&self) -> SessionRow {
        let all = self.world.snapshot().await.sessions;
        all.into_iter().find(|view| view.row.id == self.session).expect("the session").row
    }

    pub(crate) async fn items(&self) -> Vec<Item> {
        self.world.items(&self.session).await
    }

    /// What the agent said, message by message.
    pub(crate) async fn said(&self) -> Vec<String> {
        let texts = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::Message { text, .. } => Some(text),
            _ => None,
        });
        texts.collect()
    }

    /// The notes, by their codes.
    pub(crate) async fn notes(&self) -> Vec<String> {
        let codes = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::Note { code, .. } => Some(code),
            _ => None,
        });
        codes.collect()
    }

    /// The tool calls, with how far they are.
    pub(crate) async fn calls(&self) -> Vec<(ToolCall, CallStatus)> {
        let calls = self.items().await.into_iter().filter_map(|item| match item.body {
            ItemBody::ToolCall { call, status, .. } => Some((*call, status)),
            _ => None,
        });
        calls.collect()
    }

    pub(crate) async fn statuses(&self) -> Vec<CallStatus> {
        self.calls().await.into_iter().map(|(_, status)| status).collect()
    }

    /// Waits until the agent has said this.
    pub(crate) async fn until_said(&self, words: &str) {
        let is_it = |body: &ItemBody| matches!(body, ItemBody::Message { text, .. } if text == words);
        self.until_item(words, is_it).await;
    }

    /// Whether the program does what some do not.
    pub(crate) fn has(&self, lack: Lack) -> bool {
        self.program.has(lack)
    }

    /// Waits until an item is as it should be.
    pub(crate) async fn until_item(&self, what: &str, like: impl Fn(&ItemBody) -> bool) -> Item {
        nox_test_support::poll(what, async || self.items().await.into_iter().find(|item| like(&item.body)))
            .await
    }

    /// Requests to the model that offered tools.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.server.asked().into_iter().filter(|asked| asked.tools).collect()
    }

    /// The program itself, among the processes of this scenario.
    pub(crate) fn program(&self) -> u32 {
        let is_program = |pid: &u32| {
            let words = std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            words.contains(self.program.command_line) && !words.contains("nox-shim")
        };
        let found: Vec<u32> = processes::marked(&self.mark).into_iter().filter(is_program).collect();
        *found.last().unwrap_or_else(|| panic!("the program does not run"))
    }

    /// Ends everything in order.
    pub(crate) async fn close(mut self) {
        self.world.close().await;
        let mark = self.mark.clone();
        let left = tokio::task::spawn_blocking(move || {
            processes::wait_gone(&mark, std::time::Duration::from_secs(5))
        });
        left.await.unwrap().expect("nothing is left when Nox has closed");
    }
}
