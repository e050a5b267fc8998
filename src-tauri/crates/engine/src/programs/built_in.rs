//! The agent that needs no program.

use crate::{Engine, Error, files::Want, ledger::Cause};
use nox_domain::{
    agent::{Agent, Runtime},
    ids::AgentId,
};

impl Engine {
    /// The agent that needs nothing installed, for a home that has none.
    pub async fn make_runbook_agent(&self) -> Result<(), Error> {
        let agent = Agent {
            id: AgentId::from_name("runbook"),
            name: "Runbook".into(),
            description: "Runs the sh and bash blocks of a task, one by one, and asks before each.".into(),
            runtime: Runtime::Runbook,
            prompt: String::new(),
            enabled: true,
            review: Runtime::Runbook.reviews_by_default(),
            capabilities: vec!["shell".into()],
            folder: String::new(),
            skills: vec![],
            environment: Default::default(),
            program: Default::default(),
            services: Default::default(),
            limits: Default::default(),
            life: Default::default(),
        };
        match self
            .files()
            .want(Want::CreateAgent { agent: Box::new(agent) }, Cause::nox(), serde_json::Value::Null)
            .await
        {
            Ok(_) | Err(Error::BadInput { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
