//! Carries a conversation: performs its acts, and tells it what came of them.
//!
//! One task owns everything. The model is asked in a task of its own that is dropped to hush it; each call that runs is a
//! task that is told to end and then waited for. What is kept is on the disk before anything that follows from it is done.

use super::{
    acts::{Act, Done, Settings},
    conversation::{Conversation, MAX_ITERATIONS},
    faults::Failure,
    history::Line,
    image::Image,
    keep::{self, Found, Keeper},
    models::{Learned, Models},
    services::Services,
    tools::{self, Desk, Look},
    wire::{Heard, Offered, Request, Wire},
    work::{Bench, Ending},
};
use crate::{
    ItemOutput, Pipe, Start,
    child::{Asked, Before, Carried, Meanwhile, Told, Wishes, asked},
    prices::Prices,
};
use nox_domain::{
    event::{Dial, Problem, RunEnd, TurnEnd},
    ids::ItemId,
    session::{Prompt, Signal},
    transcript::AgentFault,
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet, spawn_blocking},
    time::Instant,
};
use uuid::Uuid;

/// How long it may take to find out what a call would do.
const LOOK_LIMIT: Duration = Duration::from_secs(20);
/// How long a run that is told to stop waits for its disk.
const PATIENCE: Duration = Duration::from_secs(2);

/// A run before it has begun.
pub(super) struct Run {
    start: Start,
    wire: Wire,
    carried: Option<Carried>,
    wishes: Wishes,
}

/// What happens to a run.
enum Event {
    Told(Told),
    Stopped,
    Heard(Option<Heard>),
    Looked(String, Box<Result<Look, String>>),
    Done(String, Done),
    Woken,
    /// What the model server tells of its models, or that it is not waited for any longer.
    Learned(Option<Learned>),
}

/// A run that lives.
struct Live {
    start: Start,
    wire: Wire,
    wishes: Wishes,
    talk: Conversation,
    /// None while a line is on its way to the disk.
    keeper: Option<Keeper>,
    system: String,
    services: Services,
    offered: Vec<Offered>,
    desk: Desk,
    bench: Arc<Bench>,
    /// Texts that are being written.
    outputs: HashMap<ItemId, Box<dyn ItemOutput>>,
    /// The request that is listened to, and its task.
    asking: Option<(u64, mpsc::Receiver<Heard>, JoinHandle<()>)>,
    /// Calls to be looked at, in their order, and the one that is looked at.
    to_look: VecDeque<(String, String, Value)>,
    looking: Option<(String, JoinHandle<Result<Look, String>>)>,
    /// Calls that wait for their answer.
    looks: HashMap<String, Look>,
    /// What people answered to the questions of a call that is about to run.
    answers: BTreeMap<String, Vec<String>>,
    working: JoinSet<Done>,
    keys: HashMap<tokio::task::Id, String>,
    ends: HashMap<String, watch::Sender<Ending>>,
    wake_at: Option<Instant>,
    models: Models,
    /// It was told to stop, and nothing begins any more.
    stopping: bool,
    /// The conversation knows of it.
    stopped: bool,
    /// The conversation cannot be kept: the run ends.
    broken: Option<String>,
    _carried: Option<Carried>,
}

impl Run {
    pub(super) fn new(start: Start, wire: Wire, carried: Option<Carried>, wishes: Wishes) -> Self {
        Self { start, wire, carried, wishes }
    }

    /// Carries the run to its end.
    pub(super) async fn run(mut self) {
        let signals = self.start.signals.clone();
        let (how, detail) = match self.open().await {
            Ok((keeper, found, before)) => match self.services().await {
                Some((services, notes)) => self.live(keeper, found, before, services, notes).await,
                None => (RunEnd::Killed, None),
            },
            Err(message) => {
                let problem = Some(Problem::NotStarted { message });
                signals.send(Signal::TurnEnded { end: TurnEnd::Failed, problem }).await;
                (RunEnd::Exit, None)
            }
        };
        signals.send(Signal::RunEnded { how, detail }).await;
    }

