//! What can carry an agent here, and trials of agents. Nothing of it is recorded.

use super::tasks::bad;
use crate::{Api, ApiError, dto::*, mirror::problem_in_words};
use nox_domain::{agent::Agent, ids::AgentId};
use nox_engine::{Error, Trial, check_agent};

/// A question is a question, not a task.
const LONGEST_QUESTION: usize = 2_000;

impl Api {
    /// What can carry an agent here: programs and model servers. A look takes seconds and starts each program once.
    pub async fn discover(&self, input: Discover) -> Result<Discovered, ApiError> {
        Ok((*self.engine().discover(input.again).await).clone())
    }

    /// Starts an agent's program as a run would, says what it can do and what that costs, and ends it.
    pub async fn try_agent(&self, input: TryAgent) -> Result<AgentTried, ApiError> {
        if input.trial.is_empty() || input.trial.len() > 64 {
            return Err(bad("trial", "a trial needs a name", "Write up to 64 letters.").into());
        }
        if input.ask.as_ref().is_some_and(|text| text.trim().is_empty() || text.len() > LONGEST_QUESTION) {
            return Err(bad("ask", "a trial asks one short question", "Write one, or none.").into());
        }
        let stored = match &input.agent {
            None => unwritten(&input),
            Some(id) => match self.engine().files().known().agents.get(id) {
                Some(row) => row.agent.clone(),
                None => return Err(Error::NotFound { what: "agent", id: id.to_string() }.into()),
            },
        };
        let agent = stored.patched(&input.patch);
        check_agent(&agent)?;
        let trial = Trial { id: input.trial, agent, ask: input.ask };
        let tried = self.engine().try_agent(trial).await?;
        Ok(AgentTried {
            is_good: tried.is_good(),
            problem: tried.problem.as_ref().map(problem_in_words),
            tried,
        })
    }

    /// Ends a trial. Its own answer follows when nothing of it is alive.
    pub async fn stop_trial(&self, input: OneTrial) -> Result<TrialStopped, ApiError> {
        Ok(TrialStopped { ran: self.engine().stop_trial(&input.trial) })
    }
}

/// An agent that is being written and has no name yet.
fn unwritten(input: &TryAgent) -> Agent {
    Agent {
        id: AgentId::from_name("trial"),
        name: "trial".into(),
        description: String::new(),
        runtime: input.runtime,
        prompt: String::new(),
        enabled: true,
        review: input.runtime.reviews_by_default(),
        capabilities: vec![],
        folder: String::new(),
        skills: vec![],
        environment: Default::default(),
        program: Default::default(),
        services: Default::default(),
        limits: Default::default(),
        life: Default::default(),
    }
}
