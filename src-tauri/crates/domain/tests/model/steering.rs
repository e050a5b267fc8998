//! The reference model of what is said into a turn: who hears it, and what is asked next when nobody did.

use super::reference::{Ask, Ending, Fx, Reference, Refused, Run};

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
    /// A run has ended: what it had not heard waits for its turn, as far as there is room for it.
    pub(crate) fn ask_unheard(&mut self, ending: &Ending) {
        let waiting = self.asks.iter().filter(|(_, ask)| *ask == Ask::Waits).count();
        for text in std::mem::take(&mut self.unheard) {
            if !ending.limit && waiting < 32 {
                self.asks.push((text, Ask::Waits));
            }
        }
    }
}