    /// The conversation to go on with, or a new one.
    async fn open(&mut self) -> Result<(Keeper, Found, Before), String> {
        let (folder, resume, fork) = (self.start.keep.clone(), self.start.resume.clone(), self.start.fork);
        let opened = spawn_blocking(move || Keeper::of(&folder, resume.as_deref(), fork));
        let opened = opened.await.map_err(|_| "a fault of Nox".to_owned())?;
        let (keeper, found, before) =
            opened.map_err(|error| format!("the conversation cannot be opened: {error}"))?;
        if self.start.resume.as_deref() != Some(keeper.name()) {
            self.carried = Carried::take(keeper.name());
        }
        Ok((keeper, found, before))
    }

    /// Starts the services; none when it is told to stop meanwhile.
    async fn services(&mut self) -> Option<(Services, Vec<String>)> {
        let starting = Services::start(&self.start);
        tokio::pin!(starting);
        tokio::select! {
            begun = &mut starting => Some(begun),
            () = self.wishes.stop() => None,
        }
    }

    async fn live(
        self,
        keeper: Keeper,
        found: Found,
        before: Before,
        services: Services,
        mut notes: Vec<String>,
    ) -> (RunEnd, Option<String>) {
        let Self { start, wire, carried, wishes } = self;
        let model = start.program.model.clone().unwrap_or_default();
        let (prices, fault) = Prices::read(start.prices.as_deref());
        notes.extend(fault);
        notes.extend(tools::left_out(&start.program));
        let mut offered = tools::offered(&start.program);
        offered.extend(services.offered());
        let system = super::system(&start);
        let settings = Settings {
            model: model.clone(),
            max_iterations: start.program.max_iterations.unwrap_or(MAX_ITERATIONS).max(1),
            own_context: start.program.context_tokens.map(u64::from),
            usual_context: wire.usual_context().into(),
            fixed_bytes: (system.len() + offered.iter().map(Offered::bytes).sum::<usize>()) as u64,
            prices,
            is_local: wire.is_local(),
        };
        let bench = Arc::new(Bench::of(&start));
        let mut live = Live {
            talk: Conversation::new(settings, found.history, || ItemId::from_uuid(Uuid::now_v7())),
            keeper: Some(keeper),
            system,
            desk: bench.desk.clone(),
            bench,
            services,
            offered,
            outputs: HashMap::new(),
            asking: None,
            to_look: VecDeque::new(),
            looking: None,
            looks: HashMap::new(),
            answers: BTreeMap::new(),
            working: JoinSet::new(),
            keys: HashMap::new(),
            ends: HashMap::new(),
            wake_at: None,
            models: Models::of(wire.provider(), &model),
            stopping: false,
            stopped: false,
            broken: None,
            _carried: carried,
            start,
            wire,
            wishes,
        };
        live.begin(before, found.lost_lines, notes).await;
        live.carry().await
    }
}

impl Live {
    async fn begin(&mut self, before: Before, lost_lines: usize, notes: Vec<String>) {
        self.tell(Signal::Live).await;
        if let Some(name) = self.keeper.as_ref().map(|keeper| keeper.name().to_owned()) {
            self.tell(Signal::Named(name)).await;
        }
        self.models.learn(&self.wire, self.talk.model());
        if before == Before::Lost {
            let text =
                "The conversation is not there any more, so the agent does not know what was said before.";
            self.tell(Signal::Noted("not_restored".into(), text.into())).await;
        } else if lost_lines > 0 {
            let text = format!(
                "The conversation's file is damaged: its last {lost_lines} lines cannot be read, so the agent does not \
                 know of them. They are put aside beside it."
            );
            self.tell(Signal::Noted("not_restored".into(), text)).await;
        }
        for note in notes {
            self.tell(Signal::Noted("settings".into(), note)).await;
        }
        let Some(prompt) = self.start.prompt.take() else { return };
        let (again, mut acts) = (self.start.again, Vec::new());
        let Some((prompt, images)) = self.shown(prompt, &mut acts).await else { return };
        // Asked before, and no conversation was ever named: it was cut off before it had one.
        let is_lost = before == Before::Lost || again && self.start.resume.is_none();
        let words = std::mem::take(&mut self.start.words);
        if is_lost {
            let said = Meanwhile { words: &words, left_out: self.start.left_out };
            let text = asked(&prompt.text, &self.start.text, Before::Lost, again, said);
            self.talk.prompt(&Prompt { text, ..prompt }, images, &mut acts);
            let unheard = words.into_iter().filter(|words| !words.heard);
            acts.extend(unheard.map(|words| Act::Tell(Signal::Steered(words.text))));
        } else {
            self.talk.hold(words, &prompt, &mut acts);
            match again {
                true => self.talk.go_on(&prompt, images, &mut acts),
                false => self.talk.prompt(&prompt, images, &mut acts),
            }
        }
        self.perform(acts).await;
    }

