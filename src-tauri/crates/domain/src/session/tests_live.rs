//! What a person does with a session that works: questions, the queue, images, forks, and waiting for the model server's limit.

#![allow(clippy::unwrap_used, clippy::panic)]

use super::{
    Effect, Rejection, Session, SessionCommand, Signal,
    tests::{Play, call},
};
use crate::{
    At, Size,
    agent::Runtime,
    answers::Answers,
    event::{Closed, Event, ForkOf, PreAllowed, Problem, RunEnd, TurnEnd},
    ids::{SessionId, TurnId},
    image::{Image, ImageKind, MAX_PROMPT_BYTES, MAX_PROMPT_IMAGES},
    life::{LIMIT_WAIT_MS, LifeRules},
    policy::{Effect as Verdict, Why},
    rows::{ControlsRow, ItemBody, Row, SessionState},
    tool::{CallEnd, Choice, Decision, Question, ToolCall},
    transcript::{AgentFault, FileDiff, Lines, Offer, Offers, Usage},
};
use uuid::Uuid;

pub(super) fn talking(pre_allowed: PreAllowed) -> Play {
    let mut play = Play::of(Runtime::Recorded, LifeRules::default(), pre_allowed);
    play.place();
    play.hear(Signal::Live);
    play.hear(Signal::Named("foreign".into()));
    play
}

pub(super) fn offers(steers: bool) -> Offers {
    let offer = |id: &str, name: &str| Offer { id: id.into(), name: name.into(), ..Offer::default() };
    Offers {
        modes: vec![offer("ask", "Ask first"), offer("plan", "Plan only")],
        mode: Some("ask".into()),
        models: vec![offer("small", "Small"), offer("large", "Large")],
        steers,
        ..Offers::default()
    }
}

pub(super) fn prompt(play: &mut Play, text: &str) {
    play.want(SessionCommand::Prompt { text: text.into(), images: vec![] }).unwrap();
}

pub(super) fn controls(play: &Play) -> Option<ControlsRow> {
    play.rows.iter().find_map(|row| match row {
        Row::Controls(row) => Some((**row).clone()),
        _ => None,
    })
}

pub(super) fn bodies(play: &Play) -> Vec<ItemBody> {
    play.rows
        .iter()
        .filter_map(|row| match row {
            Row::Item(item) => Some(item.body.clone()),
            _ => None,
        })
        .collect()
}

fn quiz() -> ToolCall {
    let option = |label: &str| Choice { label: label.into(), ..Choice::default() };
    let question = Question {
        id: "colour".into(),
        text: "Which colour?".into(),
        options: vec![option("red"), option("blue")],
        ..Question::default()
    };
    ToolCall { questions: vec![question], ..*call(1, "asks") }
}

fn answered(colour: &str) -> Answers {
    Answers::from([("colour".to_owned(), vec![colour.to_owned()])])
}

fn give(play: &mut Play, decision: Decision, answers: Answers) -> Result<(), Rejection> {
    let request = play.session.open_requests().next().unwrap().id.clone();
    play.want(SessionCommand::Answer { request, decision, reason: None, answers, via: "window".into() })
}

#[test]
fn a_question_is_answered_by_a_person_and_by_nothing_else() {
    let mut play = talking(PreAllowed::All);
    for default in play.policy.defaults.values_mut() {
        *default = Verdict::Allow;
    }
    play.hear(Signal::Proposed(Box::new(quiz())));
    let asked = play.session.open_requests().next().unwrap();
    assert_eq!(asked.why, Why::Question, "neither the rules nor --allow all answer it");
    let SessionState::NeedsApproval { text, question: true, .. } = play.session.state() else { panic!() };
    assert_eq!(text, "Which colour?");
    for (decision, answers) in [
        (Decision::AllowOnce, Answers::new()),
        (Decision::AllowOnce, answered("green")),
        (Decision::AllowSession, answered("red")),
        (Decision::AllowAlways, answered("red")),
        (Decision::Deny, answered("red")),
    ] {
        assert!(give(&mut play, decision, answers).is_err(), "{decision:?}");
    }
    give(&mut play, Decision::AllowOnce, answered("blue")).unwrap();
    let [Effect::Deliver { allowed: true, answers, .. }] = &play.effects[..] else { panic!() };
    assert_eq!(*answers, answered("blue"));
}

