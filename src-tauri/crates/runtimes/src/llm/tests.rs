//! The loop on scripted answers and on broken ones: what it tells, what it keeps, and where it stands after any crash.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use super::{
    acts::{Act, Done, Settings},
    conversation::Conversation,
    faults::Failure,
    history::{Fate, History, Line, Part},
    wire::{Heard, Reply},
};
use crate::{
    Answer,
    prices::{Prices, Tokens},
    testing::prompt,
};
use nox_domain::{
    event::{Problem, TurnEnd},
    ids::ItemId,
    session::{Prompt, Signal},
    tool::{CallEnd, ToolCall},
    transcript::AgentFault,
};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn settings() -> Settings {
    Settings {
        model: "gpt-4o".into(),
        max_iterations: 5,
        own_context: Some(100_000),
        usual_context: 0,
        fixed_bytes: 0,
        prices: Prices::read(None).0,
        is_local: false,
    }
}

fn talk(history: History) -> Conversation {
    let mut next = 0u128;
    Conversation::new(settings(), history, move || {
        next += 1;
        ItemId::from_uuid(Uuid::from_u128(next))
    })
}

pub(super) fn text(text: &str) -> Part {
    Part::Text { text: text.into() }
}

pub(super) fn call(name: &str) -> Part {
    Part::Call { id: format!("id-{name}"), name: name.into(), input: json!({ "path": "a" }) }
}

pub(super) fn reply(parts: Vec<Part>) -> Heard {
    let tokens = Tokens { input: 1_000, output: 100, ..Tokens::default() };
    Heard::Reply(Box::new(Reply { parts, cut: false, tokens }))
}

fn failed(fault: AgentFault) -> Heard {
    Heard::Failed(Failure::of(fault, "no luck"))
}

pub(super) fn answer(key: &str, allowed: bool) -> Answer {
    Answer {
        key: key.into(),
        item: ItemId::from_uuid(Uuid::from_u128(99)),
        allowed,
        reason: None,
        by_person: true,
        answers: Default::default(),
    }
}

pub(super) fn done(text: &str) -> Done {
    Done { text: text.into(), images: vec![], end: CallEnd::Succeeded, output: None, plan: None }
}

/// What a call would do, as far as a conversation knows.
pub(super) fn proposal(key: &str) -> ToolCall {
    ToolCall { key: key.into(), ..ToolCall::default() }
}

/// A table of one conversation: what was done with it, and all acts since the last look.
pub(super) struct Table {
    pub(super) talk: Conversation,
    pub(super) acts: Vec<Act>,
    pub(super) kept: Vec<Line>,
    /// The newest turn.
    pub(super) asked: Prompt,
}

impl Table {
    pub(super) fn new() -> Self {
        Self::from(&[])
    }

    /// As a run begins that finds these lines.
    pub(super) fn from(lines: &[Line]) -> Self {
        let mut history = History::default();
        lines.iter().for_each(|line| history.apply(line));
        let turn = lines.iter().rev().find_map(|line| match line {
            Line::Asked { text, turn: Some(turn), .. } => {
                Some(Prompt { turn: turn.clone(), text: text.clone(), images: vec![] })
            }
            _ => None,
        });
        let asked = turn.unwrap_or_else(|| prompt(""));
        Self { talk: talk(history), acts: vec![], kept: lines.to_vec(), asked }
    }

    pub(super) fn does(&mut self, act: impl FnOnce(&mut Conversation, &mut Vec<Act>)) -> &mut Self {
        self.acts.clear();
        act(&mut self.talk, &mut self.acts);
        let kept = self.acts.iter().filter_map(|act| match act {
            Act::Keep(line) => Some(line.clone()),
            _ => None,
        });
        self.kept.extend(kept);
        self
    }

    /// Asks in a new turn.
    pub(super) fn prompt(&mut self, text: &str) -> &mut Self {
        self.asked = prompt(text);
        self.prompt_again()
    }

