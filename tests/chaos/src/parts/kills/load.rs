//! The load: tasks that are made, changed, deleted and brought back, an agent that is changed, sessions that stream
//! with children that want to stay, and requests that are answered. It works until its engine is gone.

use crate::{
    book::{About, Book},
    engine::new_command,
};
use nox_api::{
    ApiError, Subscriber,
    control::{self, Client as Wire},
    domain::{
        Size,
        agent::AgentPatch,
        event::PreAllowed,
        ids::{AgentId, RequestId, SessionId, TaskId},
        rows::RequestState,
        task::TaskPatch,
        tool::Decision,
    },
    dto::*,
};
use nox_test_support::Dice;
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

/// The agent that is changed again and again.
pub(super) const AGENT: &str = "chaos";

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The engine is gone; it may have been done.
    Gone,
    /// The engine said no.
    Refused(ApiError),
}

type Done<T = Recorded> = Result<T, Failure>;

/// A client with its book. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    wire: Wire,
    pub(super) book: Arc<Mutex<Book>>,
    root: PathBuf,
}

impl Client {
    pub(super) fn new(wire: Wire, book: Arc<Mutex<Book>>, root: &Path) -> Self {
        Self { wire, book, root: root.to_owned() }
    }

    /// Sends a command of the book, for the first time or again.
    pub(super) async fn send(
        &self,
        id: &nox_api::domain::ids::CommandId,
        operation: &str,
        input: &impl Serialize,
    ) -> Done {
        match self.wire.call(operation, Some(id.clone()), Face::Window, input).await {
            Ok(answer) => Ok(answer),
            Err(control::Error::Api(error)) => Err(Failure::Refused(error)),
            Err(_) => Err(Failure::Gone),
        }
    }

    /// Writes a command into the book, sends it, and notes the answer.
    pub(super) async fn command(&self, operation: &'static str, input: impl Serialize, about: About) -> Done {
        let id = new_command();
        let value = serde_json::to_value(&input).unwrap();
        self.book.lock().unwrap().ask(id.clone(), operation, value, about);
        let answer = self.send(&id, operation, &input).await;
        let mut book = self.book.lock().unwrap();
        match &answer {
            Ok(recorded) => book.acknowledge(&id, recorded.clone()),
            Err(Failure::Refused(_)) => book.refuse(&id),
            Err(Failure::Gone) => {}
        }
        answer
    }

    pub(super) async fn query<O: serde::de::DeserializeOwned>(
        &self,
        operation: &str,
        input: impl Serialize,
    ) -> Done<O> {
        match self.wire.call(operation, None, Face::Window, &input).await {
            Ok(answer) => Ok(answer),
            Err(control::Error::Api(error)) => Err(Failure::Refused(error)),
            Err(_) => Err(Failure::Gone),
        }
    }

    pub(super) async fn snapshot(&self) -> Done<Snapshot> {
        self.query("snapshot", Nothing {}).await
    }

    async fn make(&self, slot: usize, title: &str, body: String) -> Done<TaskId> {
        let input = CreateTask { title: title.into(), body, ..CreateTask::default() };
        let made = self.command("create_task", input, About::Made { slot }).await?;
        Ok(made.task.expect("a task that was made has an id"))
    }

    async fn start(&self, slot: usize, task: TaskId, pre_allowed: PreAllowed) -> Done<SessionId> {
        let input = StartTask { task, agent: None, folder: None, pre_allowed };
        let started = self.command("start_task", input, About::Started { slot }).await?;
        Ok(started.session.expect("a session that was opened has an id"))
    }

    pub(super) async fn answer(&self, request: RequestId, decision: Decision) -> Done {
        let input = AnswerRequest {
            request: request.clone(),
            decision,
            reason: None,
            answers: Default::default(),
            rule: None,
        };
        self.command("answer_request", input, About::Answered { request, decision }).await
    }
}

/// Works until the engine is gone.
pub(super) async fn work(client: Client, seed: u64) {
    let mut dice = Dice::new(seed);
    let (one, two, three) = (dice.draw(), dice.draw(), dice.draw());
    tokio::join!(
        until_gone(tasks(&client, Dice::new(one))),
        until_gone(agent(&client)),
        until_gone(streams(&client, Dice::new(two))),
        until_gone(requests(&client, Dice::new(three))),
    );
}

/// A refusal ends a branch as well: it is a failure when it was not expected, which the branches handle themselves.
async fn until_gone(branch: impl Future<Output = Done<()>>) {
    if let Err(Failure::Refused(error)) = branch.await {
        eprintln!("the load was refused: {error:?}");
    }
}

