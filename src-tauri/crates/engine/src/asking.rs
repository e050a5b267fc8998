//! Who asks for a session, and whether the limits of agents let it begin: how many of an agent in an hour, and how deep
//! sessions that were started by sessions may stand.
//!
//! A session is asked for from inside a run when the process that asks is below the shim of one of the run's trees.
//! Whatever a tree starts stays below its shim, so an agent cannot leave its place by forking.

use crate::{
    Error, clock,
    engine::Engine,
    ledger::{Cause, Change, put},
    vitals::Asking,
};
use nox_domain::{
    At, Size,
    agent::Agent,
    event::{Event, PreAllowed},
    ids::AgentId,
    life::{LimitAction, LimitHit, LimitKind},
    rows::{RefusalRow, Row, SessionRow, TaskRow, kind},
};
use nox_process::ProcessIdentity;
use nox_store::{Order, RowPage};
use std::time::Duration;

/// How deep sessions may stand below an agent that does not say.
pub const DEFAULT_DEPTH: u32 = 3;
/// The same refusal of the same task is recorded once in this time.
const QUIET_MS: i64 = 60 * 1000;
const HOUR_MS: i64 = 60 * 60 * 1000;
/// The name of the program that holds trees.
const SHIM: &str = "nox-shim";
/// How long the start of a tree may take to be written down. Its program may ask for something before.
const KNOWN_AFTER: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// A limit that does not let a session begin.
#[derive(Debug)]
pub(crate) struct Refused {
    /// The agent whose limit it is, and its name.
    agent: (AgentId, String),
    hit: LimitHit,
    again_at: Option<At>,
    message: String,
    hint: String,
}

