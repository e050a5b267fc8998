//! Operations on agents, rules and the samples of the first run.

use super::tasks::bad;
use crate::{Api, ApiError, dto::*};
use nox_domain::{
    agent::Agent,
    ids::{AgentId, TaskId},
    task::{Priority, Task, TaskStatus},
};
use nox_engine::{
    Error,
    clock::{self, SystemIds},
    drops::first_rank,
    files::Want,
};
use serde_json::{Value, json};

impl Api {
    /// Makes an agent; its id is made from its name and stays.
    pub async fn create_agent(&self, caller: &Caller, input: CreateAgent) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if input.name.trim().is_empty() {
                return Err(bad("name", "an agent needs a name", "Write a short one."));
            }
            let id = AgentId::from_name(&input.name);
            let agent = Agent {
                id: id.clone(),
                name: input.name.trim().to_owned(),
                description: input.description.clone(),
                runtime: input.runtime,
                prompt: input.prompt.clone(),
                enabled: true,
                review: input.review.unwrap_or(input.runtime.reviews_by_default()),
                capabilities: input.capabilities.clone(),
                folder: input.folder.trim().to_owned(),
                skills: input.skills.clone(),
                environment: input.environment.clone(),
                program: input.program.clone(),
                services: input.services.clone(),
                limits: input.limits,
                life: input.life,
            };
            let want = Want::CreateAgent { agent: Box::new(agent) };
            self.engine().files().want(want, cause, json!({ "agent": id })).await?;
            Ok(())
        })
        .await
    }

    /// Changes an agent.
    pub async fn change_agent(&self, caller: &Caller, input: ChangeAgent) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if input.patch.name.as_ref().is_some_and(|name| name.trim().is_empty()) {
                return Err(bad("name", "an agent needs a name", "Write a short one."));
            }
            let want = Want::PatchAgent { agent: input.agent, patch: input.patch, base: input.base };
            self.engine().files().want(want, cause, Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Deletes an agent; undo brings it back. Its sessions stay.
    pub async fn delete_agent(&self, caller: &Caller, input: OneAgent) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let works = {
                let mirror = self.inner.mirror();
                mirror.0.sessions.values().any(|row| row.agent == input.agent && !row.state.is_closed())
            };
            if works {
                return Err(Error::Conflict {
                    message: "this agent has sessions that are not over".into(),
                    hint: "Stop them first, or disable the agent so that it starts nothing new.".into(),
                });
            }
            if !self.engine().files().known().agents.contains_key(&input.agent) {
                return Err(Error::NotFound { what: "agent", id: input.agent.to_string() });
            }
            self.engine().files().want(Want::DeleteAgent { agent: input.agent }, cause, Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Deletes a rule; undo brings it back.
    pub async fn delete_rule(&self, caller: &Caller, input: OneRule) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().files().want(Want::DeleteRule { rule: input.rule }, cause, Value::Null).await?;
            Ok(())
        })
        .await
    }

    /// Makes the agent and the runbook of the first page.
    pub async fn make_samples(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().make_runbook_agent().await?;
            let rank = first_rank(self.inner.mirror().0.tasks.values().map(|row| row.rank.clone()));
            let task = Task {
                id: TaskId::fresh(&mut SystemIds),
                title: "How is this computer doing?".into(),
                body: SAMPLE.into(),
                status: TaskStatus::Todo,
                priority: Priority::Medium,
                agent: Some(AgentId::from_name("runbook")),
                project: None,
                deadline: None,
                depends_on: vec![],
                tags: vec!["sample".into()],
                attachments: vec![],
                rank,
                created_at: clock::now(),
            };
            let result = json!({ "task": task.id, "agent": "runbook" });
            self.engine().files().want(Want::CreateTasks { tasks: vec![task] }, cause, result).await?;
            Ok(())
        })
        .await
    }
}

/// Looks only; each block asks before it runs. The first page shows the same text.
const SAMPLE: &str = "\
```sh
df -h ~
```

```sh
git --version
```

```sh
uptime
```
";
