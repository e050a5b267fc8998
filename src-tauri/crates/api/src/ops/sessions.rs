//! Operations on sessions and their requests.

use super::tasks::bad;
use crate::{Api, ApiError, dto::*};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use nox_domain::{
    ids::SessionId,
    life::PauseWhy,
    policy::{Effect, Matcher, Policy, Rule},
    rows::{RequestRow, RequestState, SessionState},
    session::{Rejection, SessionCommand},
    tool::{Decision, RuleScope, sha256_hex},
};
use nox_engine::{Added, Error, files::Want, ledger::Cause, steering::Everyone};

impl Api {
    /// Ends a session and everything it started.
    pub async fn stop_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Stop).await
    }

    /// Goes on after a failure, a stop or a lost run; what is done stays done.
    pub async fn continue_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().continue_session(&input.session, cause).await?;
            Ok(())
        })
        .await
    }

    /// Ends the turn that runs; the session stands by.
    pub async fn interrupt_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Interrupt).await
    }

    /// Goes no further than the next safe point.
    pub async fn pause_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        let command = SessionCommand::Pause { why: PauseWhy::Person };
        self.session_command(caller, input.session, command).await
    }

    /// Asks the agent something further; while it works, the prompt waits for its turn.
    pub async fn prompt_session(&self, caller: &Caller, input: PromptSession) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().prompt_session(&input.session, input.text, input.images, cause).await?;
            Ok(())
        })
        .await
    }

    /// Keeps an image, so that a prompt or a task can name it. It stays also when nobody does.
    pub async fn add_image(&self, input: AddImage) -> Result<Image, ApiError> {
        let added = match input {
            AddImage::File { path } => Added::File(path.into()),
            AddImage::Bytes { name, base64 } => {
                let bytes = BASE64_STANDARD.decode(base64);
                let hint = "Add its file.";
                Added::Bytes(name, bytes.map_err(|_| bad("base64", "the image is not in base64", hint))?)
            }
        };
        Ok(self.engine().add_image(added).await?)
    }

    /// Waits on for a run of which nothing was heard.
    pub async fn wait_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Wait).await
    }

    /// Starts a run of which nothing was heard again; what it was doing is done again.
    pub async fn restart_session(&self, caller: &Caller, input: OneSession) -> Result<Recorded, ApiError> {
        self.session_command(caller, input.session, SessionCommand::Restart).await
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

    /// Answers a request; "always" writes a rule when the answer counts.
    pub async fn answer_request(&self, caller: &Caller, input: AnswerRequest) -> Result<Recorded, ApiError> {
        let always = input.decision == Decision::AllowAlways;
        // Held until the rule is written: the agent's next call must find it.
        let mut held = None;
        let recorded = self
            .once(caller, async |cause| {
                let row = self.engine().request(&input.request).await?;
                if row.state != RequestState::Open {
                    return Err(Error::Rejected(Rejection::RequestNotOpen));
                }
                if always && row.request.call.is_question() {
                    return Err(Error::Rejected(Rejection::OnlyOnce));
                }
                if always {
                    self.check_policy_file()?;
                    check_rule(&row, &input.rule.clone().unwrap_or_else(|| narrowest(&row)))?;
                }
                let command = SessionCommand::Answer {
                    request: input.request.clone(),
                    decision: input.decision,
                    reason: input.reason.clone().filter(|reason| !reason.trim().is_empty()),
                    answers: input.answers.clone(),
                    via: caller.face.as_str().to_owned(),
                };
                let sessions = self.engine().sessions();
                let (_, hold) = sessions.command_holding(&row.session, command, cause).await?;
                held = Some(hold);
                Ok(())
            })
            .await?;
        if always {
            // Also when the answer was there already: the rule may not have been written the first time.
            let row = self.engine().request(&input.request).await?;
            let counts = matches!(row.state, RequestState::Answered { decision: Decision::AllowAlways, .. });
            if counts && let Err(error) = self.write_rule(&row, input.rule, caller).await {
                let mut error = ApiError::from(error);
                error.message =
                    format!("it was allowed this once, but the rule was not written: {}", error.message);
                return Err(error);
            }
        }
        drop(held);
        Ok(recorded)
    }

    /// While `policy.toml` is broken no rule can be added to it.
    fn check_policy_file(&self) -> Result<(), Error> {
        let known = self.engine().files().known();
        let Some(problem) = known.problems.get("policy.toml") else { return Ok(()) };
        Err(Error::Conflict {
            message: format!("{} has an error in line {}: {}", problem.path, problem.line, problem.message),
            hint: format!("{} Until then no rule can be added; allow it once.", problem.hint),
        })
    }

    async fn write_rule(
        &self,
        row: &RequestRow,
        draft: Option<RuleDraft>,
        caller: &Caller,
    ) -> Result<(), Error> {
        let draft = draft.unwrap_or_else(|| narrowest(row));
        check_rule(row, &draft)?;
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
        let quiet = Cause { actor: caller.actor(), command: None };
        self.engine().files().want(Want::AddRule { rule }, quiet, serde_json::Value::Null).await?;
        Ok(())
    }

    /// Ends all sessions that are not over.
    pub async fn stop_all(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.everyone(caller, Everyone::Stop).await
    }

    /// Pauses everything that is under way.
    pub async fn pause_all(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.everyone(caller, Everyone::Pause).await
    }

    /// Goes on with what was paused together.
    pub async fn continue_all(&self, caller: &Caller, _: Nothing) -> Result<Recorded, ApiError> {
        self.everyone(caller, Everyone::Continue).await
    }

    async fn everyone(&self, caller: &Caller, want: Everyone) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| self.engine().everyone(want, cause).await).await
    }

    /// How many sessions work right now; those that wait for a person do not count.
    pub fn working_sessions(&self) -> u32 {
        let mirror = self.inner.mirror();
        let works =
            |state: &SessionState| !state.is_closed() && !state.needs_person() && !state.awaits_prompt();
        mirror.0.sessions.values().filter(|row| works(&row.state)).count() as u32
    }

    pub(super) async fn session_command(
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

fn check_rule(row: &RequestRow, draft: &RuleDraft) -> Result<(), Error> {
    if matches_call(row, &draft.matcher) {
        return Ok(());
    }
    Err(bad("rule", "this rule would not match this request", "Widen it, or allow only this once."))
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
