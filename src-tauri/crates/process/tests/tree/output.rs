//! Output: tags, order, bounds, and an end that nobody can hold up.

use std::fs::OpenOptions;
use std::time::Duration;

use nox_process::{OutputStream, Stdin, StreamName};

use crate::support::*;

#[tokio::test]
async fn chunks_are_tagged_and_in_order() {
    let text = r#"while read -r line; do case $line in o*) echo "$line";; *) echo "$line" >&2;; esac; done"#;
    let mut spec = script("", text);
    spec.stdin = Stdin::Piped;
    let mut tree = spawn(&spec).await;
    let mut output = tree.take_output().unwrap();
    let mut last_at = 0;
    for round in 0..20 {
        let (stream, line) = match round % 3 {
            0 => (StreamName::Stderr, format!("e{round}\n")),
            _ => (StreamName::Stdout, format!("o{round}\n")),
        };
        tree.write(line.as_bytes()).await.unwrap();
        let chunk = output.next().await.unwrap();
        assert_eq!((chunk.stream, chunk.bytes), (stream, line.into_bytes()));
        assert!(chunk.received_at >= last_at && chunk.received_at > 1_700_000_000_000);
        last_at = chunk.received_at;
    }
    drop(tree.take_stdin());
    assert_eq!(read_all(&mut output).await, (String::new(), String::new()));
}

#[tokio::test]
async fn nothing_of_a_long_output_is_lost() {
    let mut tree = spawn(&script("", "seq 1 200000; echo end >&2")).await;
    let (stdout, stderr) = read_all(&mut tree.take_output().unwrap()).await;
    assert!(stdout.lines().map(|line| line.parse::<u32>().unwrap()).eq(1..=200_000));
    assert_eq!(stderr, "end\n");
    assert!(tree.wait().await.is_success());
}

/// Bytes that a process has given to write calls.
fn written_bytes(pid: u32) -> u64 {
    let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
    io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap().parse().unwrap()
}

/// Waits until a program has stood still for a while, and says how much it has written.
fn stand_still(pid: u32) -> u64 {
    let (mut last, mut looks) = (0, 0);
    wait_until(LONG, "the program waits", || {
        let now = written_bytes(pid);
        looks = if now == last && state(pid) == Some('S') { looks + 1 } else { 0 };
        last = now;
        looks > 40
    });
    last
}

async fn read_bytes(output: &mut OutputStream, at_least: usize) -> usize {
    let mut count = 0;
    while count < at_least {
        let chunk = output.next().await.unwrap();
        assert!(!chunk.bytes.is_empty() && chunk.bytes.len() <= 64 * 1024);
        count += chunk.bytes.len();
    }
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_consumer_stops_the_program_and_not_the_memory() {
    let mut tree = spawn(&spec("yes", &[])).await;
    let mut output = tree.take_output().unwrap();
    let program = tree.id().program.pid;
    // 16 chunks in the stream, what the pipe holds, and what the process wrote about itself before it was the program.
    let bound = 17 * 64 * 1024 + 16;
    let first = stand_still(program);
    assert!(first > 64 * 1024 && first <= bound, "{first}");
    let read = read_bytes(&mut output, 10_000_000).await as u64;
    let second = stand_still(program);
    assert!(second > first && second - read <= bound, "{second} - {read}");
    tree.kill();
    drop(output);
    assert_eq!(tree.wait().await.signal, Some(9));
}

#[tokio::test]
async fn output_that_nobody_wants_does_not_hold_the_program() {
    let mut tree = spawn(&script("", "seq 1 500000; exit 5")).await;
    drop(tree.take_output());
    assert_eq!(tokio::time::timeout(LONG, tree.wait()).await.unwrap().code, Some(5));
    // The same when it was never taken.
    let mut tree = spawn(&script("", "seq 1 500000; exit 6")).await;
    assert_eq!(tokio::time::timeout(LONG, tree.wait()).await.unwrap().code, Some(6));
}

#[tokio::test]
async fn a_stranger_that_holds_the_pipe_cannot_hold_up_the_end() {
    let mut tree = spawn(&script("", "echo first; sleep 1000")).await;
    let mut output = tree.take_output().unwrap();
    read_lines(&mut output, StreamName::Stdout, 1).await;
    // This process is outside the tree and now has the write end.
    let pipe = format!("/proc/{}/fd/1", tree.id().program.pid);
    let stranger = OpenOptions::new().write(true).open(pipe).unwrap();
    let flood = std::thread::spawn(move || {
        use std::io::Write;
        let mut stranger = stranger;
        // Ends with an error when the read end is closed, which is what this test is about.
        while stranger.write_all(&[b'x'; 1000]).is_ok() {}
    });
    tree.kill();
    let drain = async { while output.next().await.is_some() {} };
    tokio::time::timeout(LONG, drain).await.expect("the stream ends");
    let exit = tokio::time::timeout(Duration::from_secs(2), tree.wait()).await.expect("wait resolves");
    assert_eq!(exit.signal, Some(9));
    flood.join().unwrap();
}
