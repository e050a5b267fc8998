//! A naive model of one session, written from the words of the design: lists of what happened, and questions about them.
//!
//! It shares no decision with the core: it knows prompts by their text and calls by their key, never by an id, and it
//! keeps everything instead of the little that the core needs.

use nox_domain::{
    event::{Closed, RunEnd, TurnEnd, UnknownChoice},
    life::{LifeRules, StallStep},
    tool::Decision,
};

/// What has to be done, as the model names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fx {
    Want,
    GiveBack,
    Start { prompt: Option<String>, resumes: bool, words: Vec<(String, bool)> },
    Prompt(String),
    Wake,
    Tell { key: String, allowed: bool },
    Interrupt,
    Steer(String),
    Switch(String),
    Stop,
    Settled(Closed),
    Asked,
}

/// A command was refused; which words it got is the stories' business.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Waits,
    /// Handed to the present run, which has not begun.
    Handed,
    Works,
    Over(TurnEnd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    None,
    Starting,
    Live,
    Gone(RunEnd),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum At {
    Asked,
    /// Answered, and no driver was told.
    Answered(bool),
    /// The driver was told.
    Told(bool),
    Runs,
    Unknown,
    Over,
}

#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) key: String,
    pub(crate) text: String,
    pub(crate) at: At,
    /// Whether the present run has asked for it.
    pub(crate) proposed: bool,
}

/// Why a run is being ended although the session goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ending {
    pub(crate) sleep: bool,
    pub(crate) again: bool,
    pub(crate) limit: bool,
}

/// A turn that met the model server's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limited {
    pub(crate) until: i64,
    pub(crate) since: i64,
    pub(crate) times: u32,
    pub(crate) over: bool,
}

/// What the policy of the world says about a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allow,
    Ask,
    Deny,
}

