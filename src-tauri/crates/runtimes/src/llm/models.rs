//! The models of a run's server: what can be chosen, and which of them take images.

use super::{history::History, wire::Wire};
use crate::{models::Model, prices::Prices};
use nox_domain::transcript::{Offer, Offers};
use std::{collections::HashMap, time::Duration};
use tokio::{task::JoinHandle, time::Instant};

/// How long it is waited for the list before something is offered without it.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server told.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Learned {
    /// Its models, if it told any.
    pub(super) listed: Option<Vec<Model>>,
    /// The model of which it told what it is able to, and whether it takes images.
    pub(super) images: Option<(String, bool)>,
}

/// What is known of them.
#[derive(Debug)]
pub(super) struct Models {
    provider: &'static str,
    /// The model that the agent has chosen.
    own: String,
    /// None while the server has told nothing.
    listed: Option<Vec<Model>>,
    /// What the server told about images, by the models' names.
    images: HashMap<String, bool>,
    /// It is being asked.
    asking: Option<JoinHandle<Learned>>,
    /// When something is offered without its answer.
    late_at: Option<Instant>,
    /// People were told that a model is shown no images.
    is_told: bool,
}

impl Drop for Models {
    fn drop(&mut self) {
        self.hush();
    }
}

impl Models {
    /// Before the server has told anything.
    pub(super) fn of(provider: &'static str, own: &str) -> Self {
        let (listed, images, asking, late_at) = (None, HashMap::new(), None, None);
        Self { provider, own: own.to_owned(), listed, images, asking, late_at, is_told: false }
    }

    /// Asks the server, beside everything else, with what it can about this model.
    pub(super) fn learn(&mut self, wire: &Wire, model: &str) {
        self.hush();
        let (wire, model) = (wire.clone(), model.to_owned());
        self.asking = Some(tokio::spawn(async move { wire.learn(&model).await }));
        self.late_at = Some(Instant::now() + PATIENCE);
    }

    fn hush(&mut self) {
        if let Some(asking) = self.asking.take() {
            asking.abort();
        }
    }

    /// Whether its answer is still waited for.
    pub(super) fn is_awaited(&self) -> bool {
        self.asking.is_some() && self.late_at.is_some()
    }