#[test]
fn an_answer_that_reached_nobody_is_told_when_the_same_is_asked_again() {
    let mut play = talking(PreAllowed::Nothing);
    play.hear(Signal::Proposed(Box::new(quiz())));
    play.crash();
    give(&mut play, Decision::AllowOnce, answered("red")).unwrap();
    play.place();
    play.hear(Signal::Live);
    let mut other = quiz();
    other.questions[0].options[0].label = "crimson".into();
    let before = play.session.clone();
    play.hear(Signal::Proposed(Box::new(other)));
    let told = play.effects.iter().any(|effect| matches!(effect, Effect::Deliver { .. }));
    assert!(!told, "what can be chosen is bound: {:?}", play.effects);
    let asked = play.session.open_requests().next().unwrap();
    assert_eq!(asked.why, Why::Question, "a person is asked the changed question");
    play.session = before;
    play.hear(Signal::Proposed(Box::new(quiz())));
    let [Effect::Deliver { answers, .. }] = &play.effects[..] else { panic!("{:?}", play.effects) };
    assert_eq!(*answers, answered("red"));
}

#[test]
fn what_is_no_question_takes_no_answers() {
    let mut play = talking(PreAllowed::Nothing);
    play.hear(Signal::Proposed(call(1, "make")));
    assert!(matches!(give(&mut play, Decision::AllowOnce, answered("red")), Err(Rejection::BadAnswers(_))));
    assert_eq!(give(&mut play, Decision::AllowSession, Answers::new()), Ok(()));
}

#[test]
fn lines_are_those_of_edits_that_were_done() {
    let mut play = talking(PreAllowed::All);
    let edit = |block: u32| {
        let diff =
            |added, removed| FileDiff { path: "a".into(), text: String::new(), added, removed, cut: false };
        Box::new(ToolCall {
            diff: vec![diff(3, 1), diff(u32::MAX, 0)],
            ..*call(block, &format!("edit {block}"))
        })
    };
    let ends = [CallEnd::Denied { reason: None }, CallEnd::Succeeded];
    assert_eq!(play.session.row().lines, None);
    for (block, end) in (1..).zip(ends) {
        let call = edit(block);
        let key = call.key.clone();
        play.hear(Signal::Proposed(call));
        play.hear(Signal::CallStarted { key: key.clone(), process: None });
        let is_done = end == CallEnd::Succeeded;
        play.hear(Signal::CallEnded { key, end, output: None });
        let lines = Lines { added: u32::MAX, removed: 1 };
        assert_eq!(play.session.row().lines, is_done.then_some(lines));
    }
}

/// What earlier versions wrote of a cost that nobody told was 0.
#[test]
fn a_cost_that_nobody_told_is_not_one_of_nothing() {
    let used = |cost: Option<u64>| {
        Signal::Used(Usage { model: "m".into(), cost_micro_usd: cost.map(Size), ..Usage::default() })
    };
    let mut play = talking(PreAllowed::Nothing);
    play.hear(used(None));
    assert_eq!(play.session.row().cost_micro_usd, None);
    assert_eq!(play.session.row().usage.unwrap().cost_micro_usd, None);
    play.hear(used(Some(0)));
    assert_eq!(play.session.row().cost_micro_usd, Some(Size(0)));
    play.hear(used(Some(7)));
    play.hear(used(None));
    assert_eq!(play.session.row().cost_micro_usd, Some(Size(7)));

    let old =
        r#"{"type":"usage_reported","model":"m","input_tokens":1,"output_tokens":2,"cost_micro_usd":0}"#;
    let mut play = talking(PreAllowed::Nothing);
    play.session.apply(&serde_json::from_str(old).unwrap(), play.at);
    assert_eq!(play.session.row().cost_micro_usd, None);
    assert_eq!(play.session.row().usage.unwrap().output_tokens, Size(2));
}

