//! Scenarios about what a person does with a session that stands: other modes and models, words into a turn, a fork.

use crate::{
    bench::{Bench, Scene},
    programs::Lack,
};
use nox_api::{
    domain::{
        rows::SessionState,
        tool::{CallStatus, Decision},
        transcript::{Offer, Offers},
    },
    dto::{ForkSession, OneSession, SetSessionMode, SetSessionModel, SteerSession},
};
use nox_test_support::{caller, model::Reply};

impl Scene {
    /// Says something into the turn that runs.
    pub(crate) async fn steer(&self, text: &str) {
        let input = SteerSession { session: self.session.clone(), text: text.into() };
        self.world.api().steer_session(&caller(), input).await.unwrap();
    }

    /// Waits until the program's offers are as they should be.
    pub(crate) async fn until_offers(&self, what: &str, like: impl Fn(&Offers) -> bool) -> Offers {
        let one = || OneSession { session: self.session.clone() };
        let look = async || self.world.api().read_controls(one()).await.unwrap().offers;
        nox_test_support::poll(what, async || Some(look().await).filter(|offers| like(offers))).await
    }
}

/// The model is asked with what was said into the turn, before the turn is over.
pub(crate) async fn steer(bench: Bench) {
    let mut scene = bench.begin_wanting("echo one >> made.txt", "Done.").await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.until_offers("that it can be spoken to", |offers| offers.steers).await;
    scene.steer("And be quick about it.").await;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.until_said("Done.").await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    let asked = scene.asked();
    let told = asked.last().unwrap().body.to_string();
    let requests = if scene.has(Lack::AtOnce) { 2 } else { 3 };
    assert!(asked.len() == requests && told.contains("And be quick about it."), "{} {told}", asked.len());
    assert_eq!(scene.notes().await, Vec::<String>::new());
    scene.close().await;
}

/// What is chosen is so from then on: the model server is asked for another model, and every call is still asked.
pub(crate) async fn mode_and_model(bench: Bench) {
    let command = if bench.program.has(Lack::Writes) { "touch made.txt" } else { "ls" };
    let replies = [Reply::text("One."), bench.program.wants_shell(command), Reply::text("Two.")];
    let mut scene = bench.begin(replies).await;
    assert_eq!(scene.idle().await, None);
    let session = scene.session.clone();
    let offers =
        scene.until_offers("modes or models", |offers| offers.modes.len().max(offers.models.len()) > 1).await;
    let other = |all: &[Offer], now: &Option<String>| {
        all.iter().map(|offer| offer.id.clone()).rfind(|id| Some(id) != now.as_ref() && id != "default")
    };
    let (mode, model) = (other(&offers.modes, &offers.mode), other(&offers.models, &offers.model));
    if let Some(mode) = &mode {
        let input = SetSessionMode { session: session.clone(), mode: mode.clone() };
        scene.world.api().set_session_mode(&caller(), input).await.unwrap();
        scene.until_offers("the other mode", |offers| offers.mode.as_ref() == Some(mode)).await;
    }
    if let Some(model) = &model {
        let input = SetSessionModel { session: session.clone(), model: model.clone() };
        scene.world.api().set_session_model(&caller(), input).await.unwrap();
        scene.until_offers("the other model", |offers| offers.model.as_ref() == Some(model)).await;
    }
    scene.prompt("Go on.").await;
    let request = scene.world.until_asked(&session).await.request;
    assert!(!scene.folder.join("made.txt").exists(), "it is not asked in the mode {mode:?}");
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.until_said("Two.").await;
    assert_eq!(scene.idle().await, None);
    let asked = scene.asked();
    let (first, last) = (&asked[0].model, &asked.last().unwrap().model);
    assert!(model.is_none() || first != last, "{model:?} was chosen, and {last} is asked as before");
    scene.close().await;
}

/// A copy goes on with all that was said; the session that was copied does not hear of it.
pub(crate) async fn fork(bench: Bench) {
    let replies =
        [Reply::text("The first answer."), Reply::text("From the copy."), Reply::text("From the first.")];
    let mut scene = bench.begin(replies).await;
    assert_eq!(scene.idle().await, None);
    scene.until_offers("that it can be copied", |offers| offers.forks).await;
    let first = scene.session.clone();
    let input = ForkSession { session: first.clone(), text: "Go another way.".into() };
    let copy = scene.world.api().fork_session(&caller(), input).await.unwrap().session.unwrap();
    scene.session = copy.clone();
    scene.until_said("From the copy.").await;
    assert_eq!(scene.idle().await, None);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(
        told.contains("The first answer.") && told.contains("Go another way."),
        "it knows nothing: {told}"
    );
    scene.session = first.clone();
    scene.prompt("And here?").await;
    scene.until_said("From the first.").await;
    scene.world.until_state("the end of the turn", &first, SessionState::awaits_prompt).await;
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("The first answer.") && !told.contains("Go another way."), "{told}");
    scene.close().await;
}
