//! The control socket with real engines: clients beside each other, and lines that no good client sends.
#![allow(clippy::unwrap_used, clippy::expect_used)]
use super::*;
use crate::{
    Api, ErrorCode, Home,
    dto::{CreateTask, Face, Nothing, Place, Push, Recorded, TaskList},
};
use nox_domain::ids::CommandId;
use std::{
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::UnixStream,
    time::timeout,
};

const LONG: Duration = Duration::from_secs(20);

async fn open(root: &Path) -> Api {
    let home = Home::at(root).unwrap();
    let lock = home.lock().unwrap().expect("the lock is free");
    Api::open(home, lock).await.expect("run cargo build -p nox-shim first")
}

fn fresh() -> CommandId {
    CommandId::from_uuid(uuid::Uuid::now_v7())
}

fn task(title: &str) -> CreateTask {
    CreateTask { title: title.into(), ..CreateTask::default() }
}

#[tokio::test]
async fn clients_do_operations_hear_each_other_and_bring_the_window_up() {
    let folder = tempfile::tempdir().unwrap();
    let api = open(folder.path()).await;
    let shown = Arc::new(Mutex::new(vec![]));
    let control = serve(api.clone(), {
        let shown = shown.clone();
        move |wish| shown.lock().unwrap().push(wish)
    })
    .unwrap();
    let mode = std::fs::metadata(folder.path().join("run/control.sock")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::metadata(folder.path().join("run")).unwrap().permissions().mode() & 0o777, 0o700);

    let one = Client::connect(folder.path()).await.unwrap();
    let two = Client::connect(folder.path()).await.unwrap();
    assert_eq!(one.hello().pid, std::process::id());
    assert_eq!(one.hello().windows, 0);
    assert_eq!(*control.clients().borrow(), 2);

    let heard = two.subscribe().await.unwrap();
    let command = fresh();
    let recorded: Recorded =
        one.call("create_task", Some(command.clone()), Face::Cli, &task("From one")).await.unwrap();
    let again: Recorded = one.call("create_task", Some(command), Face::Cli, &task("From one")).await.unwrap();
    assert_eq!(again.task, recorded.task, "the same command is answered from its receipt");
    let push = timeout(LONG, heard.next()).await.unwrap().unwrap();
    assert!(matches!(&push, Push::Changed { .. }), "{push:?}");
    let tasks: TaskList = two.call("list_tasks", None, Face::Cli, &Nothing {}).await.unwrap();
    assert_eq!(tasks.tasks.len(), 1);

    two.focus(Some(Place::Approvals)).await.unwrap();
    two.quit().await.unwrap();
    assert_eq!(*shown.lock().unwrap(), [Wish::Focus(Some(Place::Approvals)), Wish::Quit]);

    let mut windows = two.windows();
    let window = api.attach_window();
    timeout(LONG, windows.wait_for(|count| *count == 1)).await.unwrap().unwrap();
    drop(window);
    timeout(LONG, windows.wait_for(|count| *count == 0)).await.unwrap().unwrap();

    let unknown = one.call::<serde_json::Value>("dance", None, Face::Cli, &Nothing {}).await;
    assert!(matches!(unknown, Err(Error::Api(error)) if error.code == ErrorCode::UnknownOperation));

    drop(one);
    timeout(LONG, control.clients().wait_for(|count| *count == 1)).await.unwrap().unwrap();
    control.close().await;
    timeout(LONG, async { while heard.next().await.is_some() {} }).await.expect("the subscription ends");
    assert!(matches!(two.focus(None).await, Err(Error::Ended)));
    assert!(!folder.path().join("run/control.sock").exists());
    api.close().await;
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_an_engine_without_window_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let api = open(folder.path()).await;
    // A listener that is gone leaves its file.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join("run/control.sock")).unwrap());
    let control = serve_without_window(api.clone()).unwrap();
    let client = Client::connect(folder.path()).await.unwrap();
    let error = client.focus(None).await.unwrap_err();
    assert!(error.to_string().contains("without a window"), "{error}");
    let error = client.quit().await.unwrap_err();
    assert!(error.to_string().contains("without a window"), "{error}");
    drop(control);
    api.close().await;
}

#[tokio::test]
async fn a_home_with_a_long_path_is_found_by_its_pointer() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("deep".repeat(30));
    let api = open(&root).await;
    let control = serve_without_window(api.clone()).unwrap();
    assert!(root.join("run/control.path").exists());
    let client = Client::connect(&root).await.unwrap();
    assert_eq!(client.hello().home, root.display().to_string());
    control.close().await;
    assert!(!root.join("run/control.path").exists());
    api.close().await;
}

#[tokio::test]
async fn a_client_waits_for_an_engine_that_is_starting() {
    let folder = tempfile::tempdir().unwrap();
    let api = open(folder.path()).await;
    let root = folder.path().to_owned();
    let connecting = tokio::spawn(async move { Client::connect(&root).await });
    tokio::task::yield_now().await;
    let control = serve_without_window(api.clone()).unwrap();
    timeout(LONG, connecting).await.unwrap().unwrap().unwrap();
    drop(control);
    api.close().await;
}

async fn last_line(stream: UnixStream) -> String {
    let mut bytes = Vec::new();
    let mut read = BufReader::new(stream);
    // A connection that is closed with something unread ends with an error behind its last line.
    let _ = timeout(LONG, read.read_to_end(&mut bytes)).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    text.lines().last().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn bad_lines_are_answered_and_end_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let api = open(folder.path()).await;
    let control = serve_without_window(api.clone()).unwrap();
    let path = folder.path().join("run/control.sock");
    let hello = b"{\"hello\":{\"version\":\"x\",\"protocol\":1}}\n";

    let mut rude = UnixStream::connect(&path).await.unwrap();
    rude.write_all(b"{\"id\":1,\"subscribe\":{}}\n").await.unwrap();
    assert!(last_line(rude).await.contains("must be hello"));

    let mut old = UnixStream::connect(&path).await.unwrap();
    old.write_all(b"{\"hello\":{\"version\":\"x\",\"protocol\":9}}\n").await.unwrap();
    assert!(last_line(old).await.contains("unknown_operation"));

    let mut odd = UnixStream::connect(&path).await.unwrap();
    odd.write_all(hello).await.unwrap();
    odd.write_all(b"{\"id\":1,\"fly\":{}}\n").await.unwrap();
    assert!(last_line(odd).await.contains("not understood"));

    let mut long = UnixStream::connect(&path).await.unwrap();
    long.write_all(hello).await.unwrap();
    let mut told = BufReader::new(&mut long).lines();
    timeout(LONG, told.next_line()).await.unwrap().unwrap().unwrap();
    // The engine closes as soon as it has seen too much, so the end of the writing may fail.
    let _ = timeout(LONG, long.write_all(&vec![b'x'; MAX_ASKED_BYTES + 1])).await.unwrap();
    assert!(last_line(long).await.contains(&format!("more than {MAX_ASKED_BYTES} bytes")));

    let too_long = Client::connect(folder.path()).await.unwrap();
    let big = CreateTask { body: "x".repeat(MAX_ASKED_BYTES), ..task("Big") };
    let answer = too_long.call::<Recorded>("create_task", Some(fresh()), Face::Cli, &big).await;
    assert!(matches!(answer, Err(Error::Api(error)) if error.code == ErrorCode::BadInput));
    let _: TaskList = too_long.call("list_tasks", None, Face::Cli, &Nothing {}).await.expect("it goes on");
    control.close().await;
    api.close().await;
}