#[test]
fn prompts_that_wait_are_shown_beside_the_conversation_changed_and_taken_back() {
    let mut play = talking(PreAllowed::Nothing);
    prompt(&mut play, "one");
    prompt(&mut play, "two");
    assert!(bodies(&play).is_empty(), "it was not said to the agent yet");
    let waiting = controls(&play).unwrap().waiting;
    let (one, two) = (waiting[0].turn.clone(), waiting[1].turn.clone());
    play.want(SessionCommand::ChangePrompt { turn: two.clone(), text: "zwei".into() }).unwrap();
    play.want(SessionCommand::WithdrawPrompt { turn: one.clone() }).unwrap();
    let texts: Vec<_> = controls(&play).unwrap().waiting.into_iter().map(|prompt| prompt.text).collect();
    assert_eq!(texts, ["zwei"]);
    assert_eq!(play.want(SessionCommand::WithdrawPrompt { turn: one }), Err(Rejection::NotWaiting));
    let empty = SessionCommand::ChangePrompt { turn: two.clone(), text: String::new() };
    assert_eq!(play.want(empty), Err(Rejection::EmptyPrompt));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(play.prompts(), ["zwei"]);
    assert_eq!(bodies(&play), [ItemBody::Prompt { text: "zwei".into(), images: vec![] }], "now it is said");
    assert!(controls(&play).unwrap().waiting.is_empty());
    let late = SessionCommand::ChangePrompt { turn: two, text: "too late".into() };
    assert_eq!(play.want(late), Err(Rejection::NotWaiting));
    let unknown = TurnId::from_uuid(Uuid::from_u128(7));
    assert_eq!(play.want(SessionCommand::WithdrawPrompt { turn: unknown }), Err(Rejection::NotWaiting));
}

#[test]
fn images_go_with_their_prompt_wherever_it_goes() {
    let mut play = talking(PreAllowed::Nothing);
    let shown = |text: &str, images: &[&Image]| SessionCommand::Prompt {
        text: text.into(),
        images: images.iter().map(|image| (*image).clone()).collect(),
    };
    let (one, two) = (image("one.png", 1), image("two.png", 1));
    play.want(shown("", &[&one])).unwrap();
    play.want(shown("look", &[&two])).unwrap();
    let waiting = controls(&play).unwrap().waiting;
    assert_eq!((&waiting[0].images[..], &waiting[1].images[..]), (&[one.clone()][..], &[two.clone()][..]));
    // Other words, the same images; with an image no words are needed.
    let change =
        |text: &str| SessionCommand::ChangePrompt { turn: waiting[1].turn.clone(), text: text.into() };
    play.want(change("")).unwrap();
    play.want(change("look again")).unwrap();
    assert_eq!(controls(&play).unwrap().waiting[1].images, std::slice::from_ref(&two));
    // A crash of Nox loses none: the waiting ones are in the state, and the state in the facts.
    play.crash();
    play.place();
    let asked = |play: &Play| {
        let asked = play.effects.iter().rev().find_map(|effect| match effect {
            Effect::Prompt(asked) | Effect::StartRun { prompt: Some(asked), .. } => Some(asked.clone()),
            _ => None,
        });
        asked.map(|asked| (asked.text, asked.images)).unwrap()
    };
    assert_eq!(asked(&play), ("text".into(), vec![]), "what was under way is asked again first");
    play.hear(Signal::Live);
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(asked(&play), (String::new(), vec![one.clone()]));
    assert!(bodies(&play).contains(&ItemBody::Prompt { text: String::new(), images: vec![one] }));
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(asked(&play), ("look again".into(), vec![two.clone()]));
    // What failed is asked again as it was.
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: None });
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(asked(&play), ("look again".into(), vec![two]));
}

