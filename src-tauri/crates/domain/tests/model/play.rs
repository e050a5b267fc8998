//! One random history: a person, an engine that crashes, a driver and a clock act on the core and on the reference at once.

use crate::{
    checks::fx,
    reference::{At as CallAt, Fx, Reference},
};
use nox_domain::{
    At, Size,
    agent::Runtime,
    answers::Answers,
    event::{Dial, Event, PreAllowed, RunEnd, SessionOpened, TurnEnd, UnknownChoice},
    ids::{AgentId, ItemId, RequestId, SessionId},
    image::{Image, ImageKind},
    life::{HeldBack, LifeRules, OnCrash, PauseWhy, Restart, Stall, StallStep},
    policy::{Effect as Rule, Matcher, Policy, Rule as PolicyRule},
    rows::SessionState,
    session::{
        Effect, Now, Prompt, Rejection, Session, SessionCommand, Signal, Step,
        moves::{self, Move},
    },
    tool::{CallEnd, Choice, Decision, Question, ToolCall, ToolKind},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Splitmix64: the same numbers for the same seed, everywhere.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n
    }
    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }
}

/// A driver that does what a good one does, in the order of its program.
#[derive(Default)]
pub(crate) struct Driver {
    pub(crate) generation: u32,
    pub(crate) live: bool,
    pub(crate) works: bool,
    /// Blocks that it leaves out.
    pub(crate) done: Vec<String>,
    pub(crate) next: u32,
    pub(crate) asked: Option<(String, String)>,
    pub(crate) answer: Option<bool>,
    pub(crate) running: Option<String>,
    pub(crate) stopped: bool,
    /// It was told to end its turn.
    pub(crate) interrupted: bool,
    /// A text that it has begun.
    pub(crate) writing: Option<ItemId>,
    /// It said that its turn is over, and ends now.
    pub(crate) through: bool,
}

pub(crate) struct Play {
    pub(crate) dice: Dice,
    pub(crate) session: Session,
    pub(crate) model: Reference,
    pub(crate) log: Vec<(Event, At)>,
    pub(crate) trace: Vec<String>,
    pub(crate) seen: BTreeSet<Move>,
    /// Moves that are not in the table.
    pub(crate) illegal: BTreeSet<Move>,
    pub(crate) policy: Policy,
    pub(crate) driver: Option<Driver>,
    /// Its runs break down again and again, in little time.
    pub(crate) fragile: bool,
    pub(crate) ids: u128,
    pub(crate) at: i64,
    pub(crate) prompts: u32,
    pub(crate) first: bool,
    pub(crate) all: bool,
    /// Items whose driver was told that they may run, and keys by item.
    pub(crate) told: BTreeSet<ItemId>,
    pub(crate) ran: BTreeMap<ItemId, u32>,
    pub(crate) generations: u32,
    pub(crate) snapshot: (String, usize),
}

type Told = Result<Step, Rejection>;

/// A call that begins with this word asks a person something.
pub(crate) fn is_quiz(text: &str) -> bool {
    text.starts_with("quiz")
}

/// What a `quiz` asks.
fn questions() -> Vec<Question> {
    let option = |label: &str| Choice { label: label.into(), ..Choice::default() };
    vec![Question {
        id: "q".into(),
        text: "which?".into(),
        options: vec![option("a"), option("b")],
        ..Question::default()
    }]
}

pub(crate) fn call(key: &str, text: &str, goes_on: bool) -> ToolCall {
    ToolCall {
        key: key.into(),
        kind: ToolKind::Execute,
        title: text.into(),
        text: text.into(),
        shell: "sh".into(),
        folder: "/p".into(),
        outside: false,
        environment: vec![],
        environment_hash: String::new(),
        sandbox: "none".into(),
        timeout_seconds: None,
        continue_on_failure: goes_on,
        questions: if is_quiz(text) { questions() } else { vec![] },
        ..ToolCall::default()
    }
}

