//! Operations on sessions and their requests.

use super::tasks::bad;
use crate::{Api, ApiError, dto::*};
use nox_domain::{
    ids::SessionId,
    policy::{Effect, Matcher, Policy, Rule},
    rows::{RequestRow, RequestState, SessionState},
    session::{Rejection, SessionCommand},
    tool::{Decision, RuleScope, sha256_hex},
};
use nox_engine::{
    Error,
    files::Want,
    ledger::{Cause, Change},
};
use serde_json::json;

impl Api {
    /// Ends a session and everything it started.
    pub async fn stop_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Stop).await
    }

    /// Goes on after a failure, a stop or a lost run; what is done stays done.
    pub async fn continue_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        let row = self.engine().session(&input.session).await?;
        if let Some(task) = &row.task
            && let Some(live) = self.engine().live_session(task).await?.filter(|live| live.id != row.id)
        {
            return Err(Error::Conflict {
                message: format!("the task is being worked on already, by {}", live.agent_name),
                hint: "Stop that session first.".into(),
            }
            .into());
        }
        self.session_command(caller, input.session, SessionCommand::Continue).await
    }

    /// Hides a session that is over; undo brings it back.
    pub async fn delete_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Delete).await
    }

    /// Shows a hidden session again.
    pub async fn restore_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Restore).await
    }

    /// Decides after an unknown outcome.
    pub async fn resolve_unknown(
        &self,
        caller: &Caller,
        input: ResolveUnknown,
    ) -> Result<Recorded, ApiError> {
        let command = SessionCommand::Resolve { item: input.item, choice: input.choice };
        self.session_command(caller, input.session, command).await
    }

    /// Answers a request; "always" writes a rule first.
    pub async fn answer_request(&self, caller: &Caller, input: AnswerRequest) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let row = self.engine().request(&input.request).await?;
            if row.state != RequestState::Open {
                return Err(Error::Rejected(Rejection::RequestNotOpen));
            }
            if input.decision == Decision::AllowAlways {
                self.write_rule(&row, input.rule.clone(), &cause).await?;
            }
            let command = SessionCommand::Answer {
                request: input.request,
                decision: input.decision,
                reason: input.reason.filter(|reason| !reason.trim().is_empty()),
                via: caller.face.as_str().to_owned(),
            };
            self.engine().sessions().command(&row.session, command, cause).await?;
            Ok(())
        })
        .await
    }

    async fn write_rule(
        &self,
        row: &RequestRow,
        draft: Option<RuleDraft>,
        cause: &Cause,
    ) -> Result<(), Error> {
        let draft = draft.unwrap_or_else(|| narrowest(row));
        if !matches_call(row, &draft.matcher) {
            return Err(bad(
                "rule",
                "this rule would not match this request",
                "Widen it, or allow only this once.",
            ));
        }
        let policy = self.engine().policy();
        let agent = match &draft.scope {
            RuleScope::Agent { agent } => Some(agent.clone()),
            RuleScope::Everyone => None,
        };
        let same = policy.rules.iter().any(|rule| {
            rule.effect == Effect::Allow
                && rule.kind == row.request.call.kind
                && rule.matcher == draft.matcher
                && rule.agent == agent
        });
        if same {
            return Ok(());
        }
        let rule = Rule {
            id: rule_id(&policy, &draft, row),
            effect: Effect::Allow,
            kind: row.request.call.kind,
            matcher: draft.matcher,
            agent,
            note: format!("Allowed always in “{}”.", row.title.replace('\n', " ")),
        };
        let quiet = Cause { actor: cause.actor, command: None };
        self.engine().files().want(Want::AddRule { rule }, quiet, serde_json::Value::Null).await?;
        Ok(())
    }

    /// Ends all sessions that are not over.
    pub async fn stop_all(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let open: Vec<SessionId> = {
                let mirror = self.inner.mirror();
                mirror
                    .0
                    .sessions
                    .values()
                    .filter(|row| !row.state.is_closed())
                    .map(|row| row.id.clone())
                    .collect()
            };
            for session in &open {
                let quiet = Cause { actor: cause.actor, command: None };
                match self.engine().sessions().command(session, SessionCommand::Stop, quiet).await {
                    Ok(_) | Err(Error::Rejected(_)) => {}
                    Err(error) => return Err(error),
                }
            }
            let change = Change { receipt: Some((json!({}), None)), ..Change::default() };
            self.engine().ledger().commit(&cause, nox_engine::clock::now(), change).await?;
            Ok(())
        })
        .await
    }

    /// How many sessions work right now; those that wait for a person do not count.
    pub fn working_sessions(&self) -> u32 {
        let mirror = self.inner.mirror();
        let works = |state: &SessionState| !state.is_closed() && !state.needs_person();
        mirror.0.sessions.values().filter(|row| works(&row.state)).count() as u32
    }

    async fn session_command(
        &self,
        caller: &Caller,
        session: SessionId,
        command: SessionCommand,
    ) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().sessions().command(&session, command, cause).await?;
            Ok(())
        })
        .await
    }
}

/// The rule that "always" writes when the person changes nothing.
pub(super) fn narrowest(row: &RequestRow) -> RuleDraft {
    RuleDraft {
        matcher: Policy::always_matcher(&row.request.call),
        scope: RuleScope::Agent { agent: row.agent.clone() },
    }
}

/// Whether a matcher would match the call of a request.
pub(super) fn matches_call(row: &RequestRow, matcher: &Matcher) -> bool {
    let rule = Rule {
        id: "draft".into(),
        effect: Effect::Allow,
        kind: row.request.call.kind,
        matcher: matcher.clone(),
        agent: None,
        note: String::new(),
    };
    let policy = Policy { defaults: Default::default(), rules: vec![rule] };
    policy.judge(&row.agent, &row.request.call).effect == Effect::Allow
}

/// A name for a rule: its first words, made unique.
fn rule_id(policy: &Policy, draft: &RuleDraft, row: &RequestRow) -> String {
    let base = match &draft.matcher {
        Matcher::Prefix(words) => words.join("-"),
        Matcher::Exact(hash) => format!("exact-{}", hash.get(..8).unwrap_or(hash)),
        Matcher::Any => row.request.call.kind.as_str().to_owned(),
    };
    let slug = nox_domain::ids::AgentId::from_name(&format!("allow-{base}")).to_string();
    let slug: String = slug.chars().take(40).collect();
    let slug = slug.trim_matches('-').to_owned();
    if !policy.rules.iter().any(|rule| rule.id == slug) {
        return slug;
    }
    let suffix = sha256_hex(row.request.id.as_str().as_bytes());
    format!("{slug}-{}", &suffix[..6])
}
