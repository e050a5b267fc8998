//! What can carry an agent on this computer, looked for when somebody asks and never before; and trials of agents.
//!
//! A look starts each program once, for its version, in a folder of its own and with the short environment; it asks model
//! servers on loopback for their models, and nobody else for anything. What it found is kept until somebody wants it
//! anew; whoever asks meanwhile waits for the look that runs.

mod built_in;
mod places;
mod servers;
mod signed;
#[cfg(test)]
mod tests;
mod trial;
mod version;

pub use trial::Trial;

use crate::{Engine, Error, clock};
use nox_domain::{
    agent::{Agent, Program},
    discovery::{AgentOffer, Discovered, FoundProgram, SignIn},
};
use nox_process::ShimPath;
use nox_runtimes::{Known, known};
use places::Surroundings;
use std::{path::Path, sync::Arc};
use tokio::{
    sync::{Mutex, Semaphore},
    task::{JoinSet, spawn_blocking},
};
use trial::Trials;
use version::Said;

/// Programs that are asked at the same time: some of them are large.
const AT_ONCE: usize = 4;

/// What was found, and the trials that run.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    /// Held while somebody looks.
    found: Mutex<Option<Arc<Discovered>>>,
    trials: Trials,
}

impl Engine {
    /// What can carry an agent here: as the last look found it, or looked for anew.
    pub async fn discover(&self, again: bool) -> Arc<Discovered> {
        let mut found = self.inner.programs.found.lock().await;
        if let Some(known) = found.as_ref().filter(|_| !again) {
            return known.clone();
        }
        let looked = Arc::new(look(&Surroundings::here().await, self.shim()).await);
        *found = Some(looked.clone());
        looked
    }
}

/// Looks at everything at the same time.
async fn look(around: &Surroundings, shim: &ShimPath) -> Discovered {
    let at = clock::now();
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut looks = JoinSet::new();
    for (place, known) in known().iter().enumerate() {
        let (around, shim, room) = (around.clone(), shim.clone(), room.clone());
        looks.spawn(async move { (place, look_at(known, &around, &shim, &room).await) });
    }
    let servers = servers::look(&around.servers).await;
    let mut programs: Vec<_> = looks.join_all().await;
    programs.sort_by_key(|(place, _)| *place);
    Discovered { at, programs: programs.into_iter().map(|(_, found)| found).collect(), servers }
}

async fn look_at(known: &Known, around: &Surroundings, shim: &ShimPath, room: &Semaphore) -> FoundProgram {
    // Folders may lie on a disk that answers late.
    let (looked, wanted) = (around.clone(), *known);
    let look = move || (looked.find(wanted.command), signed::of(&wanted, &looked));
    let (place, sign_in) = spawn_blocking(look).await.unwrap_or((None, SignIn::Unknown));
    let said = match &place {
        Some(place) => {
            let _room = room.acquire().await;
            Some(version::ask(&place.path, known.quiet, around, shim).await)
        }
        None => None,
    };
    let version = said.as_ref().and_then(|said| said.version().map(str::to_owned));
    let is_tested = version.as_deref().map(|version| known.is_tested(version));
    let program = Program {
        preset: known.preset.map(str::to_owned),
        // The usual name, wherever that leads after its next update; unless only its path leads there.
        command: place.as_ref().filter(|place| !place.by_name).map(|place| shown(&place.path)),
        pass_environment: match &sign_in {
            SignIn::Variable { name } => vec![name.clone()],
            _ => vec![],
        },
        ..Program::default()
    };
    FoundProgram {
        id: known.id.to_owned(),
        title: known.title.to_owned(),
        path: place.as_ref().map(|place| shown(&place.path)),
        warning: warning(known, said.as_ref()),
        next: next(known, place.is_some(), &sign_in),
        install: known.install(),
        version,
        tested: known.tested_in_words().to_owned(),
        is_tested,
        sign_in,
        agent: AgentOffer {
            name: known.title.to_owned(),
            description: known.description.to_owned(),
            runtime: known.runtime,
            program,
        },
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What is to be minded about the version that it told, or did not.
fn warning(known: &Known, said: Option<&Said>) -> Option<String> {
    let tested = known.tested_in_words();
    match said? {
        Said::Version(version) if known.is_tested(version) => None,
        Said::Version(_) if tested.is_empty() => Some(format!(
            "Nox was not tested with all that {} does. It may work: test its agent before you rely on it.",
            known.title
        )),
        Said::Version(version) => Some(format!(
            "Nox was tested with version {tested}, and this is {version}. It may work: test its agent before you rely on it."
        )),
        Said::Nothing { why } => Some(format!(
            "It did not say its version: {why}. Try “{} --version” in a terminal.",
            known.command
        )),
    }
}

/// What to do before it can be used.
fn next(known: &Known, is_here: bool, sign_in: &SignIn) -> Option<String> {
    if !is_here {
        return Some(format!("Install it with “{}”, then look again.", known.install()));
    }
    let sign_in_by = known.sign_in;
    match sign_in {
        SignIn::SignedIn => None,
        SignIn::Variable { name } => {
            Some(format!("Its agent gets {name} from the environment that Nox was started in."))
        }
        SignIn::NotFound => Some(format!(
            "Run “{sign_in_by}” in a terminal and sign in, or store a key in Settings → API keys and choose it in the agent."
        )),
        SignIn::Unknown => Some(format!(
            "Whether it is signed in does not show from outside. If it is not, run “{sign_in_by}” in a terminal."
        )),
    }
}

/// Whether an agent says what its file may say, by field.
///
/// # Errors
/// The field that is wrong, and what to write.
pub fn check_agent(agent: &Agent) -> Result<(), Error> {
    nox_registry::create_agent(agent).map(|_| ()).map_err(|problem| crate::files::in_form(&problem))
}