fn policy() -> Policy {
    let rule = |word: &str, effect| PolicyRule {
        id: word.into(),
        effect,
        kind: ToolKind::Execute,
        matcher: Matcher::Prefix(vec![word.into()]),
        agent: None,
        note: String::new(),
    };
    Policy { rules: vec![rule("safe", Rule::Allow), rule("never", Rule::Deny)], ..Policy::default() }
}

impl Play {
    pub(crate) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let runtime = dice.pick(&[Runtime::Runbook, Runtime::Recorded]);
        let life = LifeRules {
            on_crash: dice.pick(&[OnCrash::Resume, OnCrash::Resume, OnCrash::Ask]),
            restart: dice.pick(&[Restart::Always, Restart::OnFailure, Restart::Never]),
            wait_for_limit: !dice.one_in(4),
            ..LifeRules::default()
        };
        let pre_allowed =
            dice.pick(&[PreAllowed::Nothing, PreAllowed::Nothing, PreAllowed::First, PreAllowed::All]);
        let opened = SessionOpened {
            session: SessionId::from_uuid(Uuid::from_u128(1)),
            task: None,
            agent: AgentId::from_name("agent"),
            agent_name: "Agent".into(),
            agent_version: "v".into(),
            runtime,
            project: None,
            folder: "/p".into(),
            title: "t".into(),
            text: "prompt 0".into(),
            images: vec![image(0)],
            review: false,
            pre_allowed,
            environment: BTreeMap::default(),
            max_call_seconds: None,
            max_concurrent: None,
            limits: nox_domain::agent::Limits::default(),
            life,
            parent: None,
            depth: 0,
            worktree: None,
            schedule: None,
            instructions: String::new(),
            program: Default::default(),
            services: Default::default(),
            fork: None,
        };
        let mut ids = 100u128;
        let mut fresh = || {
            ids += 1;
            Uuid::from_u128(ids)
        };
        let mut step = Session::open(opened, &mut Now { at: At(1), ids: &mut fresh });
        let first = step.events.remove(0);
        let session = Session::begin(&first, At(1)).expect("it opens a session");
        let snapshot = (serde_json::to_string(&session).expect("it is JSON"), 1);
        let mut play = Self {
            dice,
            model: Reference::new(runtime.takes_prompts(), life, "prompt 0"),
            session,
            log: vec![(first, At(1))],
            trace: vec![format!("{runtime:?} {pre_allowed:?} {:?} {:?}", life.on_crash, life.restart)],
            seen: BTreeSet::new(),
            illegal: BTreeSet::new(),
            policy: policy(),
            driver: None,
            fragile: seed.is_multiple_of(4),
            ids,
            at: 1,
            prompts: 0,
            first: pre_allowed == PreAllowed::First,
            all: pre_allowed == PreAllowed::All,
            told: BTreeSet::new(),
            ran: BTreeMap::new(),
            generations: 0,
            snapshot,
        };
        play.take("open", step, vec![Fx::Want]);
        play
    }

    pub(crate) fn play(&mut self, steps: u32) {
        for _ in 0..steps {
            self.step();
        }
        self.check_end();
    }

    fn ask<T>(&mut self, f: impl FnOnce(&Session, &Policy, &mut Now<'_>) -> T) -> T {
        let ids = &mut self.ids;
        let mut fresh = || {
            *ids += 1;
            Uuid::from_u128(*ids)
        };
        f(&self.session, &self.policy, &mut Now { at: At(self.at), ids: &mut fresh })
    }

    fn step(&mut self) {
        self.at += match self.dice.below(20) {
            0 if !self.fragile => 400_000,
            1..=3 if !self.fragile => 40_000,
            _ => self.dice.below(500) as i64,
        };
        match self.dice.below(100) {
            0..=54 => self.driver_acts(),
            55..=66 => {
                let fx = self.model.place();
                let step = self.ask(|s, _, now| s.place_granted(now));
                self.take("place", step, fx);
            }
            67..=69 => self.crash(),
            70..=73 => {
                let fx = self.model.sleep();
                let step = self.session.hibernate();
                self.take("hibernate", step, fx);
            }
            74 | 75 => {
                let fx = self.model.limit_due(self.at);
                let step = self.session.limit_due(At(self.at));
                self.take("limit due", step, fx);
            }
            76 => {
                let fx = self.model.due();
                let step = self.session.restart_due();
                self.take("due", step, fx);
            }
            77..=80 => {
                let (stage, computes) =
                    (self.dice.pick(&[StallStep::Probed, StallStep::Asked]), self.dice.one_in(2));
                let news = self.model.look(stage, computes);
                let step = self.session.silent(Stall { since: At(self.at), step: stage, computes });
                assert_eq!(!step.events.is_empty(), news, "a look at silence");
                self.take("silence", step, vec![]);
            }
            82..=84 => {
                let news = self.model.heard_output();
                let step = self.session.heard_again();
                assert_eq!(!step.events.is_empty(), news, "output after silence");
                self.take("heard again", step, vec![]);
            }
            81 => {
                let step = self.session.held_back_by(HeldBack::Places { max: 1 });
                self.take("held back", step, vec![]);
            }
            _ => self.person_acts(),
        }
    }

    pub(crate) fn command(
        &mut self,
        command: SessionCommand,
        expected: Result<Vec<Fx>, crate::reference::Refused>,
    ) {
        let step: Told = self.ask(|s, _, now| s.decide(&command, now));
        match (step, expected) {
            (Ok(step), Ok(fx)) => self.take(&format!("{command:?}"), step, fx),
            (Err(_), Err(_)) => {}
            (step, expected) => {
                panic!("{command:?}: the core says {step:?}, the reference {expected:?}")
            }
        }
    }

    fn stops(&mut self) {
        let fx = self.model.stop();
        self.command(SessionCommand::Stop, fx);
        // What was said into the turn before is taken in all the same, and what was wished for is answered.
        self.takes_in();
        self.answers();
    }

    fn pauses(&mut self) {
        let why = self.dice.pick(&[PauseWhy::Person, PauseWhy::Disconnected]);
        let fx = self.model.pause();
        self.command(SessionCommand::Pause { why }, fx);
        self.takes_in();
    }

    fn person_acts(&mut self) {
        // Silence is rare, and so is what a person does about it.
        let lot = match self.model.silent {
            Some((StallStep::Asked, _)) => 20 + self.dice.below(4),
            _ => self.dice.below(33),
        };
        match lot {
            27 | 28 => {
                self.prompts += 1;
                let text = format!("steering {}", self.prompts);
                let fx = self.model.steer(&text);
                self.command(SessionCommand::Steer { text }, fx);
                match self.dice.below(12) {
                    0..3 => self.pauses(),
                    3 => self.stops(),
                    _ => {}
                }
            }
            29 | 30 => self.tidies_the_queue(),
            31 | 32 => {
                let dial = self.dice.pick(&Dial::ALL);
                self.turns(dial);
                // On second thoughts.
                if self.dice.one_in(3) {
                    self.turns(dial);
                }
                if self.dice.one_in(12) {
                    self.stops();
                }
            }
            26 => {
                let fx = self.model.interrupt();
                self.command(SessionCommand::Interrupt, fx);
            }
            0 => self.stops(),
            1..=8 => self.answer(),
            9..=12 => self.resolve(),
            13..=16 => {
                let fx = self.model.go_on();
                self.command(SessionCommand::Continue, fx);
            }
            17..=19 => {
                self.prompts += 1;
                let text = format!("prompt {}", self.prompts);
                let images: Vec<Image> = (0..self.prompts % 3).map(image).collect();
                let fx = self.model.shows(&text, !images.is_empty());
                self.command(SessionCommand::Prompt { text, images }, fx);
            }
            20 | 21 => self.pauses(),
            22 => {
                let fx = self.model.wait_on();
                self.command(SessionCommand::Wait, fx);
            }
            23 => {
                let fx = self.model.restart();
                self.command(SessionCommand::Restart, fx);
            }
            24 => {
                let fx = self.model.delete();
                self.command(SessionCommand::Delete, fx);
            }
            _ => {
                let fx = self.model.restore();
                self.command(SessionCommand::Restore, fx);
            }
        }
    }

    fn answer(&mut self) {
        let decision = self.dice.pick(&[
            Decision::AllowOnce,
            Decision::AllowOnce,
            Decision::AllowSession,
            Decision::AllowAlways,
            Decision::Deny,
        ]);
        let open: Vec<(RequestId, String, bool)> = self
            .session
            .open_requests()
            .map(|request| (request.id.clone(), request.call.key.clone(), request.call.is_question()))
            .collect();
        let mut answers = Answers::new();
        let (request, fx) = if open.is_empty() {
            // One that was answered long ago, or never was.
            (self.old_request(), Err(crate::reference::Refused))
        } else {
            let nth = self.dice.below(open.len() as u64) as usize;
            assert_eq!(self.model.asked_key(nth), Some(open[nth].1.as_str()), "the same requests are open");
            let (_, key, is_quiz) = &open[nth];
            let given = self.dice.pick(&["a", "b", "a", "c"]);
            if (*is_quiz && decision.allows() && !self.dice.one_in(8)) || self.dice.one_in(20) {
                answers.insert("q".into(), vec![given.into()]);
            }
            let fits = match (is_quiz, decision) {
                (_, Decision::Deny) | (false, _) => answers.is_empty(),
                (true, Decision::AllowOnce) => !answers.is_empty() && given != "c",
                (true, _) => false,
            };
            let fx = if fits { self.model.answer(key, decision) } else { Err(crate::reference::Refused) };
            (open[nth].0.clone(), fx)
        };
        let via = "test".to_owned();
        self.command(SessionCommand::Answer { request, decision, reason: None, answers, via }, fx);
    }

    fn old_request(&self) -> RequestId {
        let old = self.log.iter().rev().find_map(|(event, _)| match event {
            Event::PermissionRequested { request } => Some(request.id.clone()),
            _ => None,
        });
        old.unwrap_or_else(|| RequestId::from_uuid(Uuid::from_u128(7)))
    }

    fn resolve(&mut self) {
        let choice = self.dice.pick(&[
            UnknownChoice::Again,
            UnknownChoice::Again,
            UnknownChoice::Skip,
            UnknownChoice::Stop,
        ]);
        let SessionState::NeedsChoice { item, .. } = self.session.state() else { return };
        let n = self.model.calls.iter().position(|call| call.at == CallAt::Unknown).expect("it is unknown");
        let fx = self.model.resolve(n, choice);
        self.command(SessionCommand::Resolve { item, choice }, fx);
    }

    fn crash(&mut self) {
        self.driver = None;
        let fx = self.model.crash(self.at);
        let step = self.ask(|s, _, now| s.recover(now));
        self.take("crash", step, fx);
        let again = self.ask(|s, _, now| s.recover(now));
        assert!(again.events.is_empty(), "a second recovery finds nothing new: {again:?}");
    }

    pub(crate) fn hear(&mut self, signal: Signal, fx: Vec<Fx>) {
        let generation = self.session.generation();
        let note = format!("{signal:?}");
        let step = self.ask(|s, policy, now| s.hear(generation, signal, policy, now));
        self.take(&note, step, fx);
    }

    pub(crate) fn run_ends(&mut self, how: RunEnd) {
        self.driver = None;
        let fx = self.model.run_ended(how, self.at);
        self.hear(Signal::RunEnded { how, detail: None }, fx);
        // What an old generation says changes nothing.
        let generation = self.session.generation();
        let stray = self.ask(|s, policy, now| s.hear(generation, Signal::Said("x".into()), policy, now));
        assert_eq!(stray, Step::default());
    }

    pub(crate) fn call_ends(&mut self, key: String, end: CallEnd) {
        self.model.call_ended(&key, &end);
        self.hear(Signal::CallEnded { key, end, output: None }, vec![]);
    }

    pub(crate) fn turn_ends(&mut self, end: TurnEnd) {
        // It may have been killed with the engine by what came before.
        let Some(driver) = &mut self.driver else { return };
        (driver.works, driver.asked) = (false, None);
        driver.through = !self.model.prompts;
        let fx = self.model.turn_ended(end);
        self.hear(Signal::TurnEnded { end, problem: None }, fx);
    }

    /// Records facts as the engine does, holds them against table and reference, then does what follows; or the engine
    /// is killed in between.
    fn take(&mut self, what: &str, step: Step, expected: Vec<Fx>) {
        let kinds: Vec<_> = step.events.iter().map(Event::kind).collect();
        self.trace.push(format!("{:>8} {what}: {kinds:?} {:?}", self.at, step.effects));
        for event in &step.events {
            let before = self.session.clone();
            self.session.apply(event, At(self.at));
            self.seen.extend(moves::moves(&before, event, &self.session));
            self.illegal.extend(moves::illegal(&before, event, &self.session));
            self.log.push((event.clone(), At(self.at)));
        }
        self.session.settle();
        let effects: Vec<Fx> = step.effects.iter().map(fx).collect();
        assert_eq!(effects, expected, "what follows");
        assert_eq!(word(&self.session.state()), self.model.word(), "the state: {:?}", self.model);
        self.check_effects(&step.effects);
        self.check_dials();
        if self.dice.one_in(20) {
            self.check_replay();
        }
        if !step.events.is_empty() && self.dice.one_in(60) {
            self.trace.push("         killed before the effects".into());
            return self.crash();
        }
        for effect in step.effects {
            self.perform(effect);
        }
    }

    /// What is asked is shown the images that it was queued with.
    fn check_images(&self, asked: &Prompt) {
        let queued = self.log.iter().find_map(|(event, _)| match event {
            Event::TurnQueued { turn, images, .. } if *turn == asked.turn => Some(images),
            _ => None,
        });
        assert_eq!(Some(&asked.images), queued, "its images go with a prompt");
    }

    fn perform(&mut self, effect: Effect) {
        if let Effect::Prompt(asked) | Effect::StartRun { prompt: Some(asked), .. } = &effect {
            self.check_images(asked);
        }
        match effect {
            Effect::StartRun { generation, done, prompt, .. } => {
                assert!(self.driver.is_none(), "one run at a time");
                assert!(generation > self.generations, "generations grow");
                self.generations = generation;
                let works = prompt.is_some();
                self.driver = Some(Driver { generation, done, works, ..Driver::default() });
            }
            Effect::Prompt(_) => {
                if let Some(driver) = &mut self.driver {
                    assert!(!driver.works, "one turn at a time");
                    (driver.works, driver.next) = (true, 0);
                }
            }
            Effect::Deliver { key, item, allowed, answers, .. } => {
                let asked = self.session.calls.iter().find(|call| call.item == item).map(|call| &call.call);
                let is_quiz = asked.is_some_and(ToolCall::is_question);
                assert_eq!(!answers.is_empty(), allowed && is_quiz, "{key}: answers go with a question");
                if allowed {
                    assert!(self.told.insert(item), "{key} is told twice that it may run");
                }
                if let Some(driver) = &mut self.driver
                    && driver.asked.as_ref().is_some_and(|(asked, _)| *asked == key)
                {
                    driver.answer = Some(allowed);
                }
            }
            Effect::Interrupt => {
                if let Some(driver) = &mut self.driver {
                    driver.interrupted = true;
                }
            }
            Effect::StopRun => match &mut self.driver {
                Some(driver) => driver.stopped = true,
                None => self.run_ends(RunEnd::Killed),
            },
            _ => {}
        }
    }
}

fn image(number: u32) -> Image {
    Image {
        sha256: format!("{number:064}"),
        kind: ImageKind::Png,
        size_bytes: Size(1),
        width: 1,
        height: 1,
        name: format!("{number}.png"),
    }
}

fn word(state: &SessionState) -> &'static str {
    use nox_domain::dialect::{Dialect, word};
    match state {
        SessionState::Restarting { .. } => "restarting",
        SessionState::RateLimited { .. } => "limited",
        SessionState::NeedsApproval { .. } => "approval",
        SessionState::NeedsChoice { .. } => "choice",
        SessionState::Stalled { .. } => "stalled",
        other => word(other, true, Dialect::Nox),
    }
}
