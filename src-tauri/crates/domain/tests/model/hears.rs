//! The reference: what a driver's signals and a crash do.

use crate::reference::{Ask, At, Call, Ending, Fx, Limited, Reference, Run, Verdict, closed, verdict};
use nox_domain::{
    event::{Closed, RunEnd, TurnEnd},
    life::{LimitAction, OnCrash, Restart},
    tool::CallEnd,
};

impl Reference {
    pub(crate) fn live(&mut self) -> Vec<Fx> {
        self.run = Run::Live;
        match self.front() {
            Some(n) if self.asks[n].1 == Ask::Handed => {
                self.asks[n].1 = Ask::Works;
                self.silent = None;
                vec![]
            }
            _ if self.paused || self.stopping || self.ends_run() => vec![],
            _ => self.begin_next().into_iter().collect(),
        }
    }
    pub(crate) fn heard(&mut self) {
        self.silent = None;
    }
    /// Whether that is news.
    pub(crate) fn heard_output(&mut self) -> bool {
        self.runs() && !self.stopping && self.silent.take().is_some()
    }
    pub(crate) fn proposed(&mut self, key: &str, text: &str, first: &mut bool, all: bool) -> Vec<Fx> {
        if self.stopping || self.ends_run() {
            return vec![];
        }
        let tell = |allowed| Fx::Tell { key: key.into(), allowed };
        let open = |call: &&mut Call| {
            call.key == key && matches!(call.at, At::Asked | At::Answered(_) | At::Told(_))
        };
        if let Some(known) = self.calls.iter_mut().rev().find(open) {
            if known.text == text {
                if matches!(known.at, At::Answered(_)) && !known.proposed {
                    self.silent = None;
                }
                known.proposed = true;
                return match known.at {
                    At::Answered(true) if self.paused => vec![],
                    At::Answered(allowed) => {
                        known.at = At::Told(allowed);
                        vec![tell(allowed)]
                    }
                    _ => vec![],
                };
            }
            known.at = At::Over;
        }
        self.silent = None;
        // Nothing that was given beforehand answers a question.
        let is_quiz = crate::play::is_quiz(text);
        let once = self.allowed_once.iter().position(|known| known == text).filter(|_| !is_quiz);
        let granted = once.is_some() || self.allowed_always.iter().any(|known| known == text);
        let allowed = match verdict(text) {
            Verdict::Allow => Some(true),
            Verdict::Deny => Some(false),
            Verdict::Ask if granted => Some(true),
            Verdict::Ask if is_quiz => None,
            Verdict::Ask if all || *first => {
                *first = false;
                Some(true)
            }
            Verdict::Ask => None,
        };
        let mut call = Call { key: key.into(), text: text.into(), at: At::Asked, proposed: true };
        let Some(yes) = allowed else {
            self.calls.push(call);
            return vec![Fx::Asked];
        };
        if let Some(n) = once {
            self.allowed_once.remove(n);
        }
        call.at = if self.paused && yes { At::Answered(true) } else { At::Told(yes) };
        let fx = if call.at == At::Told(yes) { vec![tell(yes)] } else { vec![] };
        self.calls.push(call);
        fx
    }
    pub(crate) fn call_started(&mut self, key: &str) {
        let known = self.calls.iter_mut().rev().find(|call| call.key == key && call.at == At::Told(true));
        if let Some(call) = known {
            call.at = At::Runs;
            self.silent = None;
        }
    }
    pub(crate) fn call_ended(&mut self, key: &str, end: &CallEnd) {
        let again = self.ending.again;
        let ends_run = self.ends_run();
        let known = self.calls.iter_mut().rev().find(|call| call.key == key);
        let Some(call) = known.filter(|call| !matches!(call.at, At::Over | At::Unknown)) else { return };
        let begun = matches!(call.at, At::Told(_) | At::Runs);
        if ends_run && !begun && *end == CallEnd::Cancelled {
            return;
        }
        if again && *end == CallEnd::Cancelled && matches!(call.at, At::Told(true) | At::Runs) {
            self.allowed_once.push(call.text.clone());
        }
        call.at = if *end == CallEnd::Unknown { At::Unknown } else { At::Over };
        self.silent = None;
    }
    /// The turn failed, and the model server names the time when it may be asked again.
    pub(crate) fn turn_limited(&mut self, until: i64, now: i64) -> Vec<Fx> {
        let (since, times) = self.limited.map_or((now, 0), |known| (known.since, known.times));
        let until = until.max(now + (1_000 << times.min(12)));
        let may = self.prompts && self.life.wait_for_limit && !self.stopping && !self.ends_run();
        if !self.busy() || !may || until > since + 6 * 60 * 60 * 1_000 {
            return self.turn_ended(TurnEnd::Failed);
        }
        self.end_waiting_calls();
        if let Some(n) = self.front() {
            self.asks[n].1 = Ask::Waits;
        }
        self.silent = None;
        self.limited = Some(Limited { until, since, times: times + 1, over: false });
        vec![]
    }
    fn end_waiting_calls(&mut self) {
        for call in &mut self.calls {
            if matches!(call.at, At::Asked | At::Answered(_)) {
                call.at = At::Over;
            }
        }
    }
    pub(crate) fn turn_ended(&mut self, end: TurnEnd) -> Vec<Fx> {
        if !self.busy() || (self.ends_run() && !self.stopping && end == TurnEnd::Cancelled) {
            return vec![];
        }
        self.end_waiting_calls();
        self.limited = None;
        self.words_end(end);
        if let Some(n) = self.front() {
            self.asks[n].1 = Ask::Over(end);
        }
        self.silent = None;
        if !self.prompts || self.stopping {
            return vec![];
        }
        if self.front().is_none() {
            return vec![Fx::Settled(closed(end))];
        }
        if self.paused || self.ends_run() || self.run == Run::Starting {
            return vec![];
        }
        self.begin_next().into_iter().collect()
    }
    pub(crate) fn limit(&mut self, action: LimitAction) -> Vec<Fx> {
        if self.ending.limit || action != LimitAction::Ended {
            return vec![];
        }
        self.ending.limit = true;
        vec![Fx::Stop]
    }
    /// What ends with its run: calls that may have begun are unknown, unless they were cut short on purpose.
    fn end_run(&mut self, how: RunEnd, refusals_end: bool) -> Ending {
        let ending = std::mem::take(&mut self.ending);
        for call in &mut self.calls {
            call.at = match call.at {
                At::Told(true) | At::Runs if ending.limit => At::Over,
                At::Told(true) | At::Runs if ending.again => {
                    self.allowed_once.push(call.text.clone());
                    At::Over
                }
                At::Told(true) | At::Runs => At::Unknown,
                At::Told(false) if refusals_end => At::Over,
                // It is told again when the next run asks again.
                At::Told(false) => At::Answered(false),
                at => at,
            };
            call.proposed = false;
        }
        for (_, ask) in &mut self.asks {
            if *ask == Ask::Handed {
                *ask = Ask::Waits;
            }
        }
        self.run = Run::Gone(how);
        self.silent = None;
        ending
    }
    fn fail(&mut self) -> Fx {
        self.limited = None;
        if let Some(n) = self.front() {
            self.asks[n].1 = Ask::Over(TurnEnd::Failed);
        }
        self.cancel_asks();
        self.close(Closed::Failed)
    }
    fn restart_or_give_up(&mut self, now: i64, fx: &mut Vec<Fx>) {
        let recent = self.faults.iter().filter(|fault| **fault > now - 300_000).count();
        if recent >= 3 {
            self.gave_up = true;
            return;
        }
        self.faults.push(now);
        self.planned = true;
        if !self.paused {
            fx.push(Fx::Wake);
        }
    }
    pub(crate) fn run_ended(&mut self, how: RunEnd, now: i64) -> Vec<Fx> {
        if self.stopping {
            self.ending = Ending::default();
            self.run = Run::Gone(RunEnd::Killed);
            for call in self.calls.iter_mut().filter(|call| call.at != At::Unknown) {
                call.at = At::Over;
            }
            return self.end_stopped();
        }
        let stands_by = !self.busy();
        let ending = self.end_run(how, true);
        let mut fx = vec![Fx::GiveBack];
        let waits = self.waits_for_person();
        if !self.prompts
            && let (None, Some((_, Ask::Over(end)))) = (self.front(), self.asks.last())
        {
            let how = closed(*end);
            fx.push(self.close(how));
            return fx;
        }
        if ending.sleep || (stands_by && self.named) {
            self.run = Run::Gone(RunEnd::Hibernated);
        }
        if ending.sleep {
            if !waits && !self.paused && self.front().is_some() && !self.is_limited() {
                fx.push(Fx::Want);
            }
        } else if stands_by && self.is_limited() {
            // It is started when the limit is over.
        } else if stands_by {
            if self.front().is_some() && !self.paused {
                fx.push(Fx::Want);
            } else if self.life.restart == Restart::Always && !ending.limit {
                self.restart_or_give_up(now, &mut fx);
            }
        } else if ending.limit {
            fx.push(self.fail());
        } else if ending.again {
            self.restart_or_give_up(now, &mut fx);
        } else if !waits {
            if self.life.restart == Restart::Never {
                self.gave_up = true;
            } else {
                self.restart_or_give_up(now, &mut fx);
            }
        }
        fx
    }

    /// The engine began again.
    pub(crate) fn crash(&mut self, now: i64) -> Vec<Fx> {
        if self.over.is_some() {
            return vec![];
        }
        if !self.runs() {
            return match self.ready() {
                true if self.planned => vec![Fx::Wake],
                true => vec![Fx::Want],
                false => vec![],
            };
        }
        if self.stopping {
            return self.run_ended(RunEnd::Lost, now);
        }
        let stands_by = !self.busy();
        let begun = self.begun();
        let ending = self.end_run(RunEnd::Lost, false);
        if !self.prompts
            && let (None, Some((_, Ask::Over(end)))) = (self.front(), self.asks.last())
        {
            let how = closed(*end);
            return vec![self.close(how)];
        }
        if stands_by && self.named {
            self.run = Run::Gone(RunEnd::Hibernated);
        }
        if ending.limit && !stands_by {
            return vec![self.fail()];
        }
        if self.waits_for_person() {
            return vec![];
        }
        let mut fx = vec![];
        if !begun {
            if self.front().is_some() && !self.paused && !self.is_limited() {
                fx.push(Fx::Want);
            }
        } else if ending.again || self.life.on_crash == OnCrash::Resume {
            self.restart_or_give_up(now, &mut fx);
        }
        fx
    }
}
