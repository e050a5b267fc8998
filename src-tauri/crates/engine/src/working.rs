//! Where a session works.

use crate::{Engine, Error};
use nox_domain::{agent::Agent, rows::TaskRow};
use std::path::PathBuf;

impl Engine {
    /// Where a session works: as whoever starts it says, else in the task's project, else in the agent's folder, else in one of
    /// the task's own.
    pub(crate) async fn folder_for(
        &self,
        row: &TaskRow,
        wanted: Option<PathBuf>,
        agent: &Agent,
    ) -> Result<PathBuf, Error> {
        let mut scratch = false;
        let folder = match (wanted, &row.project) {
            (Some(folder), _) => folder,
            (None, Some(project)) => self.local().project(project).ok_or_else(|| Error::Conflict {
                message: format!("the project {project} is not known on this computer"),
                hint: "Add its folder in Settings, or choose another project for the task.".into(),
            })?,
            (None, None) if !agent.folder.is_empty() => whole(&agent.folder)?,
            (None, None) => {
                scratch = true;
                self.home().scratch().join(row.id.as_str())
            }
        };
        // A folder on a network may answer late.
        let looked = folder.clone();
        let look = move || {
            if scratch {
                std::fs::create_dir_all(&looked).map_err(|source| Error::home(&looked, source))?;
            }
            Ok::<_, Error>(looked.is_dir())
        };
        if !tokio::task::spawn_blocking(look).await.map_err(|_| Error::Closing)?? {
            return Err(Error::Conflict {
                message: format!("the folder {} is not there", folder.display()),
                hint: "Make it, or choose another project for the task or another folder for the agent."
                    .into(),
            });
        }
        Ok(folder)
    }
}

/// The folder that an agent names, from the user's home on where it says so.
fn whole(folder: &str) -> Result<PathBuf, Error> {
    let Some(below_home) = folder.strip_prefix('~') else { return Ok(PathBuf::from(folder)) };
    let home = std::env::home_dir().filter(|home| home.is_absolute()).ok_or_else(|| Error::Conflict {
        message: format!("nobody knows where {folder} is: this user has no home"),
        hint: "Write the agent's folder from the root on.".into(),
    })?;
    Ok(home.join(below_home.trim_start_matches('/')))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_counts_from_the_root_or_from_home() {
        let home = std::env::home_dir().unwrap();
        assert_eq!(whole("/srv/notes").unwrap(), PathBuf::from("/srv/notes"));
        assert_eq!(whole("~/notes").unwrap(), home.join("notes"));
        assert_eq!(whole("~").unwrap(), home);
    }
}
