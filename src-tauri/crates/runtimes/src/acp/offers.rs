//! What a program offers: modes, models, commands. They come as `modes` and `models`, as `configOptions`, or as both.

use super::quirks::Preset;
use nox_domain::{
    session::Signal,
    transcript::{Offer, Offers},
};
use serde_json::{Value, json};

/// Of each list so many are kept.
const MAX_OFFERS: usize = 500;

/// How something is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Way {
    /// It cannot be.
    #[default]
    None,
    /// By a method of its own.
    Method,
    /// As the value of this option.
    Option(String),
}

/// What is offered now.
pub(super) struct Known {
    preset: &'static Preset,
    offers: Offers,
    modes: Way,
    models: Way,
    told: Option<Offers>,
}

impl Known {
    pub(super) fn new(preset: &'static Preset) -> Self {
        Self { preset, offers: Offers::default(), modes: Way::None, models: Way::None, told: None }
    }

    /// Takes in what stands in an answer or an update, as far as anything does.
    pub(super) fn take(&mut self, value: &Value) {
        self.options(&value["configOptions"]);
        let modes = &value["modes"];
        if modes["availableModes"].is_array() {
            self.modes = Way::Method;
            self.offers.modes = offers(&modes["availableModes"], "id");
            self.offers.mode = words(&modes["currentModeId"]);
        }
        let models = &value["models"];
        if models["availableModels"].is_array() {
            self.models = Way::Method;
            self.offers.models = offers(&models["availableModels"], "modelId");
            self.offers.model = words(&models["currentModelId"]);
        }
        if let Some(mode) = words(&value["currentModeId"]) {
            self.offers.mode = Some(mode);
        }
        if value["availableCommands"].is_array() {
            self.offers.commands = offers(&value["availableCommands"], "name");
        }
        // One that would not ask before each call is none that Nox offers.
        let preset = self.preset;
        self.offers.modes.retain(|mode| preset.asks_in(&mode.id));
    }

    fn options(&mut self, options: &Value) {
        for option in options.as_array().into_iter().flatten() {
            let Some(id) = option["id"].as_str() else { continue };
            let category = option["category"].as_str().unwrap_or(id);
            let values = || {
                let values = option["options"].as_array().into_iter().flatten();
                // Values may stand in groups.
                let values = values.flat_map(|value| match value["options"].as_array() {
                    Some(group) => group.iter().collect(),
                    None => vec![value],
                });
                values.filter_map(|value| offer(value, "value")).take(MAX_OFFERS).collect::<Vec<_>>()
            };
            match category {
                "mode" => {
                    self.modes = Way::Option(id.to_owned());
                    self.offers.modes = values();
                    self.offers.mode = words(&option["currentValue"]);
                }
                "model" => {
                    self.models = Way::Option(id.to_owned());
                    self.offers.models = values();
                    self.offers.model = words(&option["currentValue"]);
                }
                _ => {}
            }
        }
    }

    pub(super) fn set_forks(&mut self, forks: bool) {
        self.offers.forks = forks;
    }

    pub(super) fn set_images(&mut self, images: bool) {
        self.offers.images = Some(images);
    }

    pub(super) fn takes_images(&self) -> bool {
        self.offers.images == Some(true)
    }

    pub(super) fn set_steers(&mut self, steers: bool) {
        self.offers.steers = steers;
    }

    pub(super) fn mode(&self) -> Option<&str> {
        self.offers.mode.as_deref()
    }

    pub(super) fn model(&self) -> Option<&str> {
        self.offers.model.as_deref()
    }

    /// What a model is called for people; its own name where it has none.
    pub(super) fn title_of<'a>(&'a self, model: &'a str) -> &'a str {
        let offer = self.offers.models.iter().find(|offer| offer.id == model);
        offer.map_or(model, |offer| offer.name.as_str())
    }

    /// It is so now.
    pub(super) fn mode_is(&mut self, mode: &str) {
        self.offers.mode = Some(mode.to_owned());
    }

    /// It is so now.
    pub(super) fn model_is(&mut self, model: &str) {
        self.offers.model = Some(model.to_owned());
    }

    /// The request that chooses a mode, if the program has such.
    pub(super) fn wants_mode(&self, mode: &str) -> Option<(&'static str, Value)> {
        request(&self.modes, ("session/set_mode", "modeId"), mode)
    }

    /// The request that chooses a model, if the program has such.
    pub(super) fn wants_model(&self, model: &str) -> Option<(&'static str, Value)> {
        request(&self.models, ("session/set_model", "modelId"), model)
    }

    /// All of it, if it is not what was told last.
    pub(super) fn changed(&mut self) -> Option<Signal> {
        if self.told.as_ref() == Some(&self.offers) {
            return None;
        }
        self.told = Some(self.offers.clone());
        Some(Signal::Offers(Box::new(self.offers.clone())))
    }
}

fn request(way: &Way, method: (&'static str, &str), value: &str) -> Option<(&'static str, Value)> {
    match way {
        Way::None => None,
        Way::Method => Some((method.0, json!({ method.1: value }))),
        Way::Option(id) => Some(("session/set_config_option", json!({ "configId": id, "value": value }))),
    }
}

fn offers(list: &Value, id: &str) -> Vec<Offer> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|value| offer(value, id)).take(MAX_OFFERS).collect()
}

fn offer(value: &Value, id: &str) -> Option<Offer> {
    let id = words(&value[id])?;
    let name = words(&value["name"]).unwrap_or_else(|| id.clone());
    Some(Offer { id, name, description: words(&value["description"]).unwrap_or_default() })
}

/// A short text of the program.
fn words(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(|text| super::faults::shown(crate::calls::cut(text, 300)))
}
