//! How its program works, as far as a person can turn it: what they chose, what was told of it, and what holds for later runs.
//!
//! A run answers wishes in their order. One that it has not answered when its turn is over is given up: what was told since is
//! how it is. Its answer may come yet, and is not taken for that to a newer wish.

use super::{Effect, Now, Rejection, Session, Step};
use crate::{
    agent::Program,
    event::Event,
    ids::ItemId,
    transcript::{Dial, Offers},
};
use serde::{Deserialize, Serialize};

/// What a person can turn while its program works.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "StoredDials")]
pub struct Dials {
    /// How freely it works.
    pub mode: Knob,
    /// Which model it asks.
    pub model: Knob,
}

/// One of [`Dials`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Knob {
    /// What a person chose; none where they chose nothing.
    pub chosen: Option<String>,
    /// Whether the newest run has taken that up. Until it has, what its program tells is what it began with.
    pub taken: bool,
    /// Whether the newest wish is for a run to come: there was none that could be told.
    pub later: bool,
    /// Wishes that the run was told in this turn and has not answered. Until it has, the newest wish is shown: what is told
    /// meanwhile may be older.
    pub waits: u32,
    /// Wishes that it was told before those and has not answered either.
    pub given_up: u32,
    /// What was told last.
    pub told: Option<String>,
    /// Whether that was told since the newest wish.
    pub heard: bool,
}

impl Knob {
    fn is_answered(&self) -> bool {
        self.waits == 0 && self.given_up == 0
    }
}

impl Dials {
    /// One of them.
    pub fn of(&self, dial: Dial) -> &Knob {
        match dial {
            Dial::Mode => &self.mode,
            Dial::Model => &self.model,
        }
    }

    fn of_mut(&mut self, dial: Dial) -> &mut Knob {
        match dial {
            Dial::Mode => &mut self.mode,
            Dial::Model => &mut self.model,
        }
    }
}

impl Session {
    /// The program as the next run begins with it: as the agent says, with what a person chose since.
    pub fn program(&self) -> Program {
        let mut program = self.opened.program.clone();
        let Dials { mode, model } = &self.talk.dials;
        program.mode = mode.chosen.clone().or(program.mode);
        program.model = model.chosen.clone().or(program.model);
        program
    }

    /// Whether a person has chosen how its program works.
    pub(super) fn is_dialled(&self) -> bool {
        Dial::ALL.into_iter().any(|dial| self.talk.dials.of(dial).chosen.is_some())
    }

    /// What the program offers is told once, and again when it differs.
    pub(super) fn offers(&self, offers: Offers, step: &mut Step) {
        let offers = offers.capped();
        let is_known =
            Dial::ALL.into_iter().all(|dial| self.talk.dials.of(dial).told == *offers.present(dial));
        if !is_known || self.talk.offers.as_ref() != Some(&offers) {
            step.events.push(Event::OffersTold { offers: Box::new(offers) });
        }
    }

    /// Changes how the program works: at once when a run stands, and in later runs.
    pub(super) fn switch(
        &self,
        dial: Dial,
        to: &str,
        via: &str,
        now: &mut Now<'_>,
    ) -> Result<Step, Rejection> {
        if self.closed.is_some() {
            return Err(Rejection::Over);
        }
        if self.stopping {
            return Err(Rejection::AlreadyStopping);
        }
        let offers = self.talk.offers.as_ref();
        let list = offers.map(|offers| match dial {
            Dial::Mode => &offers.modes,
            Dial::Model => &offers.models,
        });
        let found = list.into_iter().flatten().find(|offer| offer.id == to);
        let Some(offer) = found else { return Err(Rejection::NotOffered(to.to_owned())) };
        let mut step = Step::default();
        step.events.push(Event::Switched {
            item: ItemId::fresh(now.ids),
            dial,
            to: to.to_owned(),
            name: offer.name.clone(),
            via: via.to_owned(),
        });
        if self.tells_switches() {
            step.effects.push(Effect::Switch { dial, to: to.to_owned() });
        }
        Ok(step)
    }

    /// The run has answered a wish, may be late. Without one that is open there was another run meanwhile.
    pub(super) fn settle_switch(&self, dial: Dial, step: &mut Step) {
        if !self.talk.dials.of(dial).is_answered() {
            step.events.push(Event::SwitchSettled { dial });
        }
    }