#[test]
fn images_are_refused_where_the_program_takes_none_and_where_they_are_too_many() {
    let mut play = talking(PreAllowed::Nothing);
    let shown = |images: Vec<Image>| SessionCommand::Prompt { text: "look".into(), images };
    let many = vec![image("a.png", 1); MAX_PROMPT_IMAGES + 1];
    assert_eq!(play.want(shown(many)), Err(Rejection::TooManyImages));
    let large = vec![image("a.png", MAX_PROMPT_BYTES / 2 + 1); 2];
    assert_eq!(play.want(shown(large)), Err(Rejection::TooManyImages));
    let one = || vec![image("a.png", 1)];
    assert!(play.want(shown(one())).is_ok(), "nobody has said that it takes none");
    play.hear(Signal::Offers(Box::new(Offers { images: Some(false), ..offers(false) })));
    assert_eq!(play.want(shown(one())), Err(Rejection::TakesNoImages));
    assert!(play.want(shown(vec![])).is_ok());
    // What was taken before and withdrawn waits again as it was.
    let turn = controls(&play).unwrap().waiting[0].turn.clone();
    play.want(SessionCommand::WithdrawPrompt { turn }).unwrap();
    let back = SessionCommand::PutBackPrompt { text: "look".into(), images: one() };
    assert!(play.want(back).is_ok());
    let waiting = controls(&play).unwrap().waiting;
    let last = waiting.last().unwrap();
    assert_eq!((last.text.as_str(), &last.images), ("look", &one()));
    // A run that is to come has said nothing yet.
    play.hear(Signal::RunEnded { how: RunEnd::Exit, detail: None });
    assert!(play.want(shown(one())).is_ok());
}

fn image(name: &str, bytes: u64) -> Image {
    Image {
        sha256: "0".repeat(64),
        kind: ImageKind::Png,
        size_bytes: Size(bytes),
        width: 1,
        height: 1,
        name: name.into(),
    }
}

#[test]
fn a_fork_goes_on_from_a_copy_until_it_has_a_name_of_its_own() {
    let mut play = Play::of(Runtime::Recorded, LifeRules::default(), PreAllowed::Nothing);
    let session = SessionId::from_uuid(Uuid::from_u128(77));
    play.session.opened.fork =
        Some(ForkOf { session: session.clone(), title: "first".into(), foreign: "theirs".into() });
    assert_eq!(play.session.row().fork_of, Some(session));
    let start = |play: &Play| match &play.effects[..] {
        [Effect::StartRun { resume, fork, .. }] => (resume.clone(), *fork),
        other => panic!("{other:?}"),
    };
    play.place();
    assert_eq!(start(&play), (Some("theirs".into()), true));
    play.hear(Signal::Live);
    play.hear(Signal::Named("mine".into()));
    play.crash();
    play.place();
    assert_eq!(start(&play), (Some("mine".into()), false));
}

fn limit(until: i64) -> Option<Problem> {
    let (fault, message) = (AgentFault::RateLimit, "too much".to_owned());
    Some(Problem::Agent { fault, message, until: Some(At(until)) })
}

fn meets(play: &mut Play, until: i64) {
    play.hear(Signal::TurnEnded { end: TurnEnd::Failed, problem: limit(until) });
}

fn due(play: &mut Play, at: i64) {
    play.at = At(at);
    let step = play.session.limit_due(At(at));
    play.take(step);
}

#[test]
fn a_turn_that_met_the_limit_waits_and_is_asked_again_before_what_waits_behind_it() {
    let mut play = talking(PreAllowed::Nothing);
    prompt(&mut play, "behind");
    meets(&mut play, 60_000);
    let SessionState::RateLimited { until: At(60_000), .. } = play.session.state() else { panic!() };
    assert!(!play.effects.iter().any(|effect| matches!(effect, Effect::Settled(_))), "it has not failed");
    due(&mut play, 59_999);
    assert!(play.effects.is_empty());
    due(&mut play, 60_000);
    assert_eq!(play.prompts(), ["text"]);
    assert_eq!(play.session.state(), SessionState::Running { doing: None });
    play.hear(Signal::TurnEnded { end: TurnEnd::End, problem: None });
    assert_eq!(play.prompts(), ["behind"]);
}

