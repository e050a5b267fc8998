//! Who runs next. A session asks for a place and gets one when the caps allow; places come back when runs end.
//!
//! The order is first come, first served; who waits for something that a later one does not need is passed, except for memory,
//! which nobody behind it gets. The caps are: all live runs together, those of one agent, runs started in a
//! minute, the memory of all live runs, and the breaker of an agent that failed too often in a row. Who waits is told
//! why. When a place or memory is wanted, the run that has been idle for longest is named, so that it can be closed: one
//! for each wish that this would help, and one for each measurement of memory above the budget.
//!
//! Memory is measured now and then, and a run that has just begun holds little yet: until it is [`GROWN_MS`] old it counts
//! as what runs of its agent usually hold, and so does one that asks for a place.

use crate::clock;
use nox_domain::{
    At,
    ids::{AgentId, SessionId},
    life::HeldBack,
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Faults in a row that open an agent's breaker.
pub const FAULTS_TO_OPEN: u32 = 3;
/// How long a breaker is open at first; it doubles with each further fault, up to [`BREAKER_LONGEST_MS`].
const BREAKER_FIRST_MS: i64 = 60_000;
const BREAKER_LONGEST_MS: i64 = 15 * 60_000;
const MINUTE_MS: i64 = 60_000;
/// A run of this age holds what it needs.
const GROWN_MS: i64 = 15_000;

/// A session that waits for a place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// The session.
    pub session: SessionId,
    /// Its agent.
    pub agent: AgentId,
    /// How many runs of this agent may be live; none for no limit of its own.
    pub agent_cap: Option<u32>,
    /// Megabytes that its run is taken to hold as long as none of this agent was measured.
    pub usual_mb: u32,
}

/// What may be at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caps {
    /// Live runs; 0 starts nothing.
    pub live: u32,
    /// Runs started in a minute; 0 for no limit.
    pub per_minute: u32,
    /// Megabytes of all live runs; 0 for no limit.
    pub memory_mb: u32,
}

/// What follows on a change: these have to be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "these sessions wait to be told"]
pub struct Told {
    /// These have a place.
    pub granted: Vec<SessionId>,
    /// These wait, and for what; each is told once for each reason.
    pub held_back: Vec<(SessionId, HeldBack)>,
    /// The run of this one has been idle for longest, and others want its place or its memory.
    pub hibernate: Option<SessionId>,
    /// When time alone may change something.
    pub look_again: Option<Duration>,
}

/// How a run of an agent ended, for its breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it should, or a person ended it.
    Well,
    /// It could not be started, broke down, or came to a limit.
    Fault,
}

/// A breaker that changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breaker {
    /// Nothing of the agent starts until then.
    Opened {
        /// In a row.
        faults: u32,
        /// Until when.
        until: At,
    },
    /// The agent works again.
    Closed,
}

/// The places of one engine. Its lock is never held across an await.
#[derive(Debug)]
pub struct Scheduler {
    begun: Instant,
    /// How long a breaker is open at first.
    breaker_first_ms: i64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    caps: Caps,
    live: HashMap<SessionId, Live>,
    waiting: VecDeque<Waiting>,
    /// When runs of the last minute were granted.
    starts: VecDeque<i64>,
    faults: HashMap<AgentId, Faults>,
    /// Megabytes that a grown run of an agent holds, as last measured.
    usual_mb: HashMap<AgentId, u32>,
    /// Memory was measured above the budget, and no run was named for it yet.
    memory_wanted: bool,
    /// When somebody looks again because time has passed.
    look_at: Option<i64>,
}

#[derive(Debug)]
struct Live {
    agent: AgentId,
    since: i64,
    /// Megabytes that were measured last.
    memory_mb: u32,
    /// What it counts as while it is young.
    usual_mb: u32,
    idle_since: Option<i64>,
    /// It was named: its place is on the way back.
    closing: bool,
}

#[derive(Debug)]
struct Waiting {
    wish: Wish,
    told: Option<HeldBack>,
}

#[derive(Debug, Clone, Default)]
struct Faults {
    in_a_row: u32,
    open_until: Option<i64>,
    /// The run that tries whether the agent works again.
    tried_by: Option<SessionId>,
}

