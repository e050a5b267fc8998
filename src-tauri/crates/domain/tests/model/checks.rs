//! What has to hold in every history, whatever the reference says.

use crate::{
    play::{Play, call},
    reference::{Ask, Fx},
};
use nox_domain::{
    At,
    event::{Closed, Event, RunEnd, TurnEnd, UnknownChoice},
    ids::{ItemId, RequestId, TurnId},
    session::{Effect, Now, Rejection, Session, SessionCommand, moves},
    tool::{CallEnd, CallStatus, DecidedBy, Decision},
};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

impl Play {
    /// The effect of a call: it must have been decided, be allowed, and be the first of its item.
    pub(crate) fn begin_call(&mut self, key: &str, text: &str) {
        let item = self.item_of(key).expect("a call that begins is known");
        let decided: Vec<(Decision, String)> = self
            .log
            .iter()
            .filter_map(|(event, _)| match event {
                Event::PermissionDecided { item: of, decision, hash, .. } if *of == item => {
                    Some((*decision, hash.clone()))
                }
                _ => None,
            })
            .collect();
        let hash = call(key, text, false).binding_hash();
        assert!(
            matches!(&decided[..], [(decision, bound)] if decision.allows() && *bound == hash),
            "{key} runs after {decided:?}"
        );
        let times = self.ran.entry(item).or_default();
        *times += 1;
        assert_eq!(*times, 1, "{key} runs once");
        self.check_again(key);
    }

    /// A block that is done is not done again, and one whose end nobody saw only when a person said so.
    fn check_again(&self, key: &str) {
        if self.model.prompts {
            return;
        }
        let mut keys: BTreeMap<&ItemId, &str> = BTreeMap::new();
        let mut last: Option<&CallEnd> = None;
        let mut again = false;
        for (event, _) in &self.log {
            match event {
                Event::ToolCallProposed { item, call } => {
                    keys.insert(item, &call.key);
                }
                Event::ToolCallEnded { item, end, .. } if keys.get(item) == Some(&key) => {
                    (last, again) = (Some(end), false);
                }
                Event::UnknownResolved { item, choice } if keys.get(item) == Some(&key) => {
                    again = *choice != UnknownChoice::Skip;
                }
                _ => {}
            }
        }
        match last {
            Some(CallEnd::Succeeded) => panic!("{key} was done and runs again"),
            Some(CallEnd::Unknown) => assert!(again, "{key} had an unknown end and runs again unasked"),
            _ => {}
        }
    }

    fn item_of(&self, key: &str) -> Option<ItemId> {
        self.log.iter().rev().find_map(|(event, _)| match event {
            Event::ToolCallProposed { item, call } if call.key == key => Some(item.clone()),
            _ => None,
        })
    }

    pub(crate) fn check_effects(&self, effects: &[Effect]) {
        let closed = self.session.closed.is_some();
        let paused = self.session.paused.is_some();
        for effect in effects {
            let begins = match effect {
                Effect::StartRun { .. } | Effect::Prompt(_) => true,
                Effect::Deliver { allowed, .. } => *allowed,
                Effect::WantPlace | Effect::RestartAt(_) => true,
                _ => false,
            };
            assert!(!begins || !(closed || paused), "{effect:?} although closed {closed}, paused {paused}");
        }
        let wants = effects.iter().filter(|effect| matches!(effect, Effect::WantPlace)).count();
        assert!(wants <= 1, "a place is wanted once");
    }

    pub(crate) fn check_replay(&mut self) {
        let history = self.log.iter().map(|(event, at)| (event, *at));
        let replayed = Session::replay(history).expect("it begins");
        assert_eq!(replayed, self.session, "replay equals live");
        let (state, from) = &self.snapshot;
        let mut stored: Session = serde_json::from_str(state).expect("a stored state is read");
        for (event, at) in &self.log[*from..] {
            let json = serde_json::to_string(event).expect("JSON");
            stored.apply(&serde_json::from_str(&json).expect("an event is read"), *at);
        }
        stored.settle();
        assert_eq!(stored, self.session, "a stored state and its tail equal live");
        self.snapshot = (serde_json::to_string(&self.session).expect("JSON"), self.log.len());
    }

    pub(crate) fn check_end(&mut self) {
        self.check_replay();
        let history = self.log.iter().map(|(event, at)| (event, *at));
        assert_eq!(
            moves::check_history(history).is_err(),
            !self.illegal.is_empty(),
            "the check of a history"
        );
        self.check_turns();
        self.check_requests();
        self.check_restarts();
        self.check_import();
    }

    /// Every prompt begins at most once, in order, and ends once; nothing of it is forgotten.
    fn check_turns(&self) {
        let mut queued: Vec<&TurnId> = vec![];
        let mut begun: Vec<usize> = vec![];
        // One that waited for the model server's limit begins once more.
        let mut ended: BTreeSet<&TurnId> = BTreeSet::new();
        for (event, _) in &self.log {
            match event {
                Event::TurnQueued { turn, .. } => queued.push(turn),
                Event::TurnStarted { turn } => {
                    let place = queued.iter().position(|id| *id == turn).expect("it was queued");
                    assert!(begun.last().is_none_or(|last| *last < place), "prompts begin in order, once");
                    assert!(!ended.contains(turn), "a turn that is over does not begin");
                    begun.push(place);
                }
                Event::TurnLimited { .. } => drop(begun.pop()),
                Event::TurnEnded { turn, .. } => assert!(ended.insert(turn), "a turn ends once"),
                _ => {}
            }
        }
        let open = queued.iter().filter(|id| !ended.contains(*id)).count();
        let known = self.model.asks.iter().filter(|(_, ask)| !matches!(ask, Ask::Over(_)));
        assert_eq!(open, known.count(), "no prompt is forgotten");
        assert!(self.session.closed.is_none() || open == 0, "a closed session has no open turn");
    }

