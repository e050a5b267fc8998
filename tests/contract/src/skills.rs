//! Skills of an agent: what its model is told of them, and reading one.

use crate::{bench::Bench, programs::Lack};
use nox_api::domain::{rows::RequestState, tool::Decision};
use nox_test_support::model::Reply;

/// What the skill of the scenario says.
const PURPOSE: &str = "Says how notes are written here.";
const TEXT: &str = "Write each note as one line.";

/// The model is told which skills there are and what each is for, and reads one with the tools that it has. That is asked,
/// since a skill lies outside of the folder of the session.
pub(crate) async fn skills(bench: Bench) {
    let program = bench.program;
    let mut file = None;
    let read = |path: &std::path::Path| {
        let by_tool = program.read.filter(|_| program.has(Lack::ReadsOutside));
        match by_tool {
            Some(read) => {
                let (name, input) = read(path);
                Reply::call(name, input)
            }
            None => program.wants_shell(&format!("cat {}", path.display())),
        }
    };
    let mut scene = bench
        .begin_with([Reply::text("Ready.")], |agent, places| {
            let folder = places.home().join("registry/skills/notes");
            std::fs::create_dir_all(&folder).unwrap();
            let text = format!("---\nname: notes\ndescription: {PURPOSE}\n---\n\n{TEXT}\n");
            std::fs::write(folder.join("SKILL.md"), text).unwrap();
            agent.skills = vec!["notes".into()];
            file = Some(folder.join("SKILL.md"));
        })
        .await;
    let file = file.unwrap();
    assert_eq!(scene.idle().await, None);
    let told = scene.asked().into_iter().map(|asked| asked.body.to_string());
    let told = told.filter(|body| body.contains("Begin.")).max_by_key(String::len).expect("a request");
    assert!(told.contains(PURPOSE) && told.contains(&*file.to_string_lossy()), "{told}");
    assert!(!told.contains(TEXT), "it is not told before it is read");

    scene.server.set(nox_test_support::model::Script::of([read(&file), Reply::text("Read.")]));
    let before = scene.asked().len();
    scene.prompt("Write a note.").await;
    let session = scene.session.clone();
    let mut asked = 0;
    loop {
        let next = scene.world.until("a question, or the end", |all| {
            let open =
                all.requests.iter().find(|row| row.session == session && row.state == RequestState::Open);
            let view = all.sessions.iter().find(|view| view.row.id == session)?;
            let is_over = view.row.state.awaits_prompt() && view.row.waiting_prompts == 0;
            match open {
                Some(row) => Some(Some(row.request.clone())),
                None => is_over.then_some(None),
            }
        });
        let Some(request) = next.await else { break };
        // Some programs ask twice for what is outside: for the place, and for the call.
        assert!(asked < 2, "{:?}", request.call);
        assert!(request.call.outside || request.call.text.contains("SKILL.md"), "{:?}", request.call);
        asked += 1;
        scene.world.answer(&request.id, Decision::AllowOnce).await.unwrap();
    }
    scene.until_said("Read.").await;
    let answered =
        scene.asked().split_off(before).into_iter().any(|asked| asked.body.to_string().contains(TEXT));
    assert!(asked > 0, "nobody was asked; whether the model has read it: {answered}");
    assert!(answered, "the model has not read it");
    scene.close().await;
}