    /// Asks in the same turn, as the engine does when a limit is over.
    fn prompt_again(&mut self) -> &mut Self {
        let asked = self.asked.clone();
        self.does(|talk, out| talk.prompt(&asked, vec![], out))
    }

    /// As a run begins whose turn was begun by another.
    pub(super) fn go_on(&mut self) -> &mut Self {
        let asked = self.asked.clone();
        self.does(|talk, out| talk.go_on(&asked, vec![], out))
    }

    /// What is heard of the request that is open.
    pub(super) fn hear(&mut self, heard: Heard) -> &mut Self {
        let request = self.request();
        self.does(|talk, out| talk.hear(request, heard, out))
    }

    fn request(&self) -> u64 {
        let asked = self.acts.iter().rev().find_map(|act| match act {
            Act::Ask { request } => Some(*request),
            _ => None,
        });
        asked.expect("the model is asked")
    }

    fn looks(&self) -> Vec<String> {
        let keys = self.acts.iter().filter_map(|act| match act {
            Act::Look { key, .. } => Some(key.clone()),
            _ => None,
        });
        keys.collect()
    }

    pub(super) fn proposes(&mut self, key: &str) -> &mut Self {
        self.does(|talk, out| talk.looked(key, Ok(proposal(key)), out));
        assert!(matches!(&self.acts[..], [Act::Tell(Signal::Proposed(_))]), "{:?}", self.acts);
        self
    }

    pub(super) fn allows(&mut self, key: &str) -> &mut Self {
        self.does(|talk, out| talk.answer(&answer(key, true), out));
        let [Act::Keep(Line::Allowed { .. }), Act::Run { .. }] = &self.acts[..] else {
            unreachable!("it is kept before it runs: {:?}", self.acts)
        };
        self
    }

    pub(super) fn turn_end(&self) -> Option<(TurnEnd, Option<Problem>)> {
        self.acts.iter().find_map(|act| match act {
            Act::Tell(Signal::TurnEnded { end, problem }) => Some((*end, problem.clone())),
            _ => None,
        })
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let notes = self.acts.iter().filter_map(|act| match act {
            Act::Tell(Signal::Noted(code, _)) => Some(code.clone()),
            _ => None,
        });
        notes.collect()
    }

    /// What the model was told of the calls.
    pub(super) fn results(&self) -> Vec<(String, Fate)> {
        let results = self.kept.iter().filter_map(|line| match line {
            Line::Result { key, fate, .. } => Some((key.clone(), *fate)),
            _ => None,
        });
        results.collect()
    }
}

#[test]
fn a_text_streams_and_the_answer_is_kept_before_the_turn_ends() {
    let mut table = Table::new();
    table.prompt("hello").hear(Heard::Thought("hm".into()));
    let asked = table.talk.history().bytes();
    table.acts.push(Act::Ask { request: 1 });
    table.hear(Heard::Text("hi".into()));
    assert!(
        matches!(
            &table.acts[..],
            [
                Act::TextEnds(_),
                Act::Tell(Signal::Wrote { .. }),
                Act::Tell(Signal::Writing { thought: false, .. }),
                Act::Append(..)
            ]
        ),
        "{:?}",
        table.acts
    );
    table.acts.push(Act::Ask { request: 1 });
    table.hear(reply(vec![text("hi")]));
    let place = |like: fn(&Act) -> bool| table.acts.iter().position(like).unwrap();
    let kept = place(|act| matches!(act, Act::Keep(Line::Answered { .. })));
    let said = place(|act| matches!(act, Act::Tell(Signal::Wrote { .. })));
    let over = place(|act| matches!(act, Act::Keep(Line::TurnOver { end: TurnEnd::End, .. })));
    let told = place(|act| matches!(act, Act::Tell(Signal::TurnEnded { end: TurnEnd::End, .. })));
    assert!(kept < said && said < over && over < told, "{:?}", table.acts);
    let used = table.acts.iter().find_map(|act| match act {
        Act::Tell(Signal::Used(used)) => Some(used.clone()),
        _ => None,
    });
    assert_eq!(used.unwrap().cost_micro_usd.unwrap().0, 3_500, "2.5 and 10 dollars for a million");
    assert!(asked > 0);
}

