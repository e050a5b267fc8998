//! What each form runs: portions of parts, each with its tries and its share of the seeds.

use crate::{args::Wanted, parts};
use futures::future::BoxFuture;
use nox_test_support::Tally;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The short or the whole suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Part of `npm test`: three minutes at most.
    Quick,
    /// Everything that the promises name, in resumable portions.
    Long,
}

impl Form {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Long => "long",
        }
    }

    pub(crate) fn is_long(self) -> bool {
        self == Self::Long
    }
}

/// One part of the suite.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    /// Tries of the quick form, all in one portion.
    pub(crate) quick: u32,
    /// Tries of the long form.
    pub(crate) long: u32,
    /// Tries of one portion of the long form.
    pub(crate) portion: u32,
    /// What one try of the long form is expected to take.
    pub(crate) try_ms: u64,
    pub(crate) run: fn(Context) -> BoxFuture<'static, Tally>,
}

/// What a part gets.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) form: Form,
    /// The first try draws from this seed, the next ones from the following, so that `--seed` with that of a failure
    /// and few tries repeats it.
    pub(crate) seed: u64,
    pub(crate) tries: u32,
    /// The number of its first try within the part, from 0.
    pub(crate) first: u32,
    /// A folder for homes, removed afterwards.
    pub(crate) homes: PathBuf,
}

/// Some tries of a part.
pub(crate) struct Portion {
    pub(crate) part: &'static Part,
    pub(crate) name: String,
    pub(crate) form: Form,
    first: u32,
    tries: u32,
}

impl Portion {
    /// All tries of a part at once.
    pub(crate) fn whole(part: &str, form: Form) -> Option<Self> {
        let part = parts::ALL.iter().find(|known| known.name == part)?;
        let tries = if form.is_long() { part.long } else { part.quick };
        Some(Self { part, name: part.name.to_owned(), form, first: 0, tries })
    }

    pub(crate) fn context(&self, seed: u64, homes: &Path) -> Context {
        Context {
            form: self.form,
            seed: seed + u64::from(self.first),
            tries: self.tries,
            first: self.first,
            homes: homes.to_owned(),
        }
    }

    /// How long it may be expected to take.
    pub(crate) fn expected(&self) -> Duration {
        Duration::from_millis(self.part.try_ms * u64::from(self.tries))
    }
}

/// Everything that is wanted, in order.
pub(crate) fn portions(wanted: &Wanted) -> Vec<Portion> {
    let form = wanted.form;
    let parts = parts::ALL.iter().filter(|part| wanted.part.is_none_or(|name| part.name == name));
    let mut portions = Vec::new();
    for part in parts {
        let all = wanted.tries.unwrap_or(if form.is_long() { part.long } else { part.quick });
        let step = if form.is_long() { part.portion } else { all };
        for begun in (0..all).step_by(step.max(1) as usize) {
            let (first, tries) = (wanted.skip + begun, step.min(all - begun));
            let name = match all > step {
                true => format!("{} {}-{}", part.name, first + 1, first + tries),
                false => part.name.to_owned(),
            };
            portions.push(Portion { part, name, form, first, tries });
        }
    }
    portions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(form: Form, tries: Option<u32>) -> Wanted {
        Wanted { form, part: Some("kills"), seed: None, tries, skip: 0, fresh: false }
    }

    #[test]
    fn portions_cover_every_try_once() {
        for tries in [None, Some(1), Some(777)] {
            let portions = portions(&wanted(Form::Long, tries));
            let sum: u32 = portions.iter().map(|portion| portion.tries).sum();
            assert_eq!(sum, tries.unwrap_or(1_000));
            assert!(portions.windows(2).all(|pair| pair[0].first + pair[0].tries == pair[1].first));
        }
        // What does not fit is one portion, which goes on in the background.
        let everything = Wanted { part: None, ..wanted(Form::Long, None) };
        for portion in super::portions(&everything) {
            let fits = portion.expected() <= crate::LONG_CALL;
            assert!(fits || portion.name == portion.part.name, "{}", portion.name);
        }
    }

    #[test]
    fn the_quick_form_kills_a_hundred_times_in_one_portion() {
        let portions = portions(&wanted(Form::Quick, None));
        assert_eq!(portions.iter().map(|portion| portion.tries).collect::<Vec<_>>(), [100]);
    }
}
