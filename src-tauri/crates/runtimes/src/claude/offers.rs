//! What Claude Code offers: modes, models, commands. It asks before each call in all of its modes.

use super::quirks::MODES;
use crate::{
    calls::cut,
    child::{Act, RAW_BYTES},
    faults::shown,
};
use nox_domain::{
    session::Signal,
    transcript::{Offer, Offers},
};
use serde_json::Value;

/// Of each list so many are kept.
const MAX_OFFERS: usize = 500;

/// What is offered now.
pub(super) struct Offered {
    offers: Offers,
    told: Option<Offers>,
}

impl Offered {
    /// Before the program has said anything: what it was started with.
    pub(super) fn new(model: Option<&str>) -> Self {
        let modes = MODES.iter().map(|(id, name, description)| Offer {
            id: (*id).to_owned(),
            name: (*name).to_owned(),
            description: (*description).to_owned(),
        });
        let model = model.unwrap_or("default").to_owned();
        let offers = Offers {
            modes: modes.collect(),
            model: Some(model),
            forks: true,
            images: Some(true),
            ..Offers::default()
        };
        Self { offers, told: None }
    }

    /// What its first answer lists.
    pub(super) fn take(&mut self, response: &Value, steers: bool) {
        self.offers.models = listed(&response["models"], "value", "displayName");
        self.commands_are(&response["commands"]);
        self.offers.steers = steers;
        self.mode_is(&response["current_permission_mode"]);
    }

    /// These are there now: those of a service come when it stands.
    pub(super) fn commands_are(&mut self, commands: &Value) {
        self.offers.commands = listed(commands, "name", "name");
        // What begins like this it keeps for itself.
        self.offers.commands.retain(|command| !command.id.starts_with('_'));
    }

    pub(super) fn has_mode(&self, mode: &str) -> bool {
        self.offers.has_mode(mode)
    }

    /// It is so now.
    pub(super) fn mode_is(&mut self, mode: &Value) {
        let Some(mode) = short(mode) else { return };
        if !self.offers.has_mode(&mode) {
            let offer = Offer { id: mode.clone(), name: mode.clone(), description: String::new() };
            self.offers.modes.push(offer);
        }
        self.offers.mode = Some(mode);
    }

    /// It is so now.
    pub(super) fn model_is(&mut self, model: &Value) {
        self.offers.model = short(model).or(self.offers.model.take());
    }

    /// Tells all of it, if it is not what was told last.
    pub(super) fn tell_changed(&mut self, out: &mut Vec<Act>) {
        if self.told.as_ref() != Some(&self.offers) {
            self.tell(out);
        }
    }

    /// Tells all of it.
    pub(super) fn tell(&mut self, out: &mut Vec<Act>) {
        self.told = Some(self.offers.clone());
        out.push(Act::Tell(Signal::Offers(Box::new(self.offers.clone()))));
    }
}

fn listed(list: &Value, id: &str, name: &str) -> Vec<Offer> {
    let list = list.as_array().into_iter().flatten().take(MAX_OFFERS);
    let offer = |value: &Value| {
        let id = short(&value[id])?;
        let name = short(&value[name]).unwrap_or_else(|| id.clone());
        Some(Offer { id, name, description: short(&value["description"]).unwrap_or_default() })
    };
    list.filter_map(offer).collect()
}

/// A short text of the program.
fn short(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.is_empty()).map(|text| shown(cut(text, RAW_BYTES)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_it_lists_is_offered_and_a_mode_of_its_own_is_shown() {
        let mut offered = Offered::new(None);
        offered.take(
            &json!({ "models": [{ "value": "opus", "displayName": "Opus" }, 7], "current_permission_mode": "auto",
                "commands": [{ "name": "compact", "description": "x\u{1b}[2J" }, { "name": "__own" }] }),
            true,
        );
        let Offers { modes, mode, models, model, commands, steers, forks, images } = offered.offers.clone();
        let ids = |offers: &[Offer]| offers.iter().map(|offer| offer.id.clone()).collect::<Vec<_>>();
        assert_eq!(
            (ids(&modes), mode.as_deref()),
            (vec!["default".into(), "plan".into(), "auto".into()], Some("auto"))
        );
        assert_eq!((ids(&models), model.as_deref()), (vec!["opus".into()], Some("default")));
        assert!(ids(&commands) == ["compact"] && !commands[0].description.contains('\u{1b}'));
        assert!(steers && forks && images == Some(true));
        let mut out = Vec::new();
        offered.tell_changed(&mut out);
        offered.tell_changed(&mut out);
        assert_eq!(out.len(), 1, "it is told when it is another");
    }
}
