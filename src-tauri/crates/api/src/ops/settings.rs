//! Operations on settings, projects and keys, and undo.

use super::tasks::bad;
use crate::{Api, ApiError, dto::*};
use nox_engine::Error;

impl Api {
    /// Grants a folder as a project.
    pub async fn grant_project(&self, caller: &Caller, input: GrantProject) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().grant_project(std::path::Path::new(&input.path), cause).await?;
            Ok(())
        })
        .await
    }

    /// Takes a grant back; the folder itself is not touched.
    pub async fn forget_project(&self, caller: &Caller, input: OneProject) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().forget_project(&input.project, cause).await?;
            Ok(())
        })
        .await
    }

    /// Puts a key into the keychain.
    pub async fn put_key(&self, caller: &Caller, input: PutKey) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().keys().put(&input.name, input.value.clone()).await?;
            self.engine().note_key(&input.name, true, cause).await?;
            Ok(())
        })
        .await
    }

    /// Deletes a key from the keychain.
    pub async fn delete_key(&self, caller: &Caller, input: OneKey) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if !self.engine().local().keys().iter().any(|(name, _)| *name == input.name) {
                return Err(Error::NotFound { what: "key", id: input.name.clone() });
            }
            self.engine().keys().delete(&input.name).await?;
            self.engine().note_key(&input.name, false, cause).await?;
            Ok(())
        })
        .await
    }

    /// Changes settings.
    pub async fn change_settings(
        &self,
        caller: &Caller,
        input: ChangeSettings,
    ) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            self.engine().change_settings(&input.clone().into(), cause).await?;
            Ok(())
        })
        .await
    }

    /// Takes a command back, if it can be.
    pub async fn undo(&self, caller: &Caller, input: Undo) -> Result<Recorded, ApiError> {
        self.once(caller, async |cause| {
            if input.of == Some(UndoOf::Agents) && !self.engine().undoes_agents(&input.command).await? {
                return Err(bad(
                    "command",
                    &format!("{} was no change of an agent, and nothing was taken back", input.command),
                    "Name the change of an agent. Take other changes back in the window.",
                ));
            }
            self.engine().undo(&input.command, cause).await?;
            Ok(())
        })
        .await
    }

    /// The keychain and the names of the keys in it.
    pub async fn list_keys(&self, _: Nothing) -> Result<KeysView, ApiError> {
        let keychain = self.engine().keys().status().await;
        let keys = self.engine().local().keys();
        Ok(KeysView {
            available: keychain.problem.is_none(),
            keychain: keychain.backend,
            problem: keychain.problem,
            keys: keys.into_iter().map(|(name, stored_at)| KeyView { name, stored_at }).collect(),
        })
    }

    /// Whether a key is there and can be read.
    pub async fn test_key(&self, input: OneKey) -> Result<KeyTest, ApiError> {
        match self.engine().keys().test(&input.name).await {
            Ok(true) => Ok(KeyTest { readable: true, problem: None }),
            Ok(false) => Ok(KeyTest {
                readable: false,
                problem: Some("The keychain does not have it. Store it again.".into()),
            }),
            Err(error) => {
                let hint = error.hint().unwrap_or_default();
                Ok(KeyTest { readable: false, problem: Some(format!("{error}. {hint}").trim().to_owned()) })
            }
        }
    }
}