async fn tasks(client: &Client, mut dice: Dice) -> Done<()> {
    loop {
        let slot = client.book.lock().unwrap().slot();
        let task = client.make(slot, "Fresh", "Words that stay.".to_owned()).await?;
        for number in 1..=5 + dice.below(40) as u32 {
            let patch = TaskPatch { title: Some(format!("Title {number}")), ..TaskPatch::default() };
            let input = ChangeTask { task: task.clone(), patch, base: None };
            client.command("change_task", input, About::Titled { slot, number }).await?;
        }
        if dice.percent(40) {
            let input = OneTask { task: task.clone() };
            client.command("delete_task", input, About::Deleted { slot }).await?;
            if dice.percent(50) {
                let deletion = {
                    let book = client.book.lock().unwrap();
                    let mut done = book.done().rev();
                    done.find(|(asked, _)| asked.about == About::Deleted { slot })
                        .map(|(asked, _)| asked.id.clone())
                };
                let deletion = deletion.expect("the deletion is in the book");
                client
                    .command("undo", Undo { command: deletion, of: None }, About::Restored { slot })
                    .await?;
            }
        }
    }
}

async fn agent(client: &Client) -> Done<()> {
    let begun = client.book.lock().unwrap().description;
    if begun.is_none() {
        let input = CreateAgent { name: "Chaos".into(), description: "0".into(), ..CreateAgent::default() };
        client.command("create_agent", input, About::Described { number: 0 }).await?;
    }
    for number in begun.unwrap_or(0) + 1.. {
        let patch = AgentPatch { description: Some(number.to_string()), ..AgentPatch::default() };
        let input = ChangeAgent { agent: AgentId::from_name(AGENT), patch, base: None };
        client.command("change_agent", input, About::Described { number }).await?;
    }
    Ok(())
}

/// Children that want to outlive everything: with a session of their own, forked twice, deaf, stopped.
const CHILDREN: [&str; 5] = [
    "(setsid sh -c 'trap \"\" TERM HUP INT; while :; do sleep 1; done' &)",
    "(setsid sh -c '(sh -c \"sleep 300 & sleep 300\" &) & sleep 300' &)",
    "sh -c 'kill -STOP $$; sleep 300' &",
    "(setsid sh -c 'trap \"\" TERM; kill -STOP $$; sleep 300' &)",
    "(trap '' TERM; sleep 300) & (trap '' TERM; sleep 300) &",
];

impl Client {
    /// A block that notes its effect once, leaves children behind, and counts until the gate is there.
    fn counting(&self, token: &str, children: &str) -> String {
        let (effects, gate) = (self.root.join("effects"), self.root.join("gate"));
        format!(
            "```sh\necho {token} >> '{}'\n{children}\ni=0\nwhile ! test -e '{}'; do echo $i; i=$((i + 1)); test $((i % 50)) != 0 || sleep 0.01; done\n```\n",
            effects.display(),
            gate.display()
        )
    }

    fn asking(&self, token: &str) -> String {
        format!("```sh\necho {token} >> '{}'\n```\n", self.root.join("effects").display())
    }
}

async fn streams(client: &Client, mut dice: Dice) -> Done<()> {
    let ear = client.wire.subscribe().await.map_err(|_| Failure::Gone)?;
    let reading = read_on(client, &ear);
    let starting = start_streams(client, &mut dice);
    let (started, ()) = tokio::join!(starting, reading);
    started
}

async fn start_streams(client: &Client, dice: &mut Dice) -> Done<()> {
    for _ in 0..1 + dice.below(2) {
        let token = nox_test_support::processes::new_mark();
        let slot = client.book.lock().unwrap().slot();
        let body = client.counting(&token, CHILDREN[dice.place(CHILDREN.len())]);
        let task = client.make(slot, "Streams", body).await?;
        let session = client.start(slot, task, PreAllowed::All).await?;
        client.wire.watch(&session, true).await.map_err(|_| Failure::Gone)?;
    }
    Ok(())
}

/// Reads outputs as they come. What a client has read is what must still be there.
async fn read_on(client: &Client, ear: &Subscriber) {
    while let Some(push) = ear.next().await {
        let Push::Output { session, item, .. } = push else { continue };
        let input = ReadOutput { session: session.clone(), item: item.clone(), from: Some(Size(0)) };
        let Ok(page) = client.query::<OutputPage>("read_output", input).await else { continue };
        let mut book = client.book.lock().unwrap();
        if let Some(slot) = book.slots.iter_mut().find(|slot| slot.session.as_ref() == Some(&session)) {
            slot.output = Some((item, page.next.0));
        }
    }
}

async fn requests(client: &Client, mut dice: Dice) -> Done<()> {
    loop {
        let token = nox_test_support::processes::new_mark();
        let slot = client.book.lock().unwrap().slot();
        let task = client.make(slot, "Asks", client.asking(&token)).await?;
        let session = client.start(slot, task, PreAllowed::Nothing).await?;
        let request = loop {
            let all = client.snapshot().await?;
            let open = all.requests.into_iter().find(|row| row.session == session);
            if let Some(row) = open.filter(|row| row.state == RequestState::Open) {
                break row.request.id;
            }
            // The ear of this connection is used by the streams; this only spaces the looks.
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        };
        client.book.lock().unwrap().slots[slot].request = Some(request.clone());
        if dice.percent(60) {
            let decision = [Decision::AllowOnce, Decision::Deny][dice.place(2)];
            client.answer(request, decision).await?;
        }
    }
}
