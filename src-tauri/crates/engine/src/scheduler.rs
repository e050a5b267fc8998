//! Who runs next. A session asks for a place and gets one when the caps allow; places come back when runs end.
//!
//! The order is first come, first served. The caps are all live runs together, and those of one agent.

use nox_domain::ids::{AgentId, SessionId};
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A session that waits for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The session.
    pub session: SessionId,
    /// Its agent.
    pub agent: AgentId,
    /// How many runs of this agent may be live; none for no limit of its own.
    pub agent_cap: Option<u32>,
}

/// The places of one engine. Its lock is never held across an await.
#[derive(Debug)]
pub struct Scheduler {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    cap: u32,
    live: HashMap<SessionId, AgentId>,
    waiting: VecDeque<Wish>,
}

impl Scheduler {
    /// With at most `cap` live runs.
    pub fn new(cap: u32) -> Self {
        Self { state: Mutex::new(State { cap, live: HashMap::new(), waiting: VecDeque::new() }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a wish into the queue; the same session only once. Answers who may start now.
    #[must_use = "these sessions wait to be told"]
    pub fn want(&self, wish: Wish) -> Vec<SessionId> {
        let mut state = self.state();
        let known = state.live.contains_key(&wish.session)
            || state.waiting.iter().any(|waiting| waiting.session == wish.session);
        if !known {
            state.waiting.push_back(wish);
        }
        state.grant()
    }

    /// Takes a place or a wish back. Answers who may start now.
    #[must_use = "these sessions wait to be told"]
    pub fn give_back(&self, session: &SessionId) -> Vec<SessionId> {
        let mut state = self.state();
        state.live.remove(session);
        state.waiting.retain(|waiting| waiting.session != *session);
        state.grant()
    }

    /// Whether a session has a place.
    pub fn holds(&self, session: &SessionId) -> bool {
        self.state().live.contains_key(session)
    }

    /// Changes the cap. Answers who may start now.
    #[must_use = "these sessions wait to be told"]
    pub fn set_cap(&self, cap: u32) -> Vec<SessionId> {
        let mut state = self.state();
        state.cap = cap.max(1);
        state.grant()
    }

    /// Live runs.
    pub fn live(&self) -> usize {
        self.state().live.len()
    }
}

impl State {
    fn grant(&mut self) -> Vec<SessionId> {
        let mut granted = Vec::new();
        let mut at = 0;
        while at < self.waiting.len() && self.live.len() < self.cap as usize {
            let wish = &self.waiting[at];
            let of_agent = self.live.values().filter(|agent| **agent == wish.agent).count();
            if wish.agent_cap.is_some_and(|cap| of_agent >= cap as usize) {
                at += 1;
                continue;
            }
            if let Some(wish) = self.waiting.remove(at) {
                self.live.insert(wish.session.clone(), wish.agent);
                granted.push(wish.session);
            }
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use uuid::Uuid;

    fn wish(n: u128, agent: &str, agent_cap: Option<u32>) -> Wish {
        Wish {
            session: SessionId::from_uuid(Uuid::from_u128(n)),
            agent: AgentId::parse(agent).unwrap(),
            agent_cap,
        }
    }

    #[test]
    fn the_cap_holds_and_places_come_back_in_order() {
        let scheduler = Scheduler::new(2);
        let all: Vec<_> = (1..=4).map(|n| wish(n, "a", None)).collect();
        let granted: Vec<_> = all.iter().flat_map(|w| scheduler.want(w.clone())).collect();
        assert_eq!(granted, [all[0].session.clone(), all[1].session.clone()]);
        assert!(scheduler.want(all[2].clone()).is_empty(), "asking twice gives nothing");
        assert_eq!(scheduler.give_back(&all[0].session), [all[2].session.clone()]);
        assert!(scheduler.give_back(&all[3].session).is_empty(), "a wish can be taken back");
        assert_eq!(scheduler.live(), 2);
        let next = wish(9, "a", None);
        assert!(scheduler.want(next.clone()).is_empty());
        assert_eq!(scheduler.set_cap(3), [next.session]);
    }

    #[test]
    fn an_agent_at_its_cap_does_not_hold_up_others() {
        let scheduler = Scheduler::new(10);
        assert_eq!(scheduler.want(wish(1, "a", Some(1))).len(), 1);
        assert!(scheduler.want(wish(2, "a", Some(1))).is_empty());
        assert_eq!(scheduler.want(wish(3, "b", Some(1))).len(), 1);
        assert_eq!(scheduler.give_back(&wish(1, "a", None).session), [wish(2, "a", None).session]);
    }
}