/// Now: milliseconds of a clock that only goes forward, and the time for people.
#[derive(Debug, Clone, Copy)]
struct Moment {
    ms: i64,
    at: At,
}

impl Scheduler {
    /// With these caps.
    pub fn new(caps: Caps) -> Self {
        let state = State {
            caps,
            live: HashMap::new(),
            waiting: VecDeque::new(),
            starts: VecDeque::new(),
            faults: HashMap::new(),
            usual_mb: HashMap::new(),
            memory_wanted: false,
            look_at: None,
        };
        Self { begun: Instant::now(), breaker_first_ms: BREAKER_FIRST_MS, state: Mutex::new(state) }
    }

    /// The same with breakers that are open for another time at first.
    #[cfg(test)]
    pub(crate) fn with_breakers(self, first: Duration) -> Self {
        Self { breaker_first_ms: first.as_millis() as i64, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> Moment {
        let ms = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        Moment { ms, at: clock::now() }
    }

    /// Puts a wish into the queue; the same session only once.
    pub fn want(&self, wish: Wish) -> Told {
        let mut state = self.state();
        let known = state.live.contains_key(&wish.session)
            || state.waiting.iter().any(|waiting| waiting.wish.session == wish.session);
        if !known {
            state.waiting.push_back(Waiting { wish, told: None });
        }
        state.grant(self.now())
    }

    /// Takes a place or a wish back.
    pub fn give_back(&self, session: &SessionId) -> Told {
        let mut state = self.state();
        state.live.remove(session);
        state.waiting.retain(|waiting| waiting.wish.session != *session);
        for faults in state.faults.values_mut() {
            if faults.tried_by.as_ref() == Some(session) {
                faults.tried_by = None;
            }
        }
        state.grant(self.now())
    }

    /// Whether a session has a place.
    pub fn holds(&self, session: &SessionId) -> bool {
        self.state().live.contains_key(session)
    }

    /// Changes the caps.
    pub fn set_caps(&self, caps: Caps) -> Told {
        let mut state = self.state();
        state.caps = caps;
        state.grant(self.now())
    }

    /// What the processes of live runs hold now, in megabytes; a run that is not named has none.
    pub fn set_memory(&self, measured: &HashMap<SessionId, u32>) -> Told {
        let mut state = self.state();
        let now = self.now();
        state.take_memory(measured, now);
        state.grant(now)
    }

    /// The megabytes of the budget, if there is one.
    pub fn memory_budget(&self) -> Option<u32> {
        Some(self.state().caps.memory_mb).filter(|budget_mb| *budget_mb > 0)
    }

    /// Whether the run of a session stands idle, so that it may be closed when others want its place.
    pub fn set_idle(&self, session: &SessionId, idle: bool) -> Told {
        let mut state = self.state();
        let now = self.now();
        match state.live.get_mut(session) {
            Some(live) if live.idle_since.is_some() != idle => live.idle_since = idle.then_some(now.ms),
            _ => return Told::default(),
        }
        state.grant(now)
    }

    /// A run that was named is not closed: something had come for it meanwhile, or it could not be. Another one is named
    /// instead; it may be named again later when it still is idle.
    pub fn stays(&self, session: &SessionId, idle: bool) -> Told {
        let mut state = self.state();
        let now = self.now();
        match state.live.get_mut(session) {
            Some(live) if live.closing => live.closing = false,
            _ => return Told::default(),
        }
        let told = state.grant(now);
        if let Some(live) = state.live.get_mut(session) {
            live.idle_since = idle.then_some(now.ms);
        }
        told
    }

    /// Time has passed.
    pub fn look(&self) -> Told {
        let mut state = self.state();
        state.look_at = None;
        state.grant(self.now())
    }

    /// How a run of an agent ended. Answers whether its breaker changed.
    pub fn ended(&self, agent: &AgentId, outcome: Outcome) -> Option<Breaker> {
        self.state().ended(agent, outcome, self.breaker_first_ms, self.now())
    }

    /// Live runs.
    pub fn live(&self) -> usize {
        self.state().live.len()
    }
}

impl State {
    fn grant(&mut self, now: Moment) -> Told {
        let mut told = Told::default();
        while self.starts.front().is_some_and(|start| *start <= now.ms - MINUTE_MS) {
            self.starts.pop_front();
        }
        let mut again: Option<i64> = None;
        let mut at = 0;
        // Somebody further ahead waits for memory: nobody behind takes some.
        let mut memory_is_waited_for = false;
        while at < self.waiting.len() {
            let Some((by, retry_ms)) = self.held_back(&self.waiting[at].wish, memory_is_waited_for, now)
            else {
                if let Some(Waiting { wish, .. }) = self.waiting.remove(at) {
                    let usual_mb = self.usual_mb(&wish);
                    self.starts.push_back(now.ms);
                    if let Some(faults) =
                        self.faults.get_mut(&wish.agent).filter(|faults| faults.open_until.is_some())
                    {
                        faults.tried_by = Some(wish.session.clone());
                    }
                    let live = Live {
                        agent: wish.agent,
                        since: now.ms,
                        memory_mb: 0,
                        usual_mb,
                        idle_since: None,
                        closing: false,
                    };
                    self.live.insert(wish.session.clone(), live);
                    told.granted.push(wish.session);
                }
                continue;
            };
            again = [again, retry_ms].into_iter().flatten().min();
            memory_is_waited_for |= matches!(by, HeldBack::Memory { .. });
            let waiting = &mut self.waiting[at];
            // An engine that only looks starts nothing, which is no reason to tell.
            if !waiting.told.is_some_and(|told| same_reason(told, by)) && self.caps.live > 0 {
                waiting.told = Some(by);
                told.held_back.push((waiting.wish.session.clone(), by));
            }
            at += 1;
        }
        // One look for all that wait is enough.
        told.look_again = again.filter(|ms| self.look_at.is_none_or(|known| *ms < known)).map(|ms| {
            self.look_at = Some(ms);
            Duration::from_millis(ms.saturating_sub(now.ms).max(1) as u64)
        });
        told.hibernate = self.longest_idle();
        told
    }

    /// What keeps a wish back, and when time alone may change that.
    fn held_back(
        &self,
        wish: &Wish,
        memory_is_waited_for: bool,
        now: Moment,
    ) -> Option<(HeldBack, Option<i64>)> {
        let of_agent = self.live.values().filter(|live| live.agent == wish.agent).count();
        if let Some(faults) = self.faults.get(&wish.agent)
            && let Some(until) = faults.open_until
        {
            // Half open when the time is over: one run is tried. Runs from before, that may stand idle, are none.
            if now.ms < until || faults.tried_by.is_some() {
                let until_at = At(now.at.0 + (until - now.ms).max(0));
                return Some((
                    HeldBack::Breaker { faults: faults.in_a_row, until: until_at },
                    (now.ms < until).then_some(until),
                ));
            }
        }
        if let Some(max) = wish.agent_cap.filter(|cap| of_agent >= *cap as usize) {
            return Some((HeldBack::AgentPlaces { max }, None));
        }
        if self.live.len() >= self.caps.live as usize {
            return Some((HeldBack::Places { max: self.caps.live }, None));
        }
        let budget_mb = self.caps.memory_mb;
        if budget_mb > 0 && !self.live.is_empty() {
            let (used_mb, more_mb) = (self.held_mb(now), self.usual_mb(wish));
            let is_passed = memory_is_waited_for && more_mb > 0;
            if used_mb >= budget_mb || used_mb.saturating_add(more_mb) > budget_mb || is_passed {
                // The young become old, and then count as what they hold.
                let grown = self.live.values().map(|live| live.since + GROWN_MS).filter(|at| *at > now.ms);
                return Some((HeldBack::Memory { used_mb, budget_mb }, grown.min()));
            }
        }
        let max_per_minute = self.caps.per_minute;
        if max_per_minute > 0 && self.starts.len() >= max_per_minute as usize {
            let next = self.starts.front().map(|first| first + MINUTE_MS);
            return Some((HeldBack::Rate { max_per_minute }, next));
        }
        None
    }

    fn take_memory(&mut self, measured: &HashMap<SessionId, u32>, now: Moment) {
        let mut grown: HashMap<&AgentId, (u32, u32)> = HashMap::new();
        for (session, live) in &mut self.live {
            let memory_mb = measured.get(session).copied();
            live.memory_mb = memory_mb.unwrap_or_default();
            // Of one that is not named nothing is known: without a budget nobody measures.
            if memory_mb.is_some() && live.is_grown(now) {
                let (sum_mb, count) = grown.entry(&live.agent).or_default();
                (*sum_mb, *count) = (sum_mb.saturating_add(live.memory_mb), *count + 1);
            }
        }
        let usual = grown.into_iter().map(|(agent, (sum_mb, count))| (agent.clone(), sum_mb / count));
        self.usual_mb.extend(usual);
        let budget_mb = self.caps.memory_mb;
        let sum_mb: u32 = self.live.values().fold(0, |sum, live| sum.saturating_add(live.memory_mb));
        self.memory_wanted = budget_mb > 0 && sum_mb >= budget_mb;
    }

    /// What a run for this wish would hold.
    fn usual_mb(&self, wish: &Wish) -> u32 {
        self.usual_mb.get(&wish.agent).copied().unwrap_or(wish.usual_mb)
    }

    /// What all live runs hold, or will when they are grown.
    fn held_mb(&self, now: Moment) -> u32 {
        let held = self
            .live
            .values()
            .map(|live| if live.is_grown(now) { live.memory_mb } else { live.memory_mb.max(live.usual_mb) });
        held.fold(0, u32::saturating_add)
    }

    /// The run that has been idle for longest, when closing it would help. It is named once.
    fn longest_idle(&mut self) -> Option<SessionId> {
        // As many as are being closed already are served by that.
        let closing = self.live.values().filter(|live| live.closing).count();
        let (mut any, mut agents) = (std::mem::take(&mut self.memory_wanted), Vec::new());
        let helped = self.waiting.iter().filter(|waiting| {
            matches!(
                waiting.told,
                Some(HeldBack::Places { .. } | HeldBack::AgentPlaces { .. } | HeldBack::Memory { .. })
            )
        });
        for waiting in helped.skip(closing) {
            match waiting.told {
                Some(HeldBack::AgentPlaces { .. }) => agents.push(waiting.wish.agent.clone()),
                _ => any = true,
            }
        }
        let idle = self
            .live
            .iter()
            .filter(|(_, live)| any || agents.contains(&live.agent))
            .filter_map(|(session, live)| Some((live.idle_since?, session.clone())));
        let (_, session) = idle.min()?;
        if let Some(live) = self.live.get_mut(&session) {
            (live.idle_since, live.closing) = (None, true);
        }
        Some(session)
    }

    fn ended(&mut self, agent: &AgentId, outcome: Outcome, first_ms: i64, now: Moment) -> Option<Breaker> {
        match outcome {
            Outcome::Well => {
                let was = self.faults.remove(agent)?;
                was.open_until.map(|_| Breaker::Closed)
            }
            Outcome::Fault => {
                let faults = self.faults.entry(agent.clone()).or_default();
                faults.in_a_row += 1;
                faults.tried_by = None;
                let beyond = faults.in_a_row.checked_sub(FAULTS_TO_OPEN)?;
                let wait = (first_ms << beyond.min(8)).min(BREAKER_LONGEST_MS);
                faults.open_until = Some(now.ms + wait);
                Some(Breaker::Opened { faults: faults.in_a_row, until: At(now.at.0 + wait) })
            }
        }
    }
}

impl Live {
    fn is_grown(&self, now: Moment) -> bool {
        now.ms - self.since >= GROWN_MS
    }
}

/// Whether two reasons are the same for people: figures that only grow older are not told again and again.
fn same_reason(told: HeldBack, by: HeldBack) -> bool {
    match (told, by) {
        (HeldBack::Memory { .. }, HeldBack::Memory { .. }) => true,
        (HeldBack::Breaker { faults: told, .. }, HeldBack::Breaker { faults, .. }) => told == faults,
        _ => told == by,
    }
}

#[cfg(test)]
mod tests;
