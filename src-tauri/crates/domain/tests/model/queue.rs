//! Prompts that wait for their turn, and what a person does with them.

use crate::{
    play::Play,
    reference::{Ask, Fx, Reference, Refused},
};
use nox_domain::session::SessionCommand;

impl Play {
    /// Changes a prompt that waits, or takes it back; or one that does not wait any more.
    pub(crate) fn tidies_the_queue(&mut self) {
        let waiting = self.session.next.len();
        let (turn, place) = if waiting == 0 || self.dice.one_in(6) {
            (self.session.turn.as_ref().expect("it has one").id.clone(), None)
        } else {
            let nth = self.dice.below(waiting as u64) as usize;
            (self.session.next[nth].id.clone(), Some(self.model.asks.len() - waiting + nth))
        };
        if self.dice.one_in(2) {
            self.prompts += 1;
            let text = format!("prompt {}", self.prompts);
            let fx = self.model.change_prompt(place, &text);
            self.command(SessionCommand::ChangePrompt { turn, text }, fx);
        } else {
            let taken = self.session.next.iter().find(|next| next.id == turn).cloned();
            let fx = self.model.withdraw_prompt(place);
            self.command(SessionCommand::WithdrawPrompt { turn }, fx);
            if let Some(taken) = taken.filter(|_| self.dice.one_in(3)) {
                // Its undo: as if it were asked now, whatever the program takes.
                let fx = self.model.prompt(&taken.text);
                let (text, images) = (taken.text, taken.images);
                self.command(SessionCommand::PutBackPrompt { text, images }, fx);
            }
        }
    }
}

impl Reference {
    /// A person asks, and may show something with it: a program that stands has to take that.
    pub(crate) fn shows(&mut self, text: &str, images: bool) -> Result<Vec<Fx>, Refused> {
        if images && self.blind && self.runs() {
            return Err(Refused);
        }
        self.prompt(text)
    }
    pub(crate) fn change_prompt(&mut self, place: Option<usize>, text: &str) -> Result<Vec<Fx>, Refused> {
        let place = place.filter(|_| !self.stopping).ok_or(Refused)?;
        self.asks[place].0 = text.into();
        Ok(vec![])
    }
    pub(crate) fn withdraw_prompt(&mut self, place: Option<usize>) -> Result<Vec<Fx>, Refused> {
        let place = place.filter(|_| !self.stopping).ok_or(Refused)?;
        assert_eq!(self.asks.remove(place).1, Ask::Waits);
        Ok(vec![])
    }
}