    /// What the program says of itself is newer than what a person chose: it may have gone on to another. But what it
    /// begins with says nothing about a choice that it has not taken up yet, and what it says before it has answered a
    /// choice says nothing about that.
    pub(super) fn apply_offers(&mut self, offers: &Offers) {
        self.talk.offers = Some(offers.clone());
        for dial in Dial::ALL {
            let knob = self.talk.dials.of_mut(dial);
            knob.told.clone_from(offers.present(dial));
            knob.heard |= knob.told.is_some();
            self.heed(dial);
        }
    }

    /// Shows what was told last, or what is wished for until that has its answer.
    fn heed(&mut self, dial: Dial) {
        let shown = self.talk.offers.get_or_insert_default().present_mut(dial);
        let knob = self.talk.dials.of_mut(dial);
        if knob.waits > 0 {
            shown.clone_from(&knob.chosen);
            return;
        }
        if knob.told.is_none() {
            return;
        }
        shown.clone_from(&knob.told);
        if knob.chosen.is_some() {
            knob.taken |= knob.chosen == knob.told;
            if knob.taken {
                knob.chosen.clone_from(&knob.told);
            }
        }
    }

    /// A run begins with what its program does by itself, and has heard no wish.
    pub(super) fn begin_dials(&mut self) {
        for dial in Dial::ALL {
            let knob = self.talk.dials.of_mut(dial);
            (knob.taken, knob.later, knob.heard) = (false, false, false);
            (knob.waits, knob.given_up) = (0, 0);
            // Whether it takes up what was chosen is to be heard.
            if knob.chosen.is_some() {
                knob.told = None;
            }
        }
    }

    pub(super) fn apply_switched(&mut self, dial: Dial, to: &str) {
        let is_told = self.tells_switches();
        let to = Some(to.to_owned());
        let knob = self.talk.dials.of_mut(dial);
        (knob.taken, knob.later, knob.heard) = (false, !is_told, false);
        knob.waits = knob.waits.saturating_add(u32::from(is_told));
        knob.chosen.clone_from(&to);
        *self.talk.offers.get_or_insert_default().present_mut(dial) = to;
        self.next_ord += 1;
    }

    pub(super) fn apply_switch_settled(&mut self, dial: Dial) {
        let knob = self.talk.dials.of_mut(dial);
        let oldest = if knob.given_up > 0 { &mut knob.given_up } else { &mut knob.waits };
        *oldest = oldest.saturating_sub(1);
        // It did what was wished for last, or refused: what it tells is how it is.
        knob.taken |= knob.is_answered() && !knob.later;
        self.heed(dial);
    }

    /// A turn or a run is over in which wishes were not answered. What was told since a wish is how it is. A wish of which
    /// nothing was heard holds for the next run, and of one that stands is shown what it told before.
    pub(super) fn end_wishes(&mut self) {
        let stands = self.has_live_run();
        for dial in Dial::ALL {
            let knob = self.talk.dials.of_mut(dial);
            let waited = std::mem::take(&mut knob.waits);
            // A run that is over answers nothing more.
            knob.given_up = if stands { knob.given_up.saturating_add(waited) } else { 0 };
            if waited == 0 {
                continue;
            }
            knob.taken = knob.heard && !knob.later;
            if stands || knob.heard {
                self.heed(dial);
            }
        }
    }

    /// Whether a run is there that is told of a change.
    fn tells_switches(&self) -> bool {
        self.has_live_run() && !self.is_ending()
    }
}

/// [`Dials`] as they are stored, and as an earlier Nox stored them.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredDials {
    Now { mode: Knob, model: Knob },
    Flat(FlatDials),
}

/// Both dials side by side.
#[derive(Default, Deserialize)]
#[serde(default)]
struct FlatDials {
    mode: Option<String>,
    model: Option<String>,
    mode_taken: bool,
    model_taken: bool,
    mode_waits: u32,
    model_waits: u32,
    mode_told: Option<String>,
    model_told: Option<String>,
    mode_heard: bool,
    model_heard: bool,
}

impl From<StoredDials> for Dials {
    fn from(stored: StoredDials) -> Self {
        match stored {
            StoredDials::Now { mode, model } => Self { mode, model },
            StoredDials::Flat(flat) => Self {
                mode: Knob {
                    chosen: flat.mode,
                    taken: flat.mode_taken,
                    later: false,
                    waits: flat.mode_waits,
                    given_up: 0,
                    told: flat.mode_told,
                    heard: flat.mode_heard,
                },
                model: Knob {
                    chosen: flat.model,
                    taken: flat.model_taken,
                    later: false,
                    waits: flat.model_waits,
                    given_up: 0,
                    told: flat.model_told,
                    heard: flat.model_heard,
                },
            },
        }
    }
}
