//! Whether somebody is signed in to a program, as far as that shows without asking it: nothing is started, and no
//! credential is read.

use super::places::Surroundings;
use nox_domain::discovery::SignIn;
use nox_runtimes::Known;

/// A file of credentials that holds less is one of nobody: `{}`.
const LEAST_BYTES: u64 = 8;

/// What is known.
pub(super) fn of(known: &Known, around: &Surroundings) -> SignIn {
    let Some(home) = &around.home else { return SignIn::Unknown };
    let is_there = |file: &&str| {
        std::fs::metadata(home.join(file)).is_ok_and(|it| it.is_file() && it.len() >= LEAST_BYTES)
    };
    if known.credentials.iter().any(is_there) {
        return SignIn::SignedIn;
    }
    if let Some(name) = known.key_variables.iter().find(|name| around.set.contains(**name)) {
        return SignIn::Variable { name: (*name).to_owned() };
    }
    if known.uses_keychain { SignIn::Unknown } else { SignIn::NotFound }
}
