//! Scenarios about what a person is asked besides calls: questions, and a plan.

use crate::{
    bench::{Bench, Scene},
    programs::Lack,
};
use nox_api::{
    domain::{
        answers::Answers,
        rows::RequestState,
        tool::{CallStatus, Decision, PermissionRequest},
    },
    dto::AnswerRequest,
};
use nox_test_support::{
    caller,
    model::{Reply, Script},
};

/// What the model asks a person is asked, with its options; the answer reaches the model, in own words and as it was chosen.
pub(crate) async fn question_answered(bench: Bench) {
    let (name, input) = (bench.program.ask.expect("a tool that asks a person"))();
    let mut scene = bench.begin([Reply::call(name, input), Reply::text("Thanks.")]).await;
    let session = scene.session.clone();
    let asked = scene.world.until_asked(&session).await.request;
    let offered = scene.asked()[0].body["tools"].to_string();
    assert!(offered.contains(&format!("\"{name}\"")), "its model is not offered that tool: {offered}");
    let [colour, parts] = &asked.call.questions[..] else { panic!("two questions: {:?}", asked.call) };
    assert_eq!((colour.text.as_str(), parts.text.as_str()), ("Which colour?", "Which parts?"));
    let options: Vec<_> = parts.options.iter().map(|each| each.label.clone()).collect();
    assert_eq!((options.join(" ").as_str(), colour.free), ("roof wall", true));
    let chosen = if parts.many { options } else { vec!["wall".to_owned()] };
    let answers = Answers::from([
        (colour.id.clone(), vec!["green as grass".to_owned()]),
        (parts.id.clone(), chosen.clone()),
    ]);
    let answer =
        AnswerRequest { request: asked.id, decision: Decision::AllowOnce, reason: None, answers, rule: None };
    scene.world.api().answer_request(&caller(), answer).await.unwrap();
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.statuses().await, [CallStatus::Succeeded]);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("green as grass"), "the model does not have the answer: {told}");
    // Once where it was asked, and again in the answer.
    let again = |label: &String| told.matches(label.as_str()).count() >= 2;
    assert!(chosen.iter().all(again), "the model does not know what was chosen: {told}");
    assert_eq!(scene.said().await, ["Thanks."]);
    scene.close().await;
}

/// A plan is shown as text; what a person says against it reaches the model, and so does that it may begin.
pub(crate) async fn plan_judged(bench: Bench) {
    let plan = bench.program.plan.as_ref().expect("a way to show a plan");
    let mut scene = bench
        .begin_with([Reply::text("What for?")], |agent, _| agent.program.mode = Some(plan.mode.into()))
        .await;
    assert_eq!(scene.idle().await, None);
    let told = scene.asked()[0].body.to_string();
    let shows = |text: &str| (plan.calls)(&told, text);
    let calls = [shows("First the roof."), shows("First the wall.")].into_iter().flatten();
    scene.server.set(Script::of(
        calls.map(|(name, input)| Reply::call(name, input)).chain([Reply::text("I begin.")]),
    ));
    scene.prompt("For a house.").await;
    let first = scene.until_plan().await;
    assert_eq!((first.call.text.as_str(), first.call.prose), ("First the roof.", true));
    let reason = "the wall comes first, says a person";
    let answer = AnswerRequest {
        request: first.id,
        decision: Decision::Deny,
        reason: Some(reason.to_owned()),
        answers: Answers::default(),
        rule: None,
    };
    scene.world.api().answer_request(&caller(), answer).await.unwrap();
    if !plan.goes_on {
        assert_eq!(scene.idle().await, None);
        scene.prompt("The wall comes first.").await;
    }
    let second = scene.until_plan().await;
    assert_eq!(second.call.text, "First the wall.");
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(!scene.has(Lack::Reason) || told.contains(reason), "the model does not know why: {told}");
    scene.world.answer(&second.id, Decision::AllowOnce).await.unwrap();
    assert_eq!(scene.idle().await, None);
    let judged = scene.calls().await.into_iter().filter(|(call, _)| call.prose);
    let judged: Vec<_> = judged.map(|(_, status)| status).collect();
    assert_eq!(judged, [CallStatus::Denied, CallStatus::Succeeded]);
    let told = scene.asked().last().unwrap().body.to_string();
    assert!(told.contains("approved"), "the model does not know that it may begin: {told}");
    assert_eq!(scene.said().await.last().map(String::as_str), Some("I begin."));
    scene.close().await;
}

impl Scene {
    /// Waits until a plan is shown; what is asked on the way is allowed.
    async fn until_plan(&mut self) -> PermissionRequest {
        loop {
            let next = self.world.until("a request", |all| {
                let mut open = all.requests.iter().filter(|row| row.state == RequestState::Open);
                open.next().map(|row| row.request.clone())
            });
            let next = next.await;
            if next.call.prose {
                return next;
            }
            self.world.answer(&next.id, Decision::AllowOnce).await.unwrap();
        }
    }
}