    async fn carry(mut self) -> (RunEnd, Option<String>) {
        while self.broken.is_none() && !(self.stopped && self.working.is_empty()) {
            let event = self.next().await;
            let mut acts = Vec::new();
            match event {
                Event::Told(told) => self.told(told, &mut acts).await,
                Event::Stopped => {
                    self.stopped = true;
                    self.stopping();
                    self.wake_at = None;
                    self.talk.stop(&mut acts);
                }
                Event::Heard(heard) => {
                    if let Some((request, ..)) = &self.asking {
                        let request = *request;
                        let broke = || Heard::Failed(Failure::of(AgentFault::Crashed, "a fault of Nox"));
                        let heard = heard.unwrap_or_else(broke);
                        if matches!(heard, Heard::Reply(_) | Heard::Failed(_)) {
                            self.asking = None;
                        }
                        self.talk.hear(request, heard, &mut acts);
                    }
                }
                Event::Looked(key, found) => self.looked(key, *found, &mut acts),
                Event::Done(key, done) => {
                    if !done.images.is_empty()
                        && let Some(text) = self.models.unseen(self.talk.model(), self.talk.prices())
                    {
                        acts.push(Act::Tell(Signal::Noted("images_unseen".into(), text)));
                    }
                    self.talk.done(&key, done, &mut acts);
                }
                Event::Woken => {
                    self.wake_at = None;
                    self.talk.wake(&mut acts);
                }
                Event::Learned(learned) => self.learned(learned).await,
            }
            self.perform(acts).await;
        }
        self.hush();
        for end in self.ends.values() {
            end.send_replace(Ending::Now);
        }
        while self.working.join_next().await.is_some() {}
        self.services.stop().await;
        let mut acts = Vec::new();
        self.talk.over(&mut acts);
        self.perform(acts).await;
        match self.broken.take() {
            Some(said) => (RunEnd::Exit, Some(said)),
            None => (RunEnd::Killed, None),
        }
    }