impl Engine {
    /// The session from whose run a process asks, given as that process and those above it; none when it is outside of all.
    pub(crate) async fn asking(&self, chain: &[ProcessIdentity]) -> Result<Option<Asking>, Error> {
        let own = std::process::id();
        let Some(at) = chain.iter().position(|process| process.pid == own) else { return Ok(None) };
        let Some(shim) = at.checked_sub(1).and_then(|below| chain.get(below)).copied() else {
            return Ok(None);
        };
        let vitals = &self.sessions().shared().vitals;
        let deadline = tokio::time::Instant::now() + KNOWN_AFTER;
        loop {
            if let Some(asking) = vitals.session_of(&shim) {
                return Ok(Some(asking));
            }
            let name = nox_process::name_of(&shim);
            // Another child of this process: something that the app itself opened.
            if name.as_deref().is_some_and(|name| name != SHIM) {
                return Ok(None);
            }
            if name.is_none() || tokio::time::Instant::now() >= deadline {
                return Err(Error::Conflict {
                    message: "it cannot be told which session asks for this one".into(),
                    hint: "Its run may be ending. Start the task from the window or another terminal.".into(),
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Whether a process asks from inside a run, given as that process and those above it.
    pub async fn is_inside_a_run(&self, chain: &[ProcessIdentity]) -> Result<bool, Error> {
        Ok(self.asking(chain).await?.is_some())
    }

    /// What refuses a session of this agent when so many were started in the last hour as may be.
    pub(crate) async fn over_spawn_rate(&self, agent: &Agent) -> Result<Option<Refused>, Error> {
        let Some(max) = agent.limits.max_spawn_rate else { return Ok(None) };
        let now = clock::now();
        let since = At(now.0 - HOUR_MS);
        let mut page = RowPage { after: None, limit: 200, order: Order::Descending };
        let mut started = Vec::new();
        // The newest first: those of the last hour come before all others.
        'pages: loop {
            let rows = self.ledger().store().rows(kind::SESSION, None, page.clone()).await?;
            let Some(last) = rows.last() else { break };
            page = page.following(last);
            for row in rows.iter().filter_map(crate::reading::readable::<SessionRow>) {
                if row.opened_at <= since {
                    break 'pages;
                }
                if row.agent == agent.id && row.opened_at <= now {
                    started.push(row.opened_at);
                }
            }
        }
        let Some(free) = (max as usize).checked_sub(1).and_then(|index| started.get(index)) else {
            return Ok(None);
        };
        let wait_s = (free.0 + HOUR_MS - now.0 + 999) / 1000;
        tracing::warn!(agent = %agent.id, max, started = started.len(), "the limit max_spawn_rate refused a session");
        Ok(Some(Refused {
            agent: (agent.id.clone(), agent.name.clone()),
            hit: refused(LimitKind::SpawnRate, started.len() as u64, max),
            again_at: Some(At(free.0 + HOUR_MS)),
            message: format!(
                "limit of sessions in an hour: {} sessions of the agent {} were started in the last hour, and {max} may be; the next one can start in {}",
                started.len(),
                agent.name,
                in_words(wait_s)
            ),
            hint: format!("Start it again then, or raise “Sessions an hour” of {} in Agents.", agent.name),
        }))
    }

    /// Records that a start was refused, for its card and for the session that asked; answers what the caller is told.
    pub(crate) async fn refuse(&self, task: &TaskRow, asking: Option<&Asking>, refused: Refused) -> Error {
        if let Err(error) = self.record_refusal(task, asking, &refused).await {
            tracing::warn!(%error, task = %task.id, "a refused start was not recorded");
        }
        Error::Conflict { message: refused.message, hint: refused.hint }
    }

    async fn record_refusal(
        &self,
        task: &TaskRow,
        asking: Option<&Asking>,
        refused: &Refused,
    ) -> Result<(), Error> {
        let now = clock::now();
        let known = self.ledger().store().row(kind::REFUSAL, task.id.as_str()).await?;
        let known = known.and_then(|row| crate::reading::readable::<RefusalRow>(&row));
        // Who asks again and again is answered each time, and does not fill the log.
        let is_told = known.is_some_and(|known| {
            known.hit.limit == refused.hit.limit && (now.0 - QUIET_MS..=now.0).contains(&known.at.0)
        });
        if !is_told {
            let (agent, agent_name) = refused.agent.clone();
            let asked_by = asking.map(|asking| asking.session.clone());
            let event = Event::StartRefused {
                task: task.id.clone(),
                agent: agent.clone(),
                asked_by: asked_by.clone(),
                hit: refused.hit,
                again_at: refused.again_at,
            };
            let row = Row::Refusal(Box::new(RefusalRow {
                task: task.id.clone(),
                title: task.title.clone(),
                agent: agent.clone(),
                agent_name,
                asked_by,
                hit: refused.hit,
                again_at: refused.again_at,
                at: now,
            }));
            let change = Change {
                events: vec![(format!("agent/{agent}"), event)],
                rows: vec![put(&row)],
                ..Change::default()
            };
            self.ledger().commit(&Cause::nox(), now, change).await?;
        }
        if let Some(asking) = asking {
            self.sessions().tell_limit(&asking.session, refused.hit);
        }
        Ok(())
    }
}

/// An agent gives a session that it starts no more than it was given itself: else it would allow itself everything.
pub(crate) fn check_no_more(asking: &Asking, wanted: PreAllowed) -> Result<(), Error> {
    if wanted == PreAllowed::Nothing || asking.pre_allowed == PreAllowed::All {
        return Ok(());
    }
    Err(Error::Conflict {
        message: format!(
            "a session of the agent {} cannot allow another one anything beforehand",
            asking.agent_name
        ),
        hint: "Start it without --allow: you are asked in the window.".into(),
    })
}

/// How deep a session stands that is asked for from there.
pub(crate) fn depth_below(asking: &Asking) -> Result<u32, Box<Refused>> {
    let max = asking.limits.max_depth.unwrap_or(DEFAULT_DEPTH);
    let depth = asking.depth + 1;
    if depth <= max {
        return Ok(depth);
    }
    tracing::warn!(session = %asking.session, depth, max, "the limit max_depth refused a session");
    let allowed = match max {
        0 => format!("sessions of the agent {} may start no sessions", asking.agent_name),
        max => format!(
            "this one would stand {depth} levels deep, and below the agent {} only {max} may be",
            asking.agent_name
        ),
    };
    Err(Box::new(Refused {
        agent: (asking.agent.clone(), asking.agent_name.clone()),
        hit: refused(LimitKind::Depth, depth.into(), max),
        again_at: None,
        message: format!("limit of depth: {allowed}"),
        hint: format!(
            "Let its task do the work itself, or raise “Depth” of {} in Agents.",
            asking.agent_name
        ),
    }))
}

fn refused(limit: LimitKind, value: u64, allowed: u32) -> LimitHit {
    LimitHit { limit, value: Size(value), allowed: Size(allowed.into()), action: LimitAction::Refused }
}

fn in_words(seconds: i64) -> String {
    match seconds {
        ..=119 => format!("{seconds} s"),
        _ => format!("{} min", (seconds + 59) / 60),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_domain::{agent::Limits, ids::SessionId};

    fn asking(depth: u32, max_depth: Option<u32>) -> Asking {
        Asking {
            session: SessionId::fresh(&mut clock::SystemIds),
            agent: AgentId::from_name("ada"),
            agent_name: "Ada".into(),
            depth,
            limits: Limits { max_depth, ..Limits::default() },
            pre_allowed: PreAllowed::Nothing,
        }
    }

    #[test]
    fn the_depth_of_the_agent_that_asks_counts() {
        assert_eq!(depth_below(&asking(0, Some(1))).unwrap(), 1);
        assert_eq!(depth_below(&asking(2, None)).unwrap(), DEFAULT_DEPTH);
        for (depth, max, word) in [(1, Some(1), "2 levels"), (3, None, "only 3"), (0, Some(0), "no sessions")]
        {
            let error = depth_below(&asking(depth, max)).unwrap_err();
            assert!(error.message.contains(word), "{error:?}");
            assert!(error.hint.contains("“Depth” of Ada"), "{error:?}");
        }
    }
}
