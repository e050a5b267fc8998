//! Scenarios over several runs: kills, restarts, sleep, conversations that are gone, and the end of everything.

use crate::bench::{Bench, Scene};
use nox_api::{
    domain::{
        event::Closed,
        rows::SessionState,
        tool::{CallStatus, Decision},
    },
    dto::{ChangeSettings, OneSession},
};
use nox_test_support::{caller, model::Reply};
use std::time::Duration;

const CALL: &str = "echo x >> made.txt";

/// A first turn that is through, then one whose call waits for an answer. A model that is asked anew wants the same call
/// again, as a model does that is told to go on.
async fn asked_in_the_second_turn(bench: Bench) -> Scene {
    let call = || bench.program.wants_shell(CALL);
    // A program may ask its model something more while it is being killed: that takes no reply of what is asked anew.
    let cut_off = (!bench.program.keeps_calls).then(|| "cut off".to_owned());
    let anew = cut_off.iter().map(|_| Reply { contains: cut_off.clone(), ..call() });
    let done = Reply { contains: cut_off.clone(), ..Reply::text("Done.") };
    let replies = [Reply::text("The first answer."), call()].into_iter().chain(anew).chain([done]);
    let replies: Vec<Reply> = replies.collect();
    let mut scene = bench.begin(replies).await;
    assert_eq!(scene.idle().await, None);
    scene.prompt("Make it.").await;
    let session = scene.session.clone();
    scene.world.until_asked(&session).await;
    scene
}

/// The request that is still open is answered; the call runs once, in the same conversation.
async fn answered_and_done_once(mut scene: Scene) {
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    assert_eq!(request.call.text, CALL);
    assert!(!scene.folder.join("made.txt").exists());
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.until_said("Done.").await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(std::fs::read_to_string(scene.folder.join("made.txt")).unwrap(), "x\n", "it ran once");
    assert_eq!(
        scene.statuses().await,
        [CallStatus::Succeeded],
        "the answer counted for the call that was asked"
    );
    let last = scene.asked().last().unwrap().body.to_string();
    assert!(last.contains("The first answer."), "the conversation was not gone on with: {last}");
    assert!(!scene.notes().await.contains(&"not_restored".to_owned()));
    scene.close().await;
}

