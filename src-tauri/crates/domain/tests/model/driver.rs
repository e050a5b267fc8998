//! The driver of a random history: it does what a good driver does, in an order of its own, and rarely what a bad one does.

use crate::play::{Driver, Play, call};
use nox_domain::{
    At, Size,
    event::{Dial, Event, Problem, ProcessRef, RunEnd, TurnEnd},
    ids::ItemId,
    image::{Image, ImageKind},
    life::{LimitAction, LimitHit, LimitKind},
    rows::Progress,
    session::Signal,
    tool::CallEnd,
    transcript::{AgentFault, Offer, Offers, PlanStep, StepStatus, Usage},
};
use uuid::Uuid;

impl Play {
    pub(crate) fn driver_acts(&mut self) {
        let Some(mut driver) = self.driver.take() else { return };
        let prompts = self.model.prompts;
        if !driver.live {
            if self.dice.one_in(12) {
                // It could not be started.
                self.driver = Some(driver);
                if self.dice.one_in(2) {
                    self.turn_ends(TurnEnd::Failed);
                }
                if self.driver.is_some() {
                    self.run_ends(RunEnd::Exit);
                }
                return;
            }
            driver.live = true;
            self.driver = Some(driver);
            let fx = self.model.live();
            self.hear(Signal::Live, fx);
            // The engine may have been killed by what follows from it.
            if self.driver.is_some() && self.dice.one_in(2) {
                self.hear(Signal::Carried(process()), vec![]);
            }
            return;
        }
        if prompts && !self.model.named && self.dice.one_in(40) {
            self.model.named = true;
            self.driver = Some(driver);
            return self.hear(Signal::Named("foreign".into()), vec![]);
        }
        if self.wished().is_some() && (driver.stopped || self.dice.one_in(6)) && !self.dice.one_in(4) {
            self.driver = Some(driver);
            return self.answers();
        }
        if std::mem::take(&mut driver.interrupted) && driver.works {
            return self.interrupted(driver);
        }
        // It may not have noticed yet that it was told to stop.
        if driver.through || (driver.stopped && self.dice.one_in(2)) {
            return self.driver_ends(driver);
        }
        if self.dice.one_in(if self.fragile { 5 } else { 60 }) {
            return self.run_ends(self.dice_end());
        }
        if self.dice.one_in(60) {
            let action = self.dice.pick(&[LimitAction::Ended, LimitAction::Warned, LimitAction::Throttled]);
            let hit = LimitHit { limit: LimitKind::Memory, value: Size(2), allowed: Size(1), action };
            self.driver = Some(driver);
            let fx = self.model.limit(action);
            return self.hear(Signal::Limit(hit), fx);
        }
        if let Some(key) = driver.running.take() {
            let end = match self.dice.below(10) {
                0..=3 => CallEnd::Succeeded,
                4 | 5 => failed(),
                6 if self.dice.one_in(3) => CallEnd::Unknown,
                _ => {
                    driver.running = Some(key);
                    self.driver = Some(driver);
                    return;
                }
            };
            let unseen = end == CallEnd::Unknown;
            let failed = matches!(end, CallEnd::Failed { .. });
            self.driver = Some(driver);
            self.call_ends(key.clone(), end);
            if unseen && self.driver.is_some() && self.dice.one_in(2) {
                return self.run_ends(RunEnd::Lost);
            }
            if failed && !prompts && !goes_on(&key) {
                self.turn_ends(TurnEnd::Failed);
            }
            return;
        }
        if let Some((key, text)) = driver.asked.clone() {
            match driver.answer.take() {
                None => {
                    self.driver = Some(driver);
                    // Rarely it takes its question back, or ends its turn without an answer.
                    if self.dice.one_in(25) {
                        if let Some(driver) = &mut self.driver {
                            driver.asked = None;
                        }
                        match self.dice.below(2) {
                            0 => self.call_ends(key, CallEnd::Cancelled),
                            _ => self.turn_ends(TurnEnd::Cancelled),
                        }
                    }
                }
                Some(true) if self.dice.one_in(12) => {
                    // Its program could not be started, or it tells only the end.
                    driver.asked = None;
                    self.driver = Some(driver);
                    if self.dice.one_in(2) {
                        return self.call_ends(key, failed());
                    }
                    self.begin_call(&key, &text);
                    self.call_ends(key, CallEnd::Succeeded);
                }
                Some(true) => {
                    driver.asked = None;
                    driver.running = Some(key.clone());
                    self.driver = Some(driver);
                    self.model.call_started(&key);
                    self.begin_call(&key, &text);
                    self.hear(Signal::CallStarted { key, process: None }, vec![]);
                }
                Some(false) => {
                    driver.asked = None;
                    self.driver = Some(driver);
                    self.call_ends(key.clone(), CallEnd::Denied { reason: None });
                    if !prompts && !goes_on(&key) {
                        self.turn_ends(TurnEnd::Cancelled);
                    }
                }
            }
            return;
        }
        if !driver.works {
            if prompts && !self.model.named && self.dice.one_in(3) {
                self.model.named = true;
                self.driver = Some(driver);
                return self.hear(Signal::Named("foreign".into()), vec![]);
            }
            self.driver = Some(driver);
            return;
        }
        match self.dice.below(15) {
            12 => {
                self.driver = Some(driver);
                self.offers();
            }
            13 if prompts => {
                self.driver = Some(driver);
                self.meets_limit();
            }
            0 => {
                self.model.heard();
                let signal = self.talk(&mut driver);
                self.driver = Some(driver);
                self.hear(signal, vec![]);
            }
            1 => {
                self.driver = Some(driver);
                self.model.heard();
                self.hear(Signal::Noted("code".into(), "words".into()), vec![]);
            }
            2 => {
                let progress = Progress { done: driver.next, of: 4 };
                self.driver = Some(driver);
                if self.session.progress != Some(progress) {
                    self.model.heard();
                }
                self.hear(Signal::Progress(progress), vec![]);
            }
            3 => {
                self.driver = Some(driver);
                let end = self.dice.pick(&[TurnEnd::End, TurnEnd::Failed, TurnEnd::Cancelled]);
                if prompts || end == TurnEnd::Failed {
                    self.turn_ends(end);
                }
            }
            _ => self.propose(driver),
        }
    }

