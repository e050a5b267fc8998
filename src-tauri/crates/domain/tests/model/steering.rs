//! The reference model of what is said into a turn: who hears it, and what is asked next when nobody did.

use super::reference::{Ask, Fx, Reference, Refused, Run};
use nox_domain::event::TurnEnd;

impl Reference {
    pub(crate) fn steer(&mut self, text: &str) -> Result<Vec<Fx>, Refused> {
        let works = self.run == Run::Live && self.begun() && !self.ends_run() && !self.paused;
        if self.offers != Some(true) || !works || self.unheard.len() > 31 {
            return self.prompt(text);
        }
        if self.deleted || self.stopping || !self.prompts {
            return Err(Refused);
        }
        self.silent = None;
        self.unheard.push(text.into());
        Ok(vec![Fx::Steer(text.into())])
    }
    /// The program takes the oldest in that it was told.
    pub(crate) fn took_in(&mut self) -> String {
        let text = self.unheard.remove(0);
        self.unheard_before = self.unheard_before.saturating_sub(1);
        self.heard.push(text.clone());
        text
    }
    /// What a run is told of what was said into the turn that it takes up, and whether an earlier one took it in.
    pub(crate) fn words(&self) -> Vec<(String, bool)> {
        let heard = self.heard.iter().map(|text| (text.clone(), true));
        heard.chain(self.unheard.iter().map(|text| (text.clone(), false))).collect()
    }
    /// A turn is over, and with it what was said into it. What a run that is over had not heard waits for its turn, as far as
    /// there is room for it, unless the present run was through with the turn.
    pub(crate) fn words_end(&mut self, end: TurnEnd) {
        let before = if self.runs() { self.unheard_before } else { self.unheard.len() };
        let unheard = std::mem::take(&mut self.unheard);
        self.forget_words();
        if end == TurnEnd::End || self.stopping {
            return;
        }
        for text in unheard.into_iter().take(before) {
            let waiting = self.asks.iter().filter(|(_, ask)| *ask == Ask::Waits).count();
            if waiting < 32 {
                self.asks.push((text, Ask::Waits));
            }
        }
    }
    pub(crate) fn forget_words(&mut self) {
        self.heard.clear();
        self.unheard.clear();
        self.unheard_before = 0;
    }
}