#[test]
fn calls_of_one_answer_run_side_by_side_and_the_model_hears_of_all() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("read"), call("list")]));
    assert_eq!(table.looks(), ["call:1", "call:2"]);
    table.proposes("call:1").proposes("call:2").allows("call:2").allows("call:1");
    table.does(|talk, out| talk.done("call:2", done("two"), out));
    assert!(table.acts.iter().all(|act| !matches!(act, Act::Ask { .. })), "one is still open");
    table.does(|talk, out| talk.done("call:1", done("one"), out));
    table.hear(reply(vec![text("both")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn a_denied_call_is_told_and_nothing_runs() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("write")]));
    table.proposes("call:1");
    let no = Answer { reason: Some("not today".into()), ..answer("call:1", false) };
    table.does(|talk, out| talk.answer(&no, out));
    assert!(table.acts.iter().all(|act| !matches!(act, Act::Run { .. })));
    assert!(table.acts.iter().any(|act| matches!(act, Act::Ask { .. })), "the model goes on without it");
    let Some(Line::Result { text, .. }) = table.kept.iter().rfind(|line| matches!(line, Line::Result { .. }))
    else {
        unreachable!("it is told")
    };
    assert!(text.contains("not today"), "{text}");
    table.does(|talk, out| talk.answer(&answer("call:1", true), out));
    assert_eq!(table.acts, [], "an answer counts once");
}