    /// As an import takes it: what was open is ended, it can be read, and nothing of it runs again.
    fn check_import(&mut self) {
        let damaged = self.dice.one_in(2);
        let mut events = if self.session.closed.is_some() { vec![] } else { self.closing(damaged) };
        if self.session.deleted {
            events.push(Event::SessionRestored);
        }
        events.push(Event::SessionImported);
        let mut imported = self.session.clone();
        for event in &events {
            let before = imported.clone();
            imported.apply(event, At(self.at));
            self.seen.extend(moves::moves(&before, event, &imported));
            self.illegal.extend(moves::illegal(&before, event, &imported));
        }
        assert!(!imported.wants_place(), "an imported session starts nothing");
        let mut fresh = || Uuid::from_u128(9);
        let mut now = Now { at: At(self.at), ids: &mut fresh };
        for command in
            [SessionCommand::Continue, SessionCommand::Prompt { text: "more".into(), images: vec![] }]
        {
            assert_eq!(imported.decide(&command, &mut now), Err(Rejection::Imported), "{command:?}");
        }
    }

    /// What ends a session that nobody carries on.
    fn closing(&self, damaged: bool) -> Vec<Event> {
        let mut events = vec![];
        for call in &self.session.calls {
            let end = match call.status {
                CallStatus::Waiting | CallStatus::Proposed => CallEnd::Cancelled,
                CallStatus::Allowed | CallStatus::Running => CallEnd::Unknown,
                _ => continue,
            };
            let item = call.item.clone();
            if let (CallStatus::Waiting, Some(request)) = (call.status, &call.request) {
                let (request, why) = (request.id.clone(), "stopped".into());
                events.push(Event::PermissionWithdrawn { request, item: item.clone(), why });
            }
            events.push(Event::ToolCallEnded { item, end, output: None });
        }
        if let Some(run) = self.session.run.as_ref().filter(|_| self.session.has_live_run()) {
            events.push(Event::RunEnded { run: run.id.clone(), how: RunEnd::Lost });
        }
        if let Some(turn) = self.session.turn.as_ref().filter(|_| !self.session.turn_is_over()) {
            events.push(Event::TurnEnded { turn: turn.id.clone(), end: TurnEnd::Lost, problem: None });
        }
        for next in &self.session.next {
            let turn = next.id.clone();
            events.push(Event::TurnEnded { turn, end: TurnEnd::Cancelled, problem: None });
        }
        events.push(Event::SessionClosed { how: if damaged { Closed::Failed } else { Closed::Stopped } });
        events
    }

    fn check_requests(&self) {
        let mut open: BTreeSet<&RequestId> = BTreeSet::new();
        let mut answered: BTreeSet<&RequestId> = BTreeSet::new();
        for (event, _) in &self.log {
            match event {
                Event::PermissionRequested { request } => assert!(open.insert(&request.id), "asked once"),
                Event::PermissionDecided { request: Some(request), by, .. } => {
                    assert!(open.remove(request), "only an open request is answered");
                    assert!(matches!(by, DecidedBy::Person { .. }));
                    answered.insert(request);
                }
                Event::PermissionWithdrawn { request, .. } => {
                    let known = open.remove(request) || answered.remove(request);
                    assert!(known, "a request is withdrawn once");
                }
                _ => {}
            }
        }
        let shown: BTreeSet<&RequestId> = self.session.open_requests().map(|request| &request.id).collect();
        assert_eq!(open, shown, "what is open is shown as open, and nothing else");
        assert!(self.session.closed.is_none() || open.is_empty(), "a closed session asks nothing");
    }

    fn check_restarts(&self) {
        let mut window: Vec<At> = vec![];
        for (event, at) in &self.log {
            match event {
                Event::SessionReopened => window.clear(),
                Event::RestartPlanned { .. } => {
                    window.retain(|fault| fault.0 > at.0 - 300_000);
                    window.push(*at);
                    assert!(window.len() <= 3, "at most three restarts in five minutes");
                }
                _ => {}
            }
        }
    }
}

/// What has to be done, in the model's words.
pub(crate) fn fx(effect: &Effect) -> Fx {
    match effect {
        Effect::WantPlace => Fx::Want,
        Effect::GivePlaceBack => Fx::GiveBack,
        Effect::StartRun { resume, prompt, words, .. } => Fx::Start {
            prompt: prompt.clone().map(|prompt| prompt.text),
            resumes: resume.is_some(),
            words: words.iter().map(|words| (words.text.clone(), words.heard)).collect(),
        },
        Effect::Prompt(prompt) => Fx::Prompt(prompt.text.clone()),
        Effect::Steer { text } => Fx::Steer(text.clone()),
        Effect::Switch { to, .. } => Fx::Switch(to.clone()),
        Effect::RestartAt(_) => Fx::Wake,
        Effect::Deliver { key, allowed, .. } => Fx::Tell { key: key.clone(), allowed: *allowed },
        Effect::Interrupt => Fx::Interrupt,
        Effect::StopRun => Fx::Stop,
        Effect::Settled(how) => Fx::Settled(*how),
        Effect::Asked(_) => Fx::Asked,
    }
}
