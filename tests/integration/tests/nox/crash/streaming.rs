//! Kills while a run streams, a request is open, and tasks are being made and changed.

use super::{
    Dice,
    child::{Engine, Role, say},
    tally::Tally,
};
use crate::sh;
use nox_api::{
    domain::{
        Size,
        event::{Closed, PreAllowed, UnknownChoice},
        ids::{ItemId, RequestId, SessionId, TaskId},
        rows::{RequestState, SessionState},
        task::TaskPatch,
        tool::{CallStatus, Decision},
    },
    dto::{ChangeTask, Push, ReadOutput, ResolveUnknown, Snapshot},
};
use nox_test_support::{World, caller, processes};
use std::time::Duration;

/// Kills in the middle of a stream.
const STREAMING: u32 = 50;
/// After every so many of them, one while everything is only beginning.
const EARLY: u32 = 5;

/// Counts until the gate is there, with a daemon in a session of its own, twice forked, and one that ignores signals.
fn counting(world: &World, mark: &str) -> String {
    let gate = world.desk().join(mark);
    sh(&format!(
        "export MARK={mark}\n(setsid sh -c 'sh -c \"trap : TERM HUP; while :; do sleep 1; done\" & sleep 300' &)\ni=0\nwhile ! test -e '{}'; do echo $i; i=$((i + 1)); test $((i % 50)) != 0 || sleep 0.01; done",
        gate.display()
    ))
}

/// The engine's side: works until it is killed, and says what was acknowledged.
pub(super) async fn engine(world: &mut World, mark: &str) {
    world.reopen().await;
    say("open");
    let ask = world.task("Asks", &sh("echo answered")).await;
    say(&format!("task {ask}"));
    let asking = world.start(&ask).await;
    say(&format!("asking {asking}"));
    let stream = world.task("Streams", &counting(world, mark)).await;
    say(&format!("task {stream}"));
    let streaming = world.start_with(&stream, PreAllowed::All).await.unwrap().session.unwrap();
    say(&format!("streaming {streaming}"));
    let listening = {
        let (ear, api, session) = (world.api().subscribe(), world.api().clone(), streaming.clone());
        ear.watch(&session, true);
        tokio::spawn(async move {
            while let Some(push) = ear.next().await {
                if let Push::Output { item, .. } = push {
                    // What a client has read is what must still be there.
                    let input =
                        ReadOutput { session: session.clone(), item: item.clone(), from: Some(Size(0)) };
                    let page = api.read_output(input).await.unwrap();
                    say(&format!("output {item} {}", page.next.0));
                }
            }
        })
    };
    let row = world.until_asked(&asking).await;
    say(&format!("asked {}", row.request.id));
    for number in 0u32.. {
        if number < 5 {
            let task = world.task(&format!("Number {number}"), "").await;
            say(&format!("task {task}"));
        }
        let patch = TaskPatch { title: Some(format!("Title {number}")), ..TaskPatch::default() };
        let input = ChangeTask { task: ask.clone(), patch, base: None };
        let seq = world.api().change_task(&caller(), input).await.unwrap().seq;
        say(&format!("title {number} {}", seq.0));
    }
    listening.abort();
}

/// What a child said before it died.
#[derive(Debug, Default)]
struct Said {
    tasks: Vec<TaskId>,
    asking: Option<SessionId>,
    streaming: Option<SessionId>,
    asked: Option<RequestId>,
    output: Option<(ItemId, u64)>,
    title: Option<(u32, u64)>,
}

