//! The reference model of what is said into a turn: who hears it, and what is asked next when nobody did.

use super::reference::{Ask, Fx, Reference, Refused, Run};
use nox_domain::event::TurnEnd;

impl Reference {
    pub(crate) fn steer(&mut self, text: &str) -> Result<Vec<Fx>, Refused> {
        let works = self.run == Run::Live && self.begun() && !self.ends_run() && !self.paused;
        if self.offers != Some(true) || !works {
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
        self.heard.push(text.clone());
        text
    }
    /// What a run is told of what was said into the turn that it takes up, and whether an earlier one took it in.
    pub(crate) fn words(&self) -> Vec<(String, bool)> {
        let heard = self.heard.iter().map(|text| (text.clone(), true));
        heard.chain(self.unheard.iter().map(|text| (text.clone(), false))).collect()
    }
    /// A turn is over, and with it what was said into it. What no run could hear waits for its turn, as far as there is room
    /// for it.
    pub(crate) fn words_end(&mut self, end: TurnEnd) {
        self.heard.clear();
        let asks = end == TurnEnd::Failed && self.run == Run::Starting;
        for text in std::mem::take(&mut self.unheard) {
            let waiting = self.asks.iter().filter(|(_, ask)| *ask == Ask::Waits).count();
            if asks && !self.stopping && waiting < 32 {
                self.asks.push((text, Ask::Waits));
            }
        }
    }
}