#[test]
fn what_cannot_be_is_told_to_the_model_and_asked_of_nobody() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("nothing")]));
    table.does(|talk, out| talk.looked("call:1", Err("there is no tool nothing".into()), out));
    assert_eq!(table.notes(), ["not_a_call"]);
    assert_eq!(table.results(), [("call:1".into(), Fate::Failed)]);
    table.hear(reply(vec![text("oh")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn an_interrupt_ends_a_text_and_keeps_what_was_said() {
    let mut table = Table::new();
    table.prompt("go").hear(Heard::Text("half an".into()));
    table.does(Conversation::interrupt);
    assert!(table.acts.contains(&Act::Hush));
    assert_eq!(table.turn_end(), Some((TurnEnd::Cancelled, None)));
    assert_eq!(table.talk.history().last_words(), "half an");
    // What the model says later counts no more.
    table.does(|talk, out| talk.hear(1, reply(vec![call("write")]), out));
    assert_eq!(table.acts, []);
    table.prompt("more").hear(reply(vec![text("ok")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn an_interrupt_waits_for_the_call_that_runs_and_not_for_those_that_wait() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("shell"), call("write")]));
    table.proposes("call:1").proposes("call:2").allows("call:1");
    table.does(Conversation::interrupt);
    assert!(table.acts.contains(&Act::End { key: "call:1".into() }));
    assert_eq!(table.turn_end(), None, "it still runs");
    let end = Done { end: CallEnd::Cancelled, ..done("") };
    table.does(|talk, out| talk.done("call:1", end, out));
    assert_eq!(table.turn_end(), Some((TurnEnd::Cancelled, None)));
    assert_eq!(table.results(), [("call:2".into(), Fate::Cancelled), ("call:1".into(), Fate::Cancelled)]);
}

#[test]
fn what_is_said_into_a_turn_is_heard_with_the_next_request() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("read")]));
    table.proposes("call:1").allows("call:1");
    table.does(|talk, out| talk.steer("and be quick".into(), out));
    table.does(|talk, out| talk.done("call:1", done("x"), out));
    assert!(table.kept.contains(&Line::Asked { text: "and be quick".into(), turn: None, images: vec![] }));
    assert!(table.acts.contains(&Act::Tell(Signal::Steered("and be quick".into()))), "told when it is kept");
    // Into the last answer: it is answered as well.
    let request = table.request();
    table.does(|talk, out| talk.steer("one more".into(), out));
    table.does(|talk, out| talk.hear(request, reply(vec![text("done")]), out));
    assert_eq!(table.turn_end(), None);
    table.hear(reply(vec![text("and that")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn a_rate_limit_is_waited_for_as_long_as_the_server_says() {
    let mut table = Table::new();
    let slow =
        Failure { again_in: Some(Duration::from_secs(7)), ..Failure::of(AgentFault::RateLimit, "slow") };
    table.prompt("go").hear(Heard::Failed(slow.clone()));
    assert_eq!(table.notes(), ["rate_limited"]);
    assert!(table.acts.contains(&Act::Wake { after: Duration::from_secs(7) }), "{:?}", table.acts);
    table.does(Conversation::wake);
    table.hear(reply(vec![text("at last")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
    // One that is too long ends the turn, with its time.
    let long = Failure { again_in: Some(Duration::from_secs(7_200)), ..slow };
    table.prompt("go").hear(Heard::Failed(long));
    let Some((TurnEnd::Failed, Some(Problem::Agent { fault, until, .. }))) = table.turn_end() else {
        unreachable!("{:?}", table.acts)
    };
    assert!(fault == AgentFault::RateLimit && until.is_some());
    // The engine waits, and asks the same again: it goes on, here and in a later run, and is not said twice.
    let mut later = Table::from(&table.kept);
    for table in [&mut table, &mut later] {
        let before = table.kept.len();
        table.prompt_again();
        assert_eq!((table.kept.len(), table.acts.len()), (before, 1), "{:?}", table.acts);
        table.hear(reply(vec![text("at last")]));
        assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
        table.prompt("go");
        assert!(matches!(table.kept.last(), Some(Line::Asked { .. })), "the next one is another");
    }
}

#[test]
fn a_key_that_is_not_taken_ends_the_turn_at_once_and_a_server_that_is_gone_after_some_tries() {
    let mut table = Table::new();
    table.prompt("go").hear(failed(AgentFault::BadKey));
    assert!(matches!(
        table.turn_end(),
        Some((TurnEnd::Failed, Some(Problem::Agent { fault: AgentFault::BadKey, .. })))
    ));
    table.prompt("go");
    for _ in 0..3 {
        table.hear(failed(AgentFault::Unreachable));
        assert_eq!(table.notes(), ["unreachable"]);
        table.does(Conversation::wake);
    }
    table.hear(failed(AgentFault::Unreachable));
    assert!(matches!(
        table.turn_end(),
        Some((TurnEnd::Failed, Some(Problem::Agent { fault: AgentFault::Unreachable, .. })))
    ));
}

#[test]
fn a_turn_asks_so_often_and_no_more() {
    let mut table = Table::new();
    table.prompt("go");
    for number in 1..=5 {
        table.hear(reply(vec![call("read")]));
        let key = format!("call:{number}");
        table.proposes(&key).allows(&key);
        table.does(|talk, out| talk.done(&key, done("x"), out));
    }
    let Some((TurnEnd::Failed, Some(Problem::Agent { message, .. }))) = table.turn_end() else {
        unreachable!("{:?}", table.acts)
    };
    assert!(message.contains("max_iterations"), "{message}");
    table.prompt("go on").hear(reply(vec![text("fine")]));
    assert_eq!(table.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn calls_of_an_answer_that_was_cut_off_are_not_made() {
    let mut table = Table::new();
    let cut = Reply { parts: vec![call("write")], cut: true, tokens: Tokens::default() };
    table.prompt("go").hear(Heard::Reply(Box::new(cut)));
    assert_eq!((table.looks(), table.notes()), (vec![], vec!["answer_cut".to_owned()]));
    assert_eq!(table.results(), [("call:1".into(), Fate::Failed)]);
    // Nor after a crash that came before that was kept.
    let kept = table.kept.iter().position(|line| matches!(line, Line::Answered { .. })).unwrap();
    let mut next = Table::from(&table.kept[..=kept]);
    next.go_on();
    assert_eq!((next.looks(), next.results()), (vec![], vec![("call:1".into(), Fate::Failed)]));
    next.hear(reply(vec![text("less, then")]));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn a_call_too_many_is_not_made_before_or_after_a_crash() {
    let mut table = Table::new();
    table.prompt("go").hear(reply((0..70).map(|_| call("read")).collect()));
    assert_eq!((table.looks().len(), table.results().len()), (64, 6));
    let kept = table.kept.iter().position(|line| matches!(line, Line::Answered { .. })).unwrap();
    let mut next = Table::from(&table.kept[..=kept]);
    next.go_on();
    assert_eq!((next.looks().len(), next.results().len()), (64, 6));
}

#[test]
fn a_conversation_that_is_too_long_is_made_shorter_once_and_that_is_told() {
    let mut table = Table::new();
    for number in 1..=4 {
        table.prompt(&"long ".repeat(2_000)).hear(reply(vec![text(&format!("answer {number}"))]));
    }
    table.prompt("and now").hear(failed(AgentFault::ContextFull));
    assert_eq!(table.notes(), ["compacted"]);
    table.hear(failed(AgentFault::ContextFull));
    assert!(matches!(table.turn_end(), Some((TurnEnd::Failed, _))));
}

#[test]
fn after_a_crash_a_call_that_waited_is_asked_again_and_one_that_ran_is_unknown() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("shell"), call("write")]));
    table.proposes("call:1").proposes("call:2").allows("call:1");
    let mut next = Table::from(&table.kept);
    next.go_on();
    assert_eq!(next.looks(), ["call:2"], "under the key that the engine knows");
    assert_eq!(next.results(), [("call:1".into(), Fate::Unknown)]);
    next.proposes("call:2").allows("call:2");
    next.does(|talk, out| talk.done("call:2", done("x"), out));
    next.hear(reply(vec![text("through")]));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn an_answer_that_was_given_before_a_crash_is_not_asked_for_again() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![text("the answer")]));
    let mut next = Table::from(&table.kept);
    next.go_on();
    assert!(next.acts.iter().any(|act| matches!(act,
        Act::Tell(Signal::Wrote { text, .. }) if text == "the answer")));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
    assert!(!next.acts.iter().any(|act| matches!(act, Act::Ask { .. })));
    // The same words asked anew are another turn.
    next.prompt("go").hear(reply(vec![text("again")]));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn the_same_words_in_another_turn_are_asked_and_not_answered_from_before() {
    let mut table = Table::new();
    table.prompt("go on").hear(reply(vec![text("the first step")]));
    // Nox was killed when the engine had begun the next turn and nothing was kept of it yet.
    let mut next = Table::from(&table.kept);
    next.asked = prompt("go on");
    next.go_on();
    assert_eq!(next.turn_end(), None, "the old answer is none to this");
    next.hear(reply(vec![text("the second step")]));
    assert_eq!(next.turn_end(), Some((TurnEnd::End, None)));
}

#[test]
fn the_end_of_a_turn_is_told_again_as_it_was_and_nothing_is_asked() {
    let mut interrupted = Table::new();
    interrupted.prompt("go").hear(Heard::Text("half an".into())).does(Conversation::interrupt);
    let mut failing = Table::new();
    failing.prompt("go").hear(failed(AgentFault::BadKey));
    for table in [interrupted, failing] {
        let end = table.turn_end();
        assert!(end.is_some());
        let mut next = Table::from(&table.kept);
        next.go_on();
        assert_eq!((next.turn_end(), next.acts.len()), (end, 1), "{:?}", next.acts);
        assert_eq!(next.kept, table.kept);
    }
}

#[test]
fn an_answer_of_which_only_the_end_of_its_turn_was_not_kept_is_told_and_not_asked_for() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![text("the answer")]));
    let answered = table.kept.iter().position(|line| matches!(line, Line::Answered { .. })).unwrap();
    let mut next = Table::from(&table.kept[..=answered]);
    next.go_on();
    assert!(!next.acts.iter().any(|act| matches!(act, Act::Ask { .. })), "{:?}", next.acts);
    assert_eq!((next.turn_end(), &next.kept), (Some((TurnEnd::End, None)), &table.kept));
}

#[test]
fn a_stop_leaves_the_turn_open_for_the_next_run() {
    let mut table = Table::new();
    table.prompt("go").hear(reply(vec![call("shell"), call("write")]));
    table.proposes("call:1").proposes("call:2").allows("call:1");
    table.does(Conversation::stop);
    assert_eq!(table.acts, [Act::End { key: "call:1".into() }]);
    table.does(|talk, out| talk.done("call:1", Done { end: CallEnd::Cancelled, ..done("cut") }, out));
    assert_eq!(table.turn_end(), None);
    let mut next = Table::from(&table.kept);
    next.go_on();
    assert_eq!(next.looks(), ["call:2"]);
}

/// Everything that can be done with a conversation, in any order.
fn happens(table: &mut Table, pick: u8, number: u8) {
    let key = format!("call:{}", number % 6);
    let request = u64::from(number % 8);
    let hear = |table: &mut Table, heard| {
        table.does(|talk, out| talk.hear(request, heard, out));
    };
    match pick {
        0 => drop(table.prompt("x")),
        1 => hear(table, Heard::Text("a".into())),
        2 => hear(table, Heard::Thought("b".into())),
        3 => hear(table, reply(vec![text("t"), call("read"), call("write")])),
        4 => hear(table, reply(vec![])),
        5 => hear(table, failed(AgentFault::Overloaded)),
        6 => hear(table, failed(AgentFault::ContextFull)),
        7 => drop(table.does(|talk, out| talk.looked(&key, Ok(proposal(&key)), out))),
        8 => drop(table.does(|talk, out| talk.looked(&key, Err("no".into()), out))),
        9 => drop(table.does(|talk, out| talk.answer(&answer(&key, number.is_multiple_of(2)), out))),
        10 => drop(table.does(|talk, out| talk.done(&key, done("d"), out))),
        11 => drop(table.does(Conversation::interrupt)),
        12 => drop(table.does(Conversation::wake)),
        13 => drop(table.does(|talk, out| talk.steer("s".into(), out))),
        14 => drop(table.go_on()),
        _ => drop(table.does(Conversation::over)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn no_order_of_events_runs_a_call_unasked_or_breaks_what_is_kept(
        events in proptest::collection::vec((0u8..16, any::<u8>()), 0..80),
    ) {
        let mut table = Table::new();
        // Keys of calls that were proposed and not answered yet, and of those that ran.
        let (mut proposed, mut ran) = (std::collections::HashSet::new(), std::collections::HashSet::new());
        for (pick, number) in events {
            // The answer that this event gives, if it gives one.
            let (key, allowed) = (format!("call:{}", number % 6), number.is_multiple_of(2));
            let is_allowing = pick == 9 && allowed && proposed.contains(&key);
            happens(&mut table, pick, number);
            if pick == 9 {
                proposed.remove(&key);
            }
            for act in &table.acts {
                match act {
                    Act::Tell(Signal::Proposed(call)) => drop(proposed.insert(call.key.clone())),
                    Act::Run { key: run, .. } => {
                        prop_assert!(is_allowing && *run == key, "{run} runs without an answer that allows it");
                        prop_assert!(ran.insert(run.clone()), "{run} runs twice");
                    }
                    _ => {}
                }
            }
            // What is kept leads to the same place: a crash here loses nothing.
            let after = Table::from(&table.kept);
            prop_assert_eq!(after.talk.history(), table.talk.history());
        }
    }
}