    fn dice_end(&self) -> RunEnd {
        if self.at % 2 == 0 { RunEnd::Exit } else { RunEnd::Lost }
    }

    fn propose(&mut self, mut driver: Driver) {
        driver.next += 1;
        if driver.next > 4 {
            self.driver = Some(driver);
            return self.turn_ends(TurnEnd::End);
        }
        let turn = self.log.iter().filter(|(event, _)| matches!(event, Event::TurnEnded { .. })).count();
        let turn = if self.model.prompts { turn } else { 0 };
        let key = format!("{turn}:{}", driver.next);
        if driver.done.contains(&key) {
            self.driver = Some(driver);
            return;
        }
        let word = ["ask", "safe", "never", "quiz", "ask"][(driver.next as usize + turn) % 5];
        // Now and then the text of a block changes between two runs.
        let edition = if self.dice.one_in(15) { driver.generation } else { 0 };
        let text = format!("{word} {} {edition}", driver.next);
        driver.asked = Some((key.clone(), text.clone()));
        driver.answer = None;
        self.driver = Some(driver);
        let fx = self.model.proposed(&key, &text, &mut self.first, self.all);
        self.hear(Signal::Proposed(Box::new(call(&key, &text, goes_on(&key)))), fx);
    }

    /// The model server says that too much was asked of it, and until when.
    pub(crate) fn meets_limit(&mut self) {
        let Some(driver) = &mut self.driver else { return };
        (driver.works, driver.asked) = (false, None);
        driver.through = !self.model.prompts;
        let wait = self.dice.pick(&[0i64, 300, 5_000, 100_000_000]);
        let until = self.at + wait;
        let fx = self.model.turn_limited(until, self.at);
        let fault = AgentFault::RateLimit;
        let problem = Problem::Agent { fault, message: "too much".into(), until: Some(At(until)) };
        self.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: Some(problem) }, fx);
    }

    /// The program tells what it offers, or answers a wish.
    pub(crate) fn offers(&mut self) {
        if self.dice.one_in(8) {
            let dial = self.dice.pick(&Dial::ALL);
            return self.hear(Signal::Switched(dial), vec![]);
        }
        let offer = |id: &str| Offer { id: id.into(), ..Offer::default() };
        let offers = Offers {
            modes: vec![offer("one"), offer("two")],
            mode: Some(self.dice.pick(&["one", "two"]).into()),
            models: vec![offer("one"), offer("two")],
            model: Some(self.dice.pick(&["one", "two"]).into()),
            steers: self.dice.one_in(2),
            images: self.dice.pick(&[None, Some(true), Some(false)]),
            ..Offers::default()
        };
        self.model.offers = Some(offers.steers);
        self.model.blind = offers.images == Some(false);
        self.hear(Signal::Offers(Box::new(offers)), vec![]);
    }

    /// What of it a person wished to turn, and has no answer to.
    fn wished(&self) -> Option<Dial> {
        let dials = &self.session.talk.dials;
        Dial::ALL.into_iter().find(|dial| dials.of(*dial).waits + dials.of(*dial).given_up > 0)
    }

    /// Answers a wish.
    pub(crate) fn answers(&mut self) {
        if let Some(dial) = self.wished().filter(|_| self.driver.is_some()) {
            self.hear(Signal::Switched(dial), vec![]);
        }
    }

    /// Ends what runs, then its turn.
    fn interrupted(&mut self, mut driver: Driver) {
        let running = driver.running.take();
        self.driver = Some(driver);
        if let Some(key) = running {
            self.call_ends(key, CallEnd::Cancelled);
        }
        if self.driver.is_some() {
            self.turn_ends(TurnEnd::Cancelled);
        }
    }

    /// Takes the oldest in of what was said into its turn.
    pub(crate) fn takes_in(&mut self) {
        if self.driver.is_some() && !self.model.unheard.is_empty() {
            self.model.heard();
            let text = self.model.took_in();
            self.hear(Signal::Steered(text), vec![]);
        }
    }

    /// Something that it says while it works, which changes nothing of what follows.
    fn talk(&mut self, driver: &mut Driver) -> Signal {
        if !self.model.unheard.is_empty() && (driver.stopped || self.dice.one_in(8)) {
            return Signal::Steered(self.model.took_in());
        }
        match self.dice.below(9) {
            8 => Signal::ImageTold { key: None, image: shown(self.dice.below(3)) },
            0 | 1 => Signal::Planned(vec![PlanStep { text: "step".into(), status: StepStatus::Pending }]),
            2 | 3 => Signal::Used(Usage {
                input_tokens: Size(3),
                cost_micro_usd: Some(Size(5)),
                ..Usage::default()
            }),
            4 => Signal::Said("words".into()),
            _ => match driver.writing.take() {
                Some(item) => Signal::Wrote { item, text: "words".into() },
                None => {
                    self.ids += 1;
                    let item = ItemId::from_uuid(Uuid::from_u128(self.ids));
                    driver.writing = Some(item.clone());
                    Signal::Writing { item, thought: self.dice.one_in(2) }
                }
            },
        }
    }

    /// A driver that was told to stop ends what runs, then itself; one whose turn is over ends.
    fn driver_ends(&mut self, mut driver: Driver) {
        // It may say something more before it has noticed.
        let more = if self.model.unheard.is_empty() { 4 } else { 2 };
        if driver.stopped && self.dice.one_in(more) {
            self.model.heard();
            let signal = self.talk(&mut driver);
            self.driver = Some(driver);
            return self.hear(signal, vec![]);
        }
        if let Some(key) = driver.running.take() {
            let succeeded = self.dice.one_in(3);
            self.driver = Some(driver);
            return self.call_ends(key, if succeeded { CallEnd::Succeeded } else { CallEnd::Cancelled });
        }
        let how = if driver.stopped { RunEnd::Killed } else { RunEnd::Exit };
        let cancels = driver.stopped && driver.works && !self.model.prompts;
        let asked = driver.asked.take().filter(|_| self.dice.one_in(2));
        if let Some((key, _)) = asked
            && driver.answer.is_none()
        {
            self.driver = Some(driver);
            return self.call_ends(key, CallEnd::Cancelled);
        }
        self.driver = Some(driver);
        if cancels {
            return self.turn_ends(TurnEnd::Cancelled);
        }
        self.run_ends(how);
    }
}

fn process() -> ProcessRef {
    let (boot_id, ticks) = (String::new(), Size(1));
    ProcessRef { boot_id, shim_pid: 1, shim_started_ticks: ticks, pid: 2, started_ticks: ticks }
}

fn failed() -> CallEnd {
    CallEnd::Failed { exit_code: Some(1), signal: None, timed_out: false, problem: None }
}

fn goes_on(key: &str) -> bool {
    key.ends_with('2')
}

/// One of a few images.
fn shown(number: u64) -> Image {
    Image {
        sha256: format!("{number:064x}"),
        kind: ImageKind::Png,
        size_bytes: Size(100),
        width: 4,
        height: 3,
        name: "a.png".into(),
    }
}