#[test]
fn a_wait_for_the_limit_outlives_its_run_and_the_engine() {
    let mut play = talking(PreAllowed::Nothing);
    meets(&mut play, 60_000);
    assert!(play.session.can_hibernate(), "it holds no place while it waits");
    play.crash();
    assert!(play.effects.is_empty() && play.session.is_limited());
    due(&mut play, 70_000);
    assert_eq!(play.effects, [Effect::WantPlace]);
    play.place();
    let [Effect::StartRun { prompt, resume, .. }] = &play.effects[..] else { panic!("{:?}", play.effects) };
    assert_eq!(
        (prompt.as_ref().map(|prompt| prompt.text.as_str()), resume.as_deref()),
        (Some("text"), Some("foreign"))
    );
    let stored: Session = serde_json::from_str(&serde_json::to_string(&play.session).unwrap()).unwrap();
    assert_eq!(stored, play.session);
}

#[test]
fn a_person_goes_on_at_once_or_does_not_wait() {
    let mut play = talking(PreAllowed::Nothing);
    meets(&mut play, 60_000);
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.prompts(), ["text"]);
    meets(&mut play, 60_000);
    play.want(SessionCommand::Interrupt).unwrap();
    assert_eq!(play.effects, [Effect::Settled(Closed::Failed)]);
    assert_eq!(play.session.state(), SessionState::Idle { problem: limit(60_000) });
    play.want(SessionCommand::Continue).unwrap();
    assert_eq!(play.prompts(), ["text"], "the same is asked again");
}

#[test]
fn nobody_waits_for_ever_and_no_server_is_asked_without_a_pause() {
    let mut play = talking(PreAllowed::Nothing);
    meets(&mut play, 0);
    let Some(At(first)) = play.session.limited_until() else { panic!() };
    assert!(first >= play.at.0 + 1_000);
    due(&mut play, first);
    meets(&mut play, 0);
    let Some(At(second)) = play.session.limited_until() else { panic!() };
    assert!(second >= play.at.0 + 2_000);
    due(&mut play, second);
    meets(&mut play, LIMIT_WAIT_MS * 2);
    assert!(matches!(play.session.state(), SessionState::Idle { problem: Some(_) }), "too long");

    let life = LifeRules { wait_for_limit: false, ..LifeRules::default() };
    let mut play = Play::of(Runtime::Recorded, life, PreAllowed::Nothing);
    play.place();
    play.hear(Signal::Live);
    meets(&mut play, 60_000);
    assert!(matches!(play.session.state(), SessionState::Idle { problem: Some(_) }), "its agent says so");
    let ended = play.log.iter().any(|(event, _)| matches!(event, Event::TurnEnded { .. }));
    assert!(ended);
}

#[test]
fn what_holds_for_a_whole_session_is_noted_once_however_many_runs_find_it_so() {
    let notes = |play: &Play, code: &str| {
        let is_one = |(event, _): &&(Event, At)| matches!(event, Event::Noted { code: of, .. } if of == code);
        play.log.iter().filter(is_one).count()
    };
    let finds = |play: &mut Play| {
        play.hear(Signal::Noted("images_by_model".into(), "it may not show them".into()));
        play.hear(Signal::Noted("not_restored".into(), "it has forgotten".into()));
    };
    let mut play = talking(PreAllowed::Nothing);
    finds(&mut play);
    play.crash();
    play.session = serde_json::from_str(&serde_json::to_string(&play.session).unwrap()).unwrap();
    play.place();
    play.hear(Signal::Live);
    finds(&mut play);
    assert_eq!((notes(&play, "images_by_model"), notes(&play, "not_restored")), (1, 2));
}
