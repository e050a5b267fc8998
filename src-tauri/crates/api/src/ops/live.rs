//! Operations on a session while it works: steering, the prompts that wait, modes and models, forks.

use crate::{Api, ApiError, dto::*};
use nox_domain::{event::Dial, session::SessionCommand};
use nox_engine::drops::first_rank;

impl Api {
    /// Says something into the turn that runs. Where that cannot be, the text waits for its turn.
    pub async fn steer_session(&self, caller: &Caller, input: SteerSession) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().steer_session(&input.session, input.text, cause).await?;
            Ok(())
        })
        .await
    }

    /// Writes a prompt that waits for its turn anew.
    pub async fn change_prompt(&self, caller: &Caller, input: ChangePrompt) -> Result<Recorded, ApiError> {
        let command = SessionCommand::ChangePrompt { turn: input.turn, text: input.text };
        self.session_command(caller, input.session, command).await
    }

    /// Takes a prompt that waits for its turn back.
    pub async fn withdraw_prompt(
        &self,
        caller: &Caller,
        input: WithdrawPrompt,
    ) -> Result<Recorded, ApiError> {
        let command = SessionCommand::WithdrawPrompt { turn: input.turn };
        self.session_command(caller, input.session, command).await
    }

    /// Changes how freely the program works, now and in later runs of the session.
    pub async fn set_session_mode(
        &self,
        caller: &Caller,
        input: SetSessionMode,
    ) -> Result<Recorded, ApiError> {
        let via = caller.face.as_str().to_owned();
        let command = SessionCommand::Switch { dial: Dial::Mode, to: input.mode, via };
        self.session_command(caller, input.session, command).await
    }

    /// Changes the model that the program asks, now and in later runs of the session.
    pub async fn set_session_model(
        &self,
        caller: &Caller,
        input: SetSessionModel,
    ) -> Result<Recorded, ApiError> {
        let via = caller.face.as_str().to_owned();
        let command = SessionCommand::Switch { dial: Dial::Model, to: input.model, via };
        self.session_command(caller, input.session, command).await
    }

    /// Goes on from a copy of a conversation, in a task and a session of their own.
    pub async fn fork_session(&self, caller: &Caller, input: ForkSession) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            let rank = first_rank(self.inner.mirror().0.tasks.values().map(|row| row.rank.clone()));
            let asked_from = caller.processes.clone();
            self.engine().fork_session(&input.session, input.text, rank, asked_from, cause).await?;
            Ok(())
        })
        .await
    }
}
