//! Going on with sessions that stand still, and commands for all of them at once.

use crate::{
    Engine, Error,
    engine::check_enabled,
    ledger::{Cause, Change},
};
use nox_domain::{
    ids::SessionId,
    image::Image,
    life::PauseWhy,
    rows::SessionRow,
    session::{Rejection, SessionCommand},
};

/// What is wanted of every session that is not over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Everyone {
    /// End.
    Stop,
    /// Go no further than the next safe point.
    Pause,
    /// Go on, those that were paused with the others.
    Continue,
}

impl Engine {
    /// Goes on with a session that is paused or over or whose run was lost; resolves when that is on disk.
    pub async fn continue_session(&self, session: &SessionId, cause: Cause) -> Result<i64, Error> {
        self.go_on(session, SessionCommand::Continue, cause).await
    }

    /// Asks an agent something further, and shows it these images; resolves when that is on disk.
    pub async fn prompt_session(
        &self,
        session: &SessionId,
        text: String,
        images: Vec<Image>,
        cause: Cause,
    ) -> Result<i64, Error> {
        let images = self.images_of_prompt(images).await?;
        self.go_on(session, SessionCommand::Prompt { text, images }, cause).await
    }

    /// Says something into the turn that runs, or asks it when its turn has come; resolves when that is on disk.
    pub async fn steer_session(&self, session: &SessionId, text: String, cause: Cause) -> Result<i64, Error> {
        self.go_on(session, SessionCommand::Steer { text }, cause).await
    }

    async fn go_on(&self, session: &SessionId, command: SessionCommand, cause: Cause) -> Result<i64, Error> {
        let row = self.session(session).await?;
        let _claim = row.task.as_ref().map(|task| self.claim(task)).transpose()?;
        if row.deleted {
            return Err(Rejection::Hidden.into());
        }
        if let Some(task) = &row.task
            && let Some(live) = self.live_session(task).await?.filter(|live| live.id != row.id)
        {
            return Err(Error::Conflict {
                message: format!("the task is being worked on already, by {}", live.agent_name),
                hint: "Stop that session first.".into(),
            });
        }
        if let Some(agent) = self.files().known().agents.get(&row.agent) {
            check_enabled(&agent.agent)?;
        }
        Ok(self.sessions().command(session, command, cause).await?.seq)
    }

    /// Hands a command to every session for which it means something; resolves when all of that is on disk.
    pub async fn everyone(&self, want: Everyone, cause: Cause) -> Result<(), Error> {
        let (open, _) = self.open_work().await?;
        for row in open.iter().filter(|row| concerns(want, row)) {
            let command = match want {
                Everyone::Stop => SessionCommand::Stop,
                Everyone::Pause => SessionCommand::Pause { why: PauseWhy::Everything },
                Everyone::Continue => SessionCommand::Continue,
            };
            let quiet = Cause { actor: cause.actor, command: None };
            match self.sessions().command(&row.id, command, quiet).await {
                Ok(_) | Err(Error::Rejected(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let change = Change { receipt: Some((serde_json::json!({}), None)), ..Change::default() };
        self.ledger().commit(&cause, crate::clock::now(), change).await?;
        Ok(())
    }
}

fn concerns(want: Everyone, row: &SessionRow) -> bool {
    match want {
        Everyone::Stop => !row.state.awaits_prompt(),
        Everyone::Pause => !row.state.awaits_prompt() && row.paused.is_none(),
        Everyone::Continue => row.paused == Some(PauseWhy::Everything),
    }
}