    /// Waits for whatever comes first.
    async fn next(&mut self) -> Event {
        let wake_at = self.wake_at;
        let stopped = self.stopped;
        let woken = async {
            match wake_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let heard = async {
            match &mut self.asking {
                Some((_, heard, _)) => heard.recv().await,
                None => std::future::pending().await,
            }
        };
        let looked = async {
            match &mut self.looking {
                Some((_, looking)) => looking.await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            told = self.wishes.next(), if !stopped => told.map_or(Event::Stopped, Event::Told),
            Some(done) = self.working.join_next_with_id() => {
                let (id, done) = match done {
                    Ok((id, done)) => (id, done),
                    Err(fault) => (fault.id(), Done::broke_down()),
                };
                let key = self.keys.remove(&id).unwrap_or_default();
                self.ends.remove(&key);
                Event::Done(key, done)
            },
            found = looked => {
                let key = self.looking.take().map(|(key, _)| key).unwrap_or_default();
                Event::Looked(key, Box::new(found.unwrap_or_else(|_| Err("a fault of Nox".into()))))
            },
            learned = self.models.learned() => Event::Learned(learned),
            heard = heard => Event::Heard(heard),
            () = woken => Event::Woken,
        }
    }

    async fn told(&mut self, told: Told, acts: &mut Vec<Act>) {
        match told {
            Told::Prompt(prompt) => {
                if let Some((prompt, images)) = self.shown(prompt, acts).await {
                    self.talk.prompt(&prompt, images, acts);
                }
            }
            Told::Steer(text) => self.talk.steer(text, acts),
            Told::Model(model) => {
                self.talk.set_model(model);
                self.offer().await;
                self.tell(Signal::Switched(Dial::Model)).await;
                self.models.learn(&self.wire, self.talk.model());
            }
            Told::Answer(answer) => {
                self.answers = if answer.allowed { answer.answers.clone() } else { BTreeMap::new() };
                if !answer.allowed {
                    self.looks.remove(&answer.key);
                }
                self.talk.answer(&answer, acts);
            }
            Told::Interrupt => {
                self.forget_looks();
                self.talk.interrupt(acts);
                self.wake_at = None;
            }
            // It has none.
            Told::Mode(_) => self.tell(Signal::Switched(Dial::Mode)).await,
        }
    }

    /// What a prompt shows, read from where it is kept; none when it is told to stop meanwhile.
    async fn shown(&mut self, prompt: Prompt, acts: &mut Vec<Act>) -> Option<(Prompt, Vec<Image>)> {
        let (store, turn) = (self.start.images.clone(), prompt.turn.clone());
        let asked = self.heed(Asked::of(prompt, &*store), Some(PATIENCE)).await?;
        acts.extend(asked.note().map(Act::Tell));
        Some((Prompt { turn, images: vec![], text: asked.text.clone() }, Image::all_of(&asked)))
    }

    fn looked(&mut self, key: String, found: Result<Look, String>, acts: &mut Vec<Act>) {
        self.look_on();
        let (call, look) = match found {
            Ok(mut look) => {
                look.call.key.clone_from(&key);
                (Ok(look.call.clone()), Some(look))
            }
            Err(text) => (Err(text), None),
        };
        self.talk.looked(&key, call, acts);
        // Nothing is kept of a call that nobody will answer.
        let is_proposed = acts.iter().any(|act| matches!(act, Act::Tell(Signal::Proposed(_))));
        self.looks.extend(look.filter(|_| is_proposed).map(|look| (key, look)));
    }

    /// Looks at the next call, if none is looked at.
    fn look_on(&mut self) {
        if self.looking.is_some() {
            return;
        }
        let Some((key, name, input)) = self.to_look.pop_front() else { return };
        let (desk, program) = (self.desk.clone(), self.start.program.clone());
        let of_service = self.services.look(&name, &input, &desk);
        let looking =
            spawn_blocking(move || of_service.unwrap_or_else(|| tools::look(&name, &input, &desk, &program)));
        // A disk that does not answer holds a thread, and nothing else.
        let looking = tokio::spawn(async move {
            match tokio::time::timeout(LOOK_LIMIT, looking).await {
                Ok(looked) => looked.unwrap_or_else(|_| Err("a fault of Nox".into())),
                Err(_) => Err(format!("what is there was not found out within {} s", LOOK_LIMIT.as_secs())),
            }
        });
        self.looking = Some((key, looking));
    }

    /// Calls that wait are over.
    fn forget_looks(&mut self) {
        self.to_look.clear();
        self.looks.clear();
        self.looking = None;
    }

    /// It is told to stop: the model is not listened to, what runs is ended, and nothing begins any more.
    fn stopping(&mut self) {
        self.stopping = true;
        self.hush();
        self.to_look.clear();
        self.looking = None;
        for end in self.ends.values() {
            end.send_replace(Ending::Now);
        }
    }

    /// Waits for something that may take long. A stop is heard meanwhile, and then it is waited for only so long; for ever
    /// when that is none.
    async fn heed<T>(&mut self, work: impl Future<Output = T>, patience: Option<Duration>) -> Option<T> {
        tokio::pin!(work);
        loop {
            let stopping = self.stopping;
            let late = async {
                match patience.filter(|_| stopping) {
                    Some(patience) => tokio::time::sleep(patience).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = self.wishes.stop(), if !stopping => {}
                () = late => return None,
            }
            self.stopping();
        }
    }

    async fn perform(&mut self, acts: Vec<Act>) {
        let mut acts = VecDeque::from(acts);
        while let Some(act) = acts.pop_front() {
            match act {
                Act::Tell(signal) => self.tell(signal).await,
                Act::Keep(line) => {
                    if let Err(error) = self.keep(line).await {
                        self.talk.cannot_keep(&error.to_string(), keep::remedy(&error), &mut acts);
                        self.broken = Some(format!("the conversation cannot be kept: {error}"));
                    }
                }
                Act::Append(item, text) => {
                    let begin = || self.start.output.begin(&self.start.session, &item);
                    let mut output = self.outputs.remove(&item).unwrap_or_else(begin);
                    let writing = async move {
                        output.write(Pipe::Out, text.into_bytes()).await;
                        output
                    };
                    let written = self.heed(writing, Some(PATIENCE)).await;
                    self.outputs.extend(written.map(|output| (item, output)));
                }
                Act::TextEnds(item) => {
                    if let Some(output) = self.outputs.remove(&item) {
                        self.heed(output.finish(), Some(PATIENCE)).await;
                    }
                }
                Act::Ask { request } => self.ask(request).await,
                Act::Hush => self.hush(),
                Act::Look { key, name, input } => {
                    self.to_look.push_back((key, name, input));
                    self.look_on();
                }
                Act::Run { key, item } => self.work(key, item),
                Act::End { key } => {
                    if let Some(end) = self.ends.get(&key) {
                        end.send_replace(Ending::Now);
                    }
                }
                Act::Wake { after } => {
                    self.wake_at = Some(Instant::now() + after.max(Duration::from_millis(1)))
                }
            }
        }
    }

    async fn keep(&mut self, line: Line) -> io::Result<()> {
        let Some(mut keeper) = self.keeper.take() else {
            return Err(io::Error::other("its file is not open"));
        };
        let kept = spawn_blocking(move || {
            let kept = keeper.keep(&line);
            (keeper, kept)
        });
        let late = || io::Error::new(io::ErrorKind::TimedOut, "the disk does not answer");
        let kept = self.heed(kept, Some(PATIENCE)).await.ok_or_else(late)?;
        let (keeper, kept) = kept.map_err(io::Error::other)?;
        self.keeper = Some(keeper);
        kept
    }

    async fn ask(&mut self, request: u64) {
        self.hush();
        // Whether the model takes images is about to be told.
        if self.talk.history().has_images() && self.models.is_awaited() {
            tokio::select! {
                learned = self.models.learned() => self.learned(learned).await,
                () = self.wishes.stop() => self.stopping(),
            }
        }
        if self.stopping {
            return;
        }
        let (to, heard) = mpsc::channel(64);
        let (wire, history, tools) = (self.wire.clone(), self.talk.history().clone(), self.offered.clone());
        let (model, system) = (self.talk.model().to_owned(), self.system.clone());
        let (shows, unseen) = self.models.shows(&model, self.talk.prices(), &history);
        let images = shows && !self.talk.is_blind();
        if let Some(text) = unseen {
            self.tell(Signal::Noted("images_unseen".into(), text)).await;
        }
        let task = tokio::spawn(async move {
            let request =
                Request { model: &model, system: &system, history: &history, tools: &tools, images };
            wire.ask(request, &to).await;
        });
        self.asking = Some((request, heard, task));
    }

    fn hush(&mut self) {
        if let Some((_, _, task)) = self.asking.take() {
            task.abort();
        }
    }

    fn work(&mut self, key: String, item: ItemId) {
        let Some(Look { call, work }) = self.looks.remove(&key).filter(|_| !self.stopping) else { return };
        let (end, ending) = watch::channel(Ending::No);
        let caller = match &work {
            tools::Work::Service { service, .. } => self.services.caller(service),
            _ => None,
        };
        let answers = std::mem::take(&mut self.answers);
        let bench = self.bench.clone();
        let task = self
            .working
            .spawn(async move { bench.carry_out(call, work, item, answers, caller, ending).await });
        self.keys.insert(task.id(), key.clone());
        self.ends.insert(key, end);
    }

    async fn learned(&mut self, learned: Option<Learned>) {
        self.models.take(learned.unwrap_or_default());
        self.offer().await;
    }

    async fn offer(&mut self) {
        let offers = self.models.offered(self.talk.model(), self.talk.prices());
        self.tell(Signal::Offers(Box::new(offers))).await;
    }

    async fn tell(&mut self, signal: Signal) {
        let signals = self.start.signals.clone();
        self.heed(signals.send(signal), None).await;
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.hush();
    }
}