/// Kills the program while a call waits, and waits until its run is over.
async fn kill_program(scene: &mut Scene) {
    let (pid, session) = (scene.program(), scene.session.clone());
    kill(pid);
    scene
        .world
        .until("the end of the run", |all| {
            let view = all.sessions.iter().find(|view| view.row.id == session)?;
            matches!(view.row.state, SessionState::NeedsApproval { .. }).then_some(())
        })
        .await;
    nox_test_support::poll("the end of the program", async || {
        (!std::path::Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    })
    .await;
    nox_test_support::poll("no live run", async || {
        (scene.world.api().engine().live_runs() == 0).then_some(())
    })
    .await;
}

/// The program is killed while a call waits: the request stays open, and its answer counts in the next run.
pub(crate) async fn kill_and_resume(bench: Bench) {
    let mut scene = asked_in_the_second_turn(bench).await;
    kill_program(&mut scene).await;
    answered_and_done_once(scene).await;
}

/// Words that were said into a turn whose program is killed. It may have lost what it had heard, and had not heard all: when it
/// is told to go on, it is told each of them once, and none is asked by itself.
pub(crate) async fn steer_and_kill(bench: Bench) {
    let first = bench.program.wants_shell("echo first >> made.txt");
    let call = || bench.program.wants_shell(CALL);
    let anew = |reply: Reply| Reply { contains: Some("cut off".into()), ..reply };
    let words = ["Word one.", "Word two."];
    let replies = [first, call(), anew(call()), anew(Reply::text("Done."))];
    let mut scene = bench.begin(replies).await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.until_offers("that it can be spoken to", |offers| offers.steers).await;
    scene.steer(words[0]).await;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    let second = scene.world.until("the second request", |all| {
        all.requests.iter().find(|row| row.request.call.text == CALL).map(|row| row.request.clone())
    });
    let second = second.await;
    scene.steer(words[1]).await;
    kill_program(&mut scene).await;
    scene.world.answer(&second.id, Decision::AllowOnce).await.unwrap();
    scene.until_said("Done.").await;
    assert_eq!(scene.idle().await, None);
    let asked = scene.asked();
    let told = asked.last().unwrap().body.to_string();
    let (_, told) = told.split_once("was cut off").expect("it is told to go on");
    for word in words {
        assert_eq!(told.matches(word).count(), 1, "{word} is told once: {told}");
    }
    let alone = asked.iter().filter(|asked| asked.body.to_string().matches("was cut off").count() > 1);
    assert_eq!(alone.count(), 0, "it was told to go on once");
    scene.close().await;
}

/// Nox ends and begins while a call waits.
pub(crate) async fn restart_and_resume(bench: Bench) {
    let mut scene = asked_in_the_second_turn(bench).await;
    // A run that was killed with Nox would leave its files there.
    let left = scene.world.home().join("run/agents/left");
    std::fs::create_dir_all(&left).unwrap();
    scene.world.reopen().await;
    assert!(!left.exists(), "files of an earlier run are still there");
    answered_and_done_once(scene).await;
}

/// An idle session sleeps without a process, and wakes where it was.
pub(crate) async fn sleep_and_wake(bench: Bench) {
    let replies = [Reply::text("The first answer."), Reply::text("The second."), Reply::text("Awake.")];
    let mut scene = bench.begin(replies).await;
    assert_eq!(scene.idle().await, None);
    let change = ChangeSettings { hibernate_after_seconds: Some(1), ..ChangeSettings::default() };
    scene.world.api().change_settings(&caller(), change).await.unwrap();
    scene.prompt("More.").await;
    let session = scene.session.clone();
    let asleep = |state: &SessionState| matches!(state, SessionState::Hibernated { problem: None });
    scene.world.until_state("sleep", &session, asleep).await;
    let mark = scene.mark.clone();
    nox_test_support::processes::wait_gone(&mark, Duration::from_secs(10))
        .expect("it sleeps without a process");
    scene.prompt("Wake up.").await;
    scene.until_said("Awake.").await;
    let last = scene.asked().last().unwrap().body.to_string();
    assert!(last.contains("The first answer.") && last.contains("Wake up."), "{last}");
    scene.close().await;
}

/// When the program has lost the conversation, Nox says so and the work goes on in a new one.
pub(crate) async fn resume_says_no(bench: Bench) {
    let mut scene = bench.begin([Reply::text("The first answer."), Reply::text("Anew.")]).await;
    assert_eq!(scene.idle().await, None);
    scene.world.close().await;
    (scene.program.forget)(&scene.own);
    scene.world.reopen().await;
    scene.prompt("Go on.").await;
    scene.until_said("Anew.").await;
    assert_eq!(scene.idle().await, None);
    assert_eq!(scene.notes().await, ["not_restored"]);
    let last = scene.asked().last().unwrap().body.to_string();
    assert!(last.contains("Go on.") && !last.contains("The first answer."), "{last}");
    // And from there it can be gone on with again.
    scene.server.set(nox_test_support::model::Script::of([Reply::text("Third.")]));
    scene.world.reopen().await;
    scene.prompt("And on.").await;
    scene.until_said("Third.").await;
    let last = scene.asked().last().unwrap().body.to_string();
    assert!(last.contains("Anew.") && last.contains("And on."), "{last}");
    scene.close().await;
}

/// A stop ends the program and the tool that it runs, which has a session and a process group of its own.
pub(crate) async fn stop_leaves_nothing(bench: Bench) {
    let call = bench.program.wants_shell("tail -f /dev/null");
    let mut scene = bench.begin([call]).await;
    let session = scene.session.clone();
    let request = scene.world.until_asked(&session).await.request;
    scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    scene.world.until_running(&session).await;
    assert!(!nox_test_support::processes::marked(&scene.mark).is_empty());
    scene.world.api().stop_session(&caller(), OneSession { session: session.clone() }).await.unwrap();
    assert_eq!(scene.world.until_over(&session).await.how, Closed::Stopped);
    nox_test_support::processes::wait_gone(&scene.mark, Duration::from_secs(5))
        .expect("nothing is left after a stop");
    scene.close().await;
}

/// By a program, since nothing here may send signals itself.
#[allow(clippy::disallowed_methods, reason = "a test kills the program as a person would")]
fn kill(pid: u32) {
    let killed = std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    assert!(killed.success());
}