impl Said {
    fn read(lines: &[String]) -> Self {
        let mut said = Self::default();
        for line in lines {
            let mut words = line.split(' ').skip(1);
            let mut word = || words.next().unwrap_or_default();
            match line.split(' ').next() {
                Some("task") => said.tasks.push(TaskId::parse(word()).unwrap()),
                Some("asking") => said.asking = Some(SessionId::parse(word()).unwrap()),
                Some("streaming") => said.streaming = Some(SessionId::parse(word()).unwrap()),
                Some("asked") => said.asked = Some(RequestId::parse(word()).unwrap()),
                Some("output") => {
                    let item: ItemId = serde_json::from_value(word().into()).unwrap();
                    said.output = Some((item, word().parse().unwrap()));
                }
                Some("title") => said.title = Some((word().parse().unwrap(), word().parse().unwrap())),
                _ => {}
            }
        }
        said
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_in_the_middle_of_a_streaming_run() {
    let (mut dice, seed) = Dice::new();
    let mut tally = Tally::default();
    let mut world = World::closed();
    let mut slowest = Duration::ZERO;
    for round in 0..STREAMING + STREAMING / EARLY {
        let mark = processes::new_mark();
        let mut engine = Engine::start(Role::Stream, &world, &mark);
        let early = round % (EARLY + 1) == EARLY;
        engine.wait_for(if early { "open" } else { "output" });
        let said = Said::read(&engine.kill(Duration::from_millis(dice.below(120))));
        match processes::wait_gone(&mark, Duration::from_secs(2)) {
            Ok(took) => {
                slowest = slowest.max(took);
                tally.check("no process is left after 2 s", true, String::new);
            }
            Err(left) => {
                tally.check("no process is left after 2 s", false, || format!("round {round}: {left:?}"))
            }
        }
        world.reopen().await;
        check_kept(&world, &said, &mut tally).await;
        if let Some(session) = said.streaming.clone() {
            let choice =
                [UnknownChoice::Skip, UnknownChoice::Again, UnknownChoice::Stop][dice.below(3) as usize];
            std::fs::write(world.desk().join(&mark), "").unwrap();
            check_stream(&mut world, &session, &said, choice, &mut tally).await;
        }
        if let Some(session) = said.asking.clone() {
            check_request(&mut world, &session, &said, &mut tally).await;
        }
        world.close().await;
        check_title(&world, &said, &mut tally);
    }
    println!(
        "{STREAMING} kills in the middle of a stream, {} earlier; the slowest end of a tree took {slowest:?}",
        STREAMING / EARLY
    );
    tally.close(seed);
}

async fn check_kept(world: &World, said: &Said, tally: &mut Tally) {
    let all = world.snapshot().await;
    for task in &said.tasks {
        let there = all.cards.iter().any(|card| card.task.id == *task);
        tally.check("an acknowledged task is there", there, || task.to_string());
    }
    for session in said.asking.iter().chain(&said.streaming) {
        let there = all.sessions.iter().any(|view| view.row.id == *session);
        tally.check("an acknowledged session is there", there, || session.to_string());
    }
    if let Some((number, seq)) = said.title {
        tally.check("no acknowledged event is lost", all.cursor.seq.0 >= seq, || {
            format!("{} < {seq}", all.cursor.seq.0)
        });
        let title = title_of(&all, &said.tasks[0]);
        tally.check("an acknowledged change is there", title >= Some(number), || {
            format!("{title:?} < {number}")
        });
    }
    if let Some(request) = &said.asked {
        let row = all.requests.iter().find(|row| row.request.id == *request);
        let open = row.is_some_and(|row| row.state == RequestState::Open);
        tally.check("the open request is still open", open, || format!("{row:?}"));
    }
}

fn title_of(all: &Snapshot, task: &TaskId) -> Option<u32> {
    let card = all.cards.iter().find(|card| card.task.id == *task)?;
    card.task.title.strip_prefix("Title ")?.parse().ok()
}

async fn check_stream(
    world: &mut World,
    session: &SessionId,
    said: &Said,
    choice: UnknownChoice,
    tally: &mut Tally,
) {
    // Killed before the run began with anything, it begins again by itself; else a person is asked.
    let settled = |state: &SessionState| {
        matches!(state, SessionState::NeedsChoice { .. } | SessionState::Lost | SessionState::Closed { .. })
    };
    let state = world.until_state("what happened", session, settled).await;
    let calls = world.calls(session).await;
    let mut again = false;
    match &state {
        SessionState::NeedsChoice { item, .. } => {
            let call = calls.iter().find(|call| call.item == *item);
            let unseen = call.is_some_and(|call| call.status == CallStatus::Unknown);
            tally.check("the session says what happened", unseen, || format!("{state:?} {call:?}"));
            let input = ResolveUnknown { session: session.clone(), item: item.clone(), choice };
            world.api().resolve_unknown(&caller(), input).await.unwrap();
            again = choice == UnknownChoice::Again;
        }
        SessionState::Lost => {
            tally.check("the session says what happened", said.output.is_none(), || format!("{state:?}"));
            let input = nox_api::dto::OneSession { session: session.clone() };
            world.api().continue_session(&caller(), input).await.unwrap();
        }
        _ => tally.check("the session says what happened", said.output.is_none(), || format!("{state:?}")),
    }
    if let Some((item, bytes)) = &said.output {
        let output =
            calls.iter().find(|call| call.item == *item).map(|call| call.output.clone()).unwrap_or_default();
        tally.check("the output kept so far is there", output.len() as u64 >= *bytes, || {
            format!("{} bytes of {bytes}", output.len())
        });
        let whole = output.rfind('\n').map_or("", |end| &output[..end]);
        let counts = whole.lines().enumerate().all(|(index, line)| line == index.to_string());
        tally.check("the output has no hole", counts, || whole.chars().take(200).collect());
    }
    let ran = world.until_over(session).await;
    let expected = match (&state, choice) {
        (SessionState::NeedsChoice { .. }, UnknownChoice::Stop) => Closed::Stopped,
        _ => Closed::Finished,
    };
    tally.check("a choice goes on as chosen", ran.how == expected, || format!("{choice:?}: {ran:?}"));
    if again {
        let last = ran.calls.last().map(|call| call.status);
        tally.check(
            "again runs it again, once",
            ran.calls.len() == calls.len() + 1 && last == Some(CallStatus::Succeeded),
            || format!("{ran:?}"),
        );
    }
}

async fn check_request(world: &mut World, session: &SessionId, said: &Said, tally: &mut Tally) {
    let row = world.until_asked(session).await;
    if let Some(asked) = &said.asked {
        tally.check("it is the same request", row.request.id == *asked, || {
            format!("{asked} {}", row.request.id)
        });
    }
    let answered = world.answer(&row.request.id, Decision::AllowOnce).await;
    tally.check("the open request can be answered", answered.is_ok(), || format!("{answered:?}"));
    let ran = world.until_over(session).await;
    let once = ran.how == Closed::Finished && ran.calls.len() == 1 && ran.output() == "answered\n";
    tally.check("answering it goes on, once", once, || format!("{ran:?}"));
}

/// After the engine was closed in order, the file says what the log says.
fn check_title(world: &World, said: &Said, tally: &mut Tally) {
    let (Some((number, _)), Some(task)) = (said.title, said.tasks.first()) else { return };
    let file = super::writing::file_of(world, task);
    let title = super::writing::title_in(&file);
    tally.check("the file has the acknowledged change", title >= Some(number), || {
        format!("{title:?} < {number}: {file}")
    });
}
