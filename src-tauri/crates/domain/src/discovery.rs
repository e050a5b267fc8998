//! What on this computer can carry an agent: programs and model servers, as a look found them, and what a trial of an
//! agent showed. The engine looks and tries; faces only show these.

use crate::{
    At, Size,
    agent::{Program, Runtime},
    event::Problem,
    transcript::{Offers, Usage},
};
use serde::{Deserialize, Serialize};

/// What one look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct Discovered {
    /// When it was looked.
    pub at: At,
    /// Every program that Nox knows, in the order in which it recommends them; also those that are not here.
    pub programs: Vec<FoundProgram>,
    /// Model servers that answer on this computer.
    pub servers: Vec<FoundServer>,
}

/// A program that can carry an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct FoundProgram {
    /// The word that Nox has for it.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Where it is; none when it is not here.
    pub path: Option<String>,
    /// What it says of itself.
    pub version: Option<String>,
    /// The versions that Nox was tested with, as people write them.
    pub tested: String,
    /// Whether its version is one of them; none when it has not told one.
    pub is_tested: Option<bool>,
    /// Whether somebody is signed in, as far as that shows without asking it.
    pub sign_in: SignIn,
    /// What is to be minded about it.
    pub warning: Option<String>,
    /// What is typed to install it.
    pub install: String,
    /// What to do before it can be used, or better.
    pub next: Option<String>,
    /// The agent that it would carry.
    pub agent: AgentOffer,
}

/// Whether somebody is signed in to a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum SignIn {
    /// Its own file of credentials is there. Whether they still hold is not known.
    SignedIn,
    /// A variable of the environment holds a key.
    Variable {
        /// Its name.
        name: String,
    },
    /// There is neither.
    NotFound,
    /// It may keep them where nobody can look.
    Unknown,
}

/// A model server that answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct FoundServer {
    /// The word that Nox has for its kind.
    pub id: String,
    /// Its name for people.
    pub title: String,
    /// Where it is.
    pub address: String,
    /// The models that it offers, by its names for them.
    pub models: Vec<String>,
    /// What to do before it can be used.
    pub next: Option<String>,
    /// The agent that it would carry, but for the model.
    pub agent: AgentOffer,
}

/// An agent that can be made with one click.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, specta::Type)]
pub struct AgentOffer {
    /// What people would call it.
    pub name: String,
    /// One line about what it is for.
    pub description: String,
    /// What carries it.
    pub runtime: Runtime,
    /// How that is started.
    pub program: Program,
}

/// What a trial of an agent showed.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, specta::Type)]
#[serde(default)]
pub struct Tried {
    /// Milliseconds until it stood; none when it never did.
    pub ready_ms: Option<u32>,
    /// The version of its program.
    pub version: Option<String>,
    /// Memory of all its processes when it stood, in bytes; none when it has none of its own, or it cannot be measured.
    pub memory_bytes: Option<Size>,
    /// Its processes when it stood.
    pub processes: u32,
    /// What it offers.
    pub offers: Option<Offers>,
    /// What it answered, when it was asked something.
    pub answer: Option<String>,
    /// Whether it stands without its model, and that was not asked: nothing is known of address, key and model.
    pub model_unasked: bool,
    /// What the answer used.
    pub usage: Option<Usage>,
    /// What else it noted, for people.
    pub notes: Vec<String>,
    /// Why it did not stand, or did not answer.
    pub problem: Option<Problem>,
}

impl Tried {
    /// Whether it does what was tried.
    pub fn is_good(&self) -> bool {
        self.ready_ms.is_some() && self.problem.is_none()
    }
}