    /// What the server tells when it does; none, once, when it takes its time.
    pub(super) async fn learned(&mut self) -> Option<Learned> {
        let late_at = self.late_at;
        let late = async {
            match late_at {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let told = async {
            match &mut self.asking {
                Some(asking) => asking.await.unwrap_or_default(),
                None => std::future::pending().await,
            }
        };
        let learned = tokio::select! {
            told = told => Some(told),
            () = late => None,
        };
        self.late_at = None;
        if learned.is_some() {
            self.asking = None;
        }
        learned
    }

    /// Takes in what the server told. What it told before holds when it tells nothing now.
    pub(super) fn take(&mut self, learned: Learned) {
        if let Some(listed) = learned.listed.filter(|listed| !listed.is_empty()) {
            let told = |model: &Model| Some((model.id.clone(), model.takes_images?));
            self.images = listed.iter().filter_map(told).collect();
            self.listed = Some(listed);
        }
        self.images.extend(learned.images);
    }

    /// All that is offered while this model is asked.
    pub(super) fn offered(&self, asked: &str, prices: &Prices) -> Offers {
        Offers {
            model: Some(asked.to_owned()),
            models: self.offers(asked, prices),
            steers: true,
            forks: true,
            images: Some(self.takes_images(asked, prices) != Some(false)),
            ..Offers::default()
        }
    }

    /// What can be chosen: the agent's own model and the one that is asked, and those that the server has; while it has told
    /// none, those that are known of its kind.
    fn offers(&self, asked: &str, prices: &Prices) -> Vec<Offer> {
        let plain = |id: &str| Offer { id: id.to_owned(), name: id.to_owned(), ..Offer::default() };
        let mut offers = vec![plain(&self.own)];
        let more: Vec<Offer> = match &self.listed {
            Some(listed) => listed
                .iter()
                .map(|model| Offer {
                    name: model.name.clone().unwrap_or_else(|| model.id.clone()),
                    ..plain(&model.id)
                })
                .collect(),
            None => prices.models_of(self.provider).map(plain).collect(),
        };
        for offer in std::iter::once(plain(asked)).chain(more) {
            match offers.iter_mut().find(|known| known.id == offer.id) {
                // The server has a name for it.
                Some(known) => known.name = offer.name,
                None => offers.push(offer),
            }
        }
        offers
    }

    /// What people are told, once, when there is an image and nobody says that the model takes images.
    pub(super) fn unseen(&mut self, model: &str, prices: &Prices) -> Option<String> {
        let is_known = self.takes_images(model, prices).is_some();
        if is_known || self.is_awaited() || std::mem::replace(&mut self.is_told, true) {
            return None;
        }
        Some(format!(
            "It is not known whether the model {model} takes images, so it is not shown them. If it does, write it into \
             prices.toml in the home of Nox with images = true."
        ))
    }

    /// Whether the images of a conversation are shown to a model, and what people are told when those of the newest prompt are not.
    /// Where nobody knows, a person who shows one wants it to be seen; a server that refuses it is asked again without.
    pub(super) fn shows(&self, model: &str, prices: &Prices, history: &History) -> (bool, Option<String>) {
        let takes = self.takes_images(model, prices);
        let unseen = takes == Some(false) && history.was_just_shown();
        let text = format!("The model {model} takes no images, so it is not shown those of this message.");
        (takes.unwrap_or_else(|| history.has_images_of_a_person()), unseen.then_some(text))
    }

    /// Whether a model takes images: as the server says, else as the table does; none when neither knows.
    pub(super) fn takes_images(&self, model: &str, prices: &Prices) -> Option<bool> {
        self.images.get(model).copied().or_else(|| prices.takes_images(model))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::llm::{history::Line, image::Image};

    fn model(id: &str, name: Option<&str>, takes_images: Option<bool>) -> Model {
        Model { id: id.into(), name: name.map(str::to_owned), owner: None, takes_images }
    }

    fn listed(models: Vec<Model>) -> Learned {
        Learned { listed: Some(models), images: None }
    }

    fn ids(models: &Models, asked: &str) -> Vec<String> {
        models.offers(asked, &Prices::read(None).0).into_iter().map(|offer| offer.id).collect()
    }

    #[test]
    fn the_agents_own_model_can_always_be_chosen_and_a_list_takes_the_place_of_what_is_known() {
        let mut models = Models::of("openai", "mine");
        let known = ids(&models, "mine");
        assert!(known[0] == "mine" && known.contains(&"gpt-5".to_owned()), "{known:?}");
        models.take(listed(vec![model("mine", Some("My model"), None), model("new", None, None)]));
        assert_eq!(ids(&models, "gone"), ["mine", "gone", "new"]);
        let offers = models.offers("mine", &Prices::read(None).0);
        assert_eq!(offers[0].name, "My model");
        // A server that says nothing the next time has said enough.
        models.take(Learned::default());
        models.take(listed(vec![]));
        assert_eq!(ids(&models, "mine"), ["mine", "new"]);
    }

    #[test]
    fn what_a_server_says_about_images_counts_before_the_table() {
        let prices = Prices::read(None).0;
        let mut models = Models::of("openrouter", "gpt-4o");
        assert_eq!(["gpt-4o", "unknown"].map(|id| models.takes_images(id, &prices)), [Some(true), None]);
        assert_eq!(models.unseen("gpt-4o", &prices), None);
        // A person wants it to be seen; what is not known is tried, and what is known is said.
        let mut history = History::default();
        let images = vec![Image::of("a.png", &crate::testing::picture(1)).unwrap()];
        history.apply(&Line::Asked { text: "look".into(), turn: None, images });
        assert_eq!(models.shows("unknown", &prices, &history), (true, None));
        assert_eq!(models.shows("unknown", &prices, &History::default()), (false, None));
        models.take(Learned { listed: None, images: Some(("blind".into(), false)) });
        let (shows, said) = models.shows("blind", &prices, &history);
        assert!(!shows && said.unwrap().contains("The model blind takes no images"));
        let told = models.unseen("unknown", &prices).unwrap_or_default();
        assert!(
            told.contains("unknown takes images") && models.unseen("unknown", &prices).is_none(),
            "{told}"
        );
        let told = listed(vec![model("gpt-4o", None, Some(false)), model("b", None, Some(true))]);
        models.take(Learned { images: Some(("c".into(), true)), ..told });
        let takes = ["gpt-4o", "b", "c"].map(|id| models.takes_images(id, &prices));
        assert_eq!(takes, [Some(false), Some(true), Some(true)]);
    }
}
