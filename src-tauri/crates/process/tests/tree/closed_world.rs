//! A program gets what its spec names, and nothing else.

use std::collections::BTreeMap;
use std::path::PathBuf;

use nox_process::{Error, Stdin, StreamName};

use crate::support::*;

fn descriptors(pid: u32) -> BTreeMap<u32, PathBuf> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    entries
        .map(|entry| {
            let number = entry.file_name().to_str().unwrap().parse().unwrap();
            (number, std::fs::read_link(entry.path()).unwrap_or_default())
        })
        .collect()
}

#[tokio::test]
async fn the_environment_is_what_the_spec_says() {
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "the canary is set by whoever runs the tests");
    let mut spec = spec("env", &[]);
    spec.env = vec![("PATH".into(), "/usr/bin:/bin".into()), ("A".into(), "b c".into())];
    let mut tree = spawn(&spec).await;
    let mark = format!("NOX_TREE={}-{}", tree.id().shim.pid, tree.id().shim.started_at_ticks);
    let (stdout, _) = read_all(&mut tree.take_output().unwrap()).await;
    let mut lines: Vec<&str> = stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["A=b c", mark.as_str(), "PATH=/usr/bin:/bin"]);
}

#[tokio::test]
async fn only_the_three_streams_are_inherited() {
    // Open to every child, as a careless library would leave it.
    let canary = std::fs::File::open("/dev/zero").unwrap();
    let _canary = nix::unistd::dup(&canary).unwrap();

    let mut tree = spawn(&spec("sleep", &["1000"])).await;
    let id = tree.id().clone();
    // Right after its start a program opens libraries and closes them again; what was inherited would stay.
    wait_until(LONG, "a program with three descriptors", || {
        descriptors(id.program.pid).into_keys().eq(0..=2)
    });
    assert_eq!(descriptors(id.program.pid)[&0], PathBuf::from("/dev/null"));

    // The shim gives the streams up right after its first report.
    let null = PathBuf::from("/dev/null");
    wait_until(LONG, "the shim lets go of the streams", || {
        let shims = descriptors(id.shim.pid);
        (0..=2).all(|stream| shims.get(&stream) == Some(&null))
    });
    let shims = descriptors(id.shim.pid);
    assert_eq!(shims.len(), 3 + 2 + 2, "streams, lifeline and report, the pipe for signals: {shims:?}");
    tree.kill();
    tree.wait().await;
}

#[tokio::test]
async fn a_later_child_does_not_hold_the_lifeline_of_an_earlier_one() {
    let (first_mark, second_mark) = (new_mark(), new_mark());
    let first = spawn(&script(&first_mark, "sleep 1000")).await;
    let second = spawn(&script(&second_mark, "sleep 1000")).await;
    drop(first);
    assert_gone(&first_mark);
    assert!(!marked(&second_mark).is_empty());
    drop(second);
    assert_gone(&second_mark);
}

#[tokio::test]
async fn closed_input_is_at_its_end() {
    let mut tree = spawn(&script("", "cat; echo done")).await;
    assert!(matches!(tree.write(b"x").await, Err(Error::Input { .. })));
    assert_eq!(read_all(&mut tree.take_output().unwrap()).await.0, "done\n");
}

#[tokio::test]
async fn piped_input_arrives_and_ends() {
    let mut spec = script("", "cat; echo done");
    spec.stdin = Stdin::Piped;
    let mut tree = spawn(&spec).await;
    let mut output = tree.take_output().unwrap();
    tree.write(b"hello\n").await.unwrap();
    assert_eq!(read_lines(&mut output, StreamName::Stdout, 1).await, ["hello"]);
    drop(tree.take_stdin());
    assert_eq!(read_all(&mut output).await.0, "done\n");
    assert!(tree.wait().await.is_success());
}

#[tokio::test]
async fn signals_and_sessions_are_as_new() {
    // SigBlk and SigIgn of the program: Rust ignores SIGPIPE, and that must not be passed on.
    let mut tree = spawn(&spec("sleep", &["1000"])).await;
    let id = tree.id().clone();
    let status = std::fs::read_to_string(format!("/proc/{}/status", id.program.pid)).unwrap();
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim().to_owned();
    let set = |name: &str| u64::from_str_radix(&field(name), 16).unwrap();
    // Signals 32 and 33 belong to the C library, which lets nobody change them; see signal(7).
    let of_the_c_library = 0b11 << 31;
    assert_eq!((set("SigBlk:"), set("SigIgn:") & !of_the_c_library), (0, 0));
    let session =
        |pid: u32| nix::unistd::getsid(Some(nix::unistd::Pid::from_raw(pid.cast_signed()))).unwrap().as_raw();
    assert_eq!(session(id.program.pid), id.program.pid.cast_signed());
    assert_eq!(session(id.shim.pid), id.shim.pid.cast_signed());
    tree.kill();
    tree.wait().await;
}
