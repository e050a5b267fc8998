//! Makes a home with many tasks and a long log, to be opened by the app.
//!
//! Nothing in it is written past the product: task files are those of `nox-tasks`, the engine finds, indexes and commits
//! them, sessions are decided by the domain (see [`crate::talk`]) and stored by the engine's ledger.

use crate::{error::Error, talk};
use nox_domain::{
    At,
    agent::Runtime,
    ids::{AgentId, SessionId, TaskId},
    task::{Priority, Task, TaskStatus},
};
use nox_engine::{
    Engine,
    clock::{self, SystemIds},
    home::Home,
    ledger::{Cause, Ledger},
    settings::Patch,
};
use nox_store::{Options, Store};
use nox_tasks::TaskFile;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Facts of one session.
const SESSION_EVENTS: usize = 1000;

/// How long the engine may take to find and commit the task files.
const TAKE_OVER: Duration = Duration::from_secs(600);

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Of a hundred tasks, so many are in this state. Finished and failed ones have sessions, until there are no more.
const MIX: [(usize, TaskStatus); 6] = [
    (25, TaskStatus::Backlog),
    (25, TaskStatus::Todo),
    (5, TaskStatus::Review),
    (40, TaskStatus::Done),
    (3, TaskStatus::Cancelled),
    (2, TaskStatus::Failed),
];

const VERBS: [&str; 8] = ["Check", "Repair", "Measure", "Describe", "Translate", "Shorten", "Test", "Tidy"];
const THINGS: [&str; 9] = [
    "the reader of front matter",
    "the nightly backup",
    "the photo archive",
    "the invoices of spring",
    "the index page",
    "the weekly report",
    "the build of the manual",
    "the list of members",
    "the import of addresses",
];

/// Makes the home in an empty or absent folder.
pub(crate) fn make(folder: &Path, tasks: usize, events: usize) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let home = Home::at(folder)?;
        let tasks = write_tasks(&home, tasks)?;
        take_over(&home).await?;
        let store = Store::open(&home.database(), Options::default())?;
        let ledger = Ledger::new(store.clone());
        let begun_at = clock::now().0 - 60 * DAY_MS;
        let worked_on: Vec<&Task> = tasks
            .iter()
            .filter(|task| matches!(task.status, TaskStatus::Review | TaskStatus::Done | TaskStatus::Failed))
            .collect();
        for number in 0..events.div_ceil(SESSION_EVENTS) {
            let Some(task) = worked_on.get(number % worked_on.len().max(1)) else { break };
            // Sessions are spread over the last two months, one after the other.
            let at =
                At(begun_at + 60 * DAY_MS / (events.div_ceil(SESSION_EVENTS) as i64 + 1) * number as i64);
            let length = SESSION_EVENTS.min(events - number * SESSION_EVENTS);
            talk::hold(&ledger, task, Runtime::Runbook, at, length).await?;
        }
        drop(ledger);
        tokio::task::spawn_blocking(move || store.close()).await?;
        Ok(())
    })
}

/// Makes a home with a conversation of each of these lengths; answers which they are.
pub(crate) fn make_sessions(folder: &Path, lengths: &[usize]) -> Result<Vec<SessionId>, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let home = Home::at(folder)?;
        let tasks = write_tasks(&home, lengths.len())?;
        take_over(&home).await?;
        let store = Store::open(&home.database(), Options::default())?;
        let ledger = Ledger::new(store.clone());
        let begun_at = At(clock::now().0 - 7 * DAY_MS);
        let mut sessions = Vec::with_capacity(lengths.len());
        for (task, length) in tasks.iter().zip(lengths) {
            sessions.push(talk::hold(&ledger, task, Runtime::Recorded, begun_at, *length).await?);
        }
        drop(ledger);
        tokio::task::spawn_blocking(move || store.close()).await?;
        Ok(sessions)
    })
}

fn write_tasks(home: &Home, count: usize) -> Result<Vec<Task>, Error> {
    let folder = home.registry().join("tasks");
    fs::create_dir_all(&folder)?;
    let states: Vec<TaskStatus> = MIX.iter().flat_map(|(share, state)| vec![*state; *share]).collect();
    let mut tasks = Vec::with_capacity(count);
    for number in 0..count {
        // A step of 37 visits all hundred places, so that states are mixed however few tasks there are.
        let status = states[number * 37 % states.len()];
        let title = format!("{} {} ({number})", VERBS[number % VERBS.len()], THINGS[number % THINGS.len()]);
        let task = Task {
            id: TaskId::fresh(&mut SystemIds),
            body: format!(
                "{title}, and say what was found.\n\n```sh name=\"Look\"\nls -l\n```\n\n```sh name=\"Count\"\nwc -l *\n```"
            ),
            title,
            status,
            priority: [Priority::Medium, Priority::Low, Priority::High, Priority::Medium][number % 4],
            agent: Some(AgentId::from_name("runbook")),
            project: None,
            deadline: (number % 11 == 0).then(|| "2027-03-31".to_owned()),
            depends_on: Vec::new(),
            tags: vec![["home", "work", "club"][number % 3].to_owned()],
            attachments: Vec::new(),
            // Ranks of one length, with room between them.
            rank: format!("{number:05}V"),
            created_at: At(clock::now().0 - 60 * DAY_MS + number as i64),
        };
        fs::write(folder.join(format!("{number:05}.md")), TaskFile::create(&task))?;
        tasks.push(task);
    }
    Ok(tasks)
}

/// Lets an engine find, index and commit the files, as it does with files that a person puts there.
async fn take_over(home: &Home) -> Result<(), Error> {
    let lock = home.lock()?.ok_or(Error::Late("another engine has this home"))?;
    let engine = Engine::open(home.clone(), lock).await?;
    engine.make_runbook_agent().await?;
    // The first page was read, so that the app opens on its board.
    let welcomed = Patch { welcomed: Some(true), ..Patch::default() };
    engine.change_settings(&welcomed, Cause::nox()).await?;
    let deadline = Instant::now() + TAKE_OVER;
    while !engine.files().known().looked {
        if Instant::now() > deadline {
            return Err(Error::Late("the engine did not look at all task files in ten minutes"));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.close().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_domain::rows::kind;

    #[test]
    fn a_home_that_was_made_is_of_the_form_of_now() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = make_sessions(folder.path(), &[60, 40]).unwrap();
        let home = Home::at(folder.path()).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let forms = runtime.block_on(async {
            let store = Store::open(&home.database(), Options::default()).unwrap();
            let mut forms = vec![store.row("log", "form").await.unwrap().unwrap().body];
            for session in &sessions {
                let state = store.row(kind::SESSION_STATE, session.as_str()).await.unwrap().unwrap();
                let state: serde_json::Value = serde_json::from_str(&state.body).unwrap();
                forms.push(state["form"].to_string());
            }
            forms
        });
        assert_eq!(forms, vec![nox_engine::SESSION_FORM.to_string(); 3]);
    }
}
