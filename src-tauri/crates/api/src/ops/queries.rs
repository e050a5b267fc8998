//! Operations that only read.

use super::sessions::{matches_call, narrowest};
use crate::{Api, ApiError, ErrorCode, dto::*, mirror::view, output};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nox_domain::{
    policy::{Matcher, simple_command},
    rows::{ControlsRow, ItemBody, RequestRow, RequestState},
    tool::{Decision, RuleScope},
};
use nox_engine::runbook;

/// Items of one page at most.
const MAX_ITEMS: u32 = 500;
/// Requests that a preview looks at, and that it shows.
const PREVIEW_LOOKS: usize = 2_000;
const PREVIEW_SHOWS: usize = 50;

impl Api {
    /// All tasks, in the board's order.
    pub async fn list_tasks(&self, _: Nothing) -> Result<TaskList, ApiError> {
        Ok(TaskList { tasks: self.inner.mirror().0.cards() })
    }

    /// All agents, by name.
    pub async fn list_agents(&self, _: Nothing) -> Result<AgentList, ApiError> {
        let known = self.engine().files().known();
        let mut agents: Vec<_> = known.agents.values().cloned().collect();
        agents.sort_by(|a, b| a.agent.name.cmp(&b.agent.name));
        Ok(AgentList { agents })
    }

    /// A task with its body.
    pub async fn read_task(&self, input: OneTask) -> Result<TaskDetail, ApiError> {
        let (row, body) = self.engine().files().read_task(input.task.clone()).await?;
        let sessions = self.engine().sessions_of(&input.task, 50).await?;
        let check = check(&body);
        let card = self.inner.mirror().0.card(&input.task);
        let card = card.unwrap_or_else(|| nox_domain::words::card(&row, sessions.first(), None, 0));
        Ok(TaskDetail {
            card,
            body,
            sessions: sessions.iter().filter(|row| !row.deleted).map(view).collect(),
            blocks: check.blocks,
            block_problem: check.problem,
            file: self.engine().files().root().join(&row.path).display().to_string(),
        })
    }

    /// A page of a conversation.
    pub async fn read_items(&self, input: ReadItems) -> Result<ItemsPage, ApiError> {
        let limit = input.limit.clamp(1, MAX_ITEMS);
        let items = self.engine().items(&input.session, input.before, limit).await?;
        let more = items.first().is_some_and(|item| item.ord > 0);
        Ok(ItemsPage { items, more })
    }

    /// What can be done with a session while it runs: what its program offers, and the prompts that wait.
    pub async fn read_controls(&self, input: OneSession) -> Result<ControlsRow, ApiError> {
        Ok(self.engine().controls(&input.session).await?)
    }

    /// A page of an item's output.
    pub async fn read_output(&self, input: ReadOutput) -> Result<OutputPage, ApiError> {
        let item = self.engine().item(&input.item).await?;
        if item.session != input.session {
            return Err(ApiError::new(ErrorCode::NotFound, "this item belongs to another session"));
        }
        let over = match &item.body {
            ItemBody::ToolCall { ended_at, .. } => ended_at.is_some(),
            ItemBody::Writing { .. } => false,
            _ => true,
        };
        let from = input.from.map(|from| from.0);
        let page = self.engine().spool().read(input.session, input.item, from).await?;
        Ok(output::page(page, over))
    }

    /// All of an image that a session shows.
    pub async fn read_image(&self, input: ReadImage) -> Result<ImageBytes, ApiError> {
        let (image, bytes) =
            self.engine().read_image(&input.session, input.item.as_ref(), &input.sha256).await?;
        Ok(ImageBytes { kind: image.kind, base64: BASE64_STANDARD.encode(bytes) })
    }

    /// What a text would run.
    pub async fn check_runbook(&self, input: CheckRunbook) -> Result<RunbookCheck, ApiError> {
        Ok(check(&input.body))
    }

    /// The policy and where it stands.
    pub async fn read_policy(&self, _: Nothing) -> Result<PolicyView, ApiError> {
        Ok(PolicyView {
            policy: (*self.engine().policy()).clone(),
            file: self.engine().files().root().join("policy.toml").display().to_string(),
            problem: self.engine().files().known().problems.get("policy.toml").cloned(),
        })
    }

    /// What a rule would have done.
    pub async fn preview_rule(&self, input: PreviewRule) -> Result<RulePreview, ApiError> {
        let row = self.engine().request(&input.request).await?;
        let rule = input.rule.unwrap_or_else(|| narrowest(&row));
        let past = self.engine().newest_requests(PREVIEW_LOOKS).await?;
        let concerned = |other: &RequestRow| {
            let agent = match &rule.scope {
                RuleScope::Agent { agent } => *agent == other.agent,
                RuleScope::Everyone => true,
            };
            agent
                && other.request.id != row.request.id
                && other.request.call.kind == row.request.call.kind
                && other.state != RequestState::Open
        };
        let mut matched: Vec<RequestRow> =
            past.into_iter().filter(|other| concerned(other) && matches_call(other, &rule.matcher)).collect();
        let matched_count = matched.len() as u32;
        // Newest first as they come; what was refused stands above.
        matched.sort_by_key(|other| {
            !matches!(other.state, RequestState::Answered { decision: Decision::Deny, .. })
        });
        matched.truncate(PREVIEW_SHOWS);
        let note = match &rule.matcher {
            Matcher::Exact(_) => Some("exact_text"),
            Matcher::Any => Some("everything_of_this_kind"),
            Matcher::Prefix(words) => match simple_command(&row.request.call.text) {
                Some(all) if all.len() > words.len() => Some("shorter_prefix"),
                _ => None,
            },
        };
        Ok(RulePreview {
            matches_request: matches_call(&row, &rule.matcher),
            rule,
            matched,
            matched_count,
            note: note.map(str::to_owned),
        })
    }
}

fn check(body: &str) -> RunbookCheck {
    match runbook::parse(body) {
        Ok(blocks) => RunbookCheck {
            blocks: blocks
                .into_iter()
                .map(|block| BlockView {
                    index: block.index,
                    title: block.title,
                    shell: block.shell.to_owned(),
                    text: block.text,
                    line: block.line,
                })
                .collect(),
            problem: None,
        },
        Err(error) => {
            let (line, message) = error.place();
            RunbookCheck { blocks: vec![], problem: Some(BlockProblem { line, message }) }
        }
    }
}