pub(crate) fn verdict(text: &str) -> Verdict {
    match text.split(' ').next() {
        Some("safe") => Verdict::Allow,
        Some("never") => Verdict::Deny,
        _ => Verdict::Ask,
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Reference {
    pub(crate) prompts: bool,
    pub(crate) life: LifeRules,
    pub(crate) over: Option<Closed>,
    pub(crate) deleted: bool,
    pub(crate) paused: bool,
    pub(crate) stopping: bool,
    pub(crate) run: Run,
    pub(crate) ending: Ending,
    pub(crate) asks: Vec<(String, Ask)>,
    /// What was said into the turn and not taken in.
    pub(crate) unheard: Vec<String>,
    /// So many of those were said to a run before this one.
    pub(crate) unheard_before: usize,
    /// What its program took in of what was said into the turn.
    pub(crate) heard: Vec<String>,
    pub(crate) calls: Vec<Call>,
    pub(crate) allowed_always: Vec<String>,
    pub(crate) allowed_once: Vec<String>,
    pub(crate) faults: Vec<i64>,
    pub(crate) planned: bool,
    pub(crate) gave_up: bool,
    pub(crate) said_go_on: bool,
    pub(crate) silent: Option<(StallStep, bool)>,
    pub(crate) named: bool,
    pub(crate) limited: Option<Limited>,
    /// Whether the program has told what it offers, and then whether it can be steered.
    pub(crate) offers: Option<bool>,
    /// Whether it has told last that it takes no images.
    pub(crate) blind: bool,
    /// What was asked last of a run, or will be first.
    pub(crate) newest: Option<String>,
}

impl Reference {
    pub(crate) fn new(prompts: bool, life: LifeRules, text: &str) -> Self {
        Self {
            prompts,
            life,
            over: None,
            deleted: false,
            paused: false,
            stopping: false,
            run: Run::None,
            ending: Ending::default(),
            asks: vec![(text.into(), Ask::Waits)],
            unheard: vec![],
            unheard_before: 0,
            heard: vec![],
            calls: vec![],
            allowed_always: vec![],
            allowed_once: vec![],
            faults: vec![],
            planned: false,
            gave_up: false,
            said_go_on: false,
            silent: None,
            named: false,
            limited: None,
            offers: None,
            blind: false,
            newest: Some(text.into()),
        }
    }

    // Questions.

    pub(crate) fn runs(&self) -> bool {
        matches!(self.run, Run::Starting | Run::Live)
    }
    pub(crate) fn front(&self) -> Option<usize> {
        self.asks.iter().position(|(_, ask)| !matches!(ask, Ask::Over(_)))
    }
    /// Whether the run has something to work on.
    pub(crate) fn busy(&self) -> bool {
        self.front().is_some_and(|n| matches!(self.asks[n].1, Ask::Handed | Ask::Works))
    }
    pub(crate) fn begun(&self) -> bool {
        self.front().is_some_and(|n| self.asks[n].1 == Ask::Works)
    }
    pub(crate) fn waits_for_person(&self) -> bool {
        self.calls.iter().any(|call| matches!(call.at, At::Asked | At::Unknown))
    }
    /// Whether the turn waits for the model server's limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.limited.is_some_and(|limited| !limited.over)
    }
    pub(crate) fn ends_run(&self) -> bool {
        self.ending != Ending::default()
    }
    fn lost(&self) -> bool {
        let ended = matches!(self.run, Run::Gone(how) if how != RunEnd::Hibernated);
        ended
            && (self.begun() || (self.gave_up && self.front().is_some()))
            && !self.planned
            && !self.paused
            && !self.said_go_on
    }
    /// Whether a run should be started for it now.
    pub(crate) fn ready(&self) -> bool {
        self.over.is_none()
            && !self.stopping
            && !self.paused
            && !self.runs()
            && !self.is_limited()
            && !self.lost()
            && !self.waits_for_person()
            && (self.front().is_some() || self.planned)
    }
    pub(crate) fn word(&self) -> &'static str {
        let unknown = self.calls.iter().any(|call| call.at == At::Unknown);
        let asked = self.calls.iter().any(|call| call.at == At::Asked);
        match self.over {
            Some(Closed::Finished) => return "finished",
            Some(Closed::Failed) => return "failed",
            Some(Closed::Stopped) => return "stopped",
            None => {}
        }
        if self.stopping {
            "stopping"
        } else if unknown {
            "choice"
        } else if asked {
            "approval"
        } else if self.paused {
            "paused"
        } else if self.is_limited() {
            "limited"
        } else if self.planned && !self.runs() {
            "restarting"
        } else if self.runs() && matches!(self.silent, Some((StallStep::Asked, _))) {
            "stalled"
        } else if self.run == Run::Starting {
            "starting"
        } else if self.run == Run::Live {
            if self.front().is_some() { "running" } else { "idle" }
        } else if self.lost() {
            "lost"
        } else if self.front().is_none() {
            "hibernated"
        } else {
            "pending"
        }
    }
    pub(crate) fn asked_key(&self, nth: usize) -> Option<&str> {
        let mut open = self.calls.iter().filter(|call| call.at == At::Asked);
        open.nth(nth).map(|call| call.key.as_str())
    }

    // Commands.

    pub(crate) fn close(&mut self, how: Closed) -> Fx {
        for call in self.calls.iter_mut().filter(|call| call.at != At::Unknown) {
            call.at = At::Over;
        }
        self.over = Some(how);
        self.stopping = false;
        self.paused = false;
        self.planned = false;
        self.gave_up = false;
        self.limited = None;
        self.allowed_once.clear();
        Fx::Settled(how)
    }
    pub(crate) fn end_stopped(&mut self) -> Vec<Fx> {
        let mut how = Closed::Stopped;
        if self.front().is_none() && matches!(self.asks.last(), Some((_, Ask::Over(TurnEnd::End)))) {
            how = Closed::Finished;
        }
        self.cancel_asks();
        vec![Fx::GiveBack, self.close(how)]
    }
    pub(crate) fn cancel_asks(&mut self) {
        self.forget_words();
        self.limited = None;
        for (_, ask) in &mut self.asks {
            if !matches!(ask, Ask::Over(_)) {
                *ask = Ask::Over(TurnEnd::Cancelled);
            }
        }
    }
    fn want(&self) -> Vec<Fx> {
        if self.ready() { vec![Fx::Want] } else { vec![] }
    }

    pub(crate) fn stop(&mut self) -> Result<Vec<Fx>, Refused> {
        if self.over.is_some() || self.stopping {
            return Err(Refused);
        }
        if self.runs() {
            self.stopping = true;
            return Ok(vec![Fx::Stop]);
        }
        Ok(self.end_stopped())
    }
    /// Answers the oldest open request of this key.
    pub(crate) fn answer(&mut self, key: &str, decision: Decision) -> Result<Vec<Fx>, Refused> {
        let open = self.calls.iter().position(|call| call.key == key && call.at == At::Asked);
        let Some(n) = open.filter(|_| self.over.is_none() && !self.stopping) else { return Err(Refused) };
        let yes = decision.allows();
        if decision == Decision::AllowSession {
            self.allowed_always.push(self.calls[n].text.clone());
        }
        self.calls[n].at = At::Answered(yes);
        if !self.runs() {
            self.said_go_on = true;
            return Ok(self.want());
        }
        if self.ends_run() || (self.paused && yes) {
            return Ok(vec![]);
        }
        self.calls[n].at = At::Told(yes);
        Ok(vec![Fx::Tell { key: key.into(), allowed: yes }])
    }
    pub(crate) fn resolve(&mut self, n: usize, choice: UnknownChoice) -> Result<Vec<Fx>, Refused> {
        if self.over.is_some() {
            return Err(Refused);
        }
        self.said_go_on |= !self.runs();
        self.calls[n].at = At::Over;
        match choice {
            UnknownChoice::Again => {
                let text = self.calls[n].text.clone();
                self.allowed_once.push(text);
            }
            UnknownChoice::Skip => {}
            UnknownChoice::Stop if self.runs() => {
                self.stopping = true;
                return Ok(vec![Fx::Stop]);
            }
            UnknownChoice::Stop => return Ok(self.end_stopped()),
        }
        Ok(self.want())
    }
    pub(crate) fn go_on(&mut self) -> Result<Vec<Fx>, Refused> {
        if self.deleted {
            return Err(Refused);
        }
        match self.over {
            Some(Closed::Finished) => Err(Refused),
            Some(_) => {
                // The newest turn that was begun with, once more.
                let newest = self.again_text();
                self.over = None;
                self.said_go_on = true;
                self.faults.clear();
                self.asks.push((newest, Ask::Waits));
                Ok(vec![Fx::Want])
            }
            None if self.stopping => Err(Refused),
            None if self.paused => Ok(self.unpause()),
            None if self.is_limited() => Ok(self.limit_over()),
            None if self.prompts
                && !self.planned
                && self.front().is_none()
                && matches!(self.asks.last(), Some((_, Ask::Over(TurnEnd::Failed)))) =>
            {
                let text = self.again_text();
                self.prompt(&text)
            }
            None if self.runs() || self.waits_for_person() => Err(Refused),
            None if self.front().is_none() && !self.planned => Err(Refused),
            None => {
                self.said_go_on = true;
                self.faults.clear();
                Ok(vec![Fx::Want])
            }
        }
    }
    fn again_text(&self) -> String {
        self.newest.clone().unwrap_or_default()
    }
    fn unpause(&mut self) -> Vec<Fx> {
        self.paused = false;
        self.said_go_on |= !self.runs();
        if self.runs() && !self.ends_run() {
            let mut fx = vec![];
            for call in &mut self.calls {
                if let At::Answered(allowed) = call.at
                    && call.proposed
                {
                    call.at = At::Told(allowed);
                    fx.push(Fx::Tell { key: call.key.clone(), allowed });
                }
            }
            fx.extend(self.begin_next());
            return fx;
        }
        match self.ready() {
            true if self.planned => vec![Fx::Wake],
            true => vec![Fx::Want],
            false => vec![],
        }
    }
    /// A run that stands by begins the oldest prompt.
    pub(crate) fn begin_next(&mut self) -> Option<Fx> {
        let n = self.front().filter(|_| !self.busy() && !self.is_limited())?;
        self.silent = None;
        self.asks[n].1 = Ask::Works;
        self.newest = Some(self.asks[n].0.clone());
        Some(Fx::Prompt(self.asks[n].0.clone()))
    }
    pub(crate) fn prompt(&mut self, text: &str) -> Result<Vec<Fx>, Refused> {
        let waiting = self.asks.iter().filter(|(_, ask)| *ask == Ask::Waits).count();
        if self.deleted || !self.prompts || self.stopping || waiting > 31 {
            return Err(Refused);
        }
        if self.over.is_some() {
            self.over = None;
            self.said_go_on = true;
            self.faults.clear();
        }
        let alone = self.front().is_none();
        if alone {
            self.newest = Some(text.into());
        }
        self.asks.push((text.into(), Ask::Waits));
        if !self.runs() {
            return Ok(self.want());
        }
        if alone && !self.paused && !self.ends_run() {
            return Ok(self.begin_next().into_iter().collect());
        }
        Ok(vec![])
    }
    pub(crate) fn interrupt(&mut self) -> Result<Vec<Fx>, Refused> {
        if self.is_limited() && !self.stopping {
            return Ok(self.stop_waiting());
        }
        let works = self.prompts && self.run == Run::Live && self.begun();
        if self.over.is_some() || !works || self.stopping || self.ends_run() {
            return Err(Refused);
        }
        Ok(vec![Fx::Interrupt])
    }
    pub(crate) fn limit_over(&mut self) -> Vec<Fx> {
        if let Some(limited) = &mut self.limited {
            limited.over = true;
        }
        if !self.runs() {
            return self.want();
        }
        if self.ends_run() || self.paused {
            return vec![];
        }
        self.begin_next().into_iter().collect()
    }
    pub(crate) fn limit_due(&mut self, now: i64) -> Vec<Fx> {
        match self.limited {
            Some(limited) if !limited.over && limited.until <= now && !self.stopping => self.limit_over(),
            _ => vec![],
        }
    }
    /// The turn has failed after all.
    fn stop_waiting(&mut self) -> Vec<Fx> {
        self.limited = None;
        self.words_end(TurnEnd::Failed);
        if let Some(n) = self.front() {
            self.asks[n].1 = Ask::Over(TurnEnd::Failed);
        }
        self.silent = None;
        if self.front().is_none() {
            return vec![Fx::Settled(Closed::Failed)];
        }
        if !self.runs() {
            return self.want();
        }
        if self.paused || self.ends_run() {
            return vec![];
        }
        self.begin_next().into_iter().collect()
    }
    pub(crate) fn switch(&mut self, to: &str) -> Result<Vec<Fx>, Refused> {
        if self.over.is_some() || self.stopping || self.offers.is_none() || to == "elsewhere" {
            return Err(Refused);
        }
        let now = self.runs() && !self.ends_run();
        Ok(if now { vec![Fx::Switch(to.into())] } else { vec![] })
    }
    pub(crate) fn pause(&mut self) -> Result<Vec<Fx>, Refused> {
        if self.over.is_some() || self.paused || self.stopping {
            return Err(Refused);
        }
        self.paused = true;
        Ok(if self.runs() { vec![] } else { vec![Fx::GiveBack] })
    }
    pub(crate) fn wait_on(&mut self) -> Result<Vec<Fx>, Refused> {
        if !self.runs() || self.stopping || !matches!(self.silent, Some((StallStep::Asked, _))) {
            return Err(Refused);
        }
        self.silent = None;
        Ok(vec![])
    }
    pub(crate) fn restart(&mut self) -> Result<Vec<Fx>, Refused> {
        self.wait_on()?;
        self.ending.again = true;
        Ok(vec![Fx::Stop])
    }
    pub(crate) fn delete(&mut self) -> Result<Vec<Fx>, Refused> {
        if self.over.is_none() {
            return Err(Refused);
        }
        self.deleted = true;
        Ok(vec![])
    }
    pub(crate) fn restore(&mut self) -> Result<Vec<Fx>, Refused> {
        self.deleted = false;
        Ok(vec![])
    }

    // Looks, places, time.

    pub(crate) fn place(&mut self) -> Vec<Fx> {
        if self.runs() {
            return vec![];
        }
        if !self.ready() {
            return vec![Fx::GiveBack];
        }
        self.run = Run::Starting;
        self.unheard_before = self.unheard.len();
        self.planned = false;
        self.gave_up = false;
        self.said_go_on = false;
        self.silent = None;
        for call in &mut self.calls {
            call.proposed = false;
        }
        let front = self.front();
        if let Some(n) = front {
            self.newest = Some(self.asks[n].0.clone());
            if self.asks[n].1 == Ask::Waits {
                self.asks[n].1 = Ask::Handed;
            }
        }
        let prompt = front.map(|n| self.asks[n].0.clone());
        vec![Fx::Start { prompt, resumes: self.named, words: self.words() }]
    }
    pub(crate) fn due(&self) -> Vec<Fx> {
        if self.planned && self.ready() { vec![Fx::Want] } else { vec![] }
    }
    pub(crate) fn can_sleep(&self) -> bool {
        let still = |call: &Call| {
            matches!(call.at, At::Asked | At::Unknown | At::Over)
                || (matches!(call.at, At::Answered(_)) && call.proposed)
        };
        let idle = self.run == Run::Live
            && self.over.is_none()
            && !self.stopping
            && !self.ends_run()
            && self.calls.iter().all(still);
        if self.prompts {
            idle && (self.front().is_none() || self.is_limited()) && self.named
        } else {
            idle && self.front().is_some() && self.calls.iter().any(|call| call.at != At::Over)
        }
    }
    pub(crate) fn sleep(&mut self) -> Vec<Fx> {
        if !self.can_sleep() {
            return vec![];
        }
        self.ending.sleep = true;
        vec![Fx::Stop]
    }
    pub(crate) fn look(&mut self, step: StallStep, computes: bool) -> bool {
        let asked = self.calls.iter().any(|call| call.at == At::Asked);
        let rests = self.front().is_none() || self.is_limited();
        if !self.runs() || self.stopping || self.ends_run() || self.paused || asked || rests {
            return false;
        }
        let news = match (self.silent, step) {
            (None, _) => true,
            (Some((StallStep::Probed, before)), StallStep::Probed) => before != computes,
            (Some((StallStep::Probed, _)), StallStep::Asked) => true,
            (Some((StallStep::Asked, _)), _) => false,
        };
        if news {
            self.silent = Some((step, computes));
        }
        news
    }
}

pub(crate) fn closed(end: TurnEnd) -> Closed {
    match end {
        TurnEnd::End => Closed::Finished,
        TurnEnd::Cancelled => Closed::Stopped,
        TurnEnd::Failed | TurnEnd::Lost => Closed::Failed,
    }
}
