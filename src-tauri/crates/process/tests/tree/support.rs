//! What the tests of this program share: specs, marks, and looking at processes from outside.

use std::ffi::OsString;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use nox_process::{OutputStream, ProcessTree, ShimPath, SpawnSpec, Stdin, StreamName, TreeLimits};

/// A safety net: nothing here takes this long unless it hangs.
pub(crate) const LONG: Duration = Duration::from_secs(20);

pub(crate) fn shim() -> ShimPath {
    ShimPath::locate().expect("run cargo build -p nox-shim first")
}

/// A value that no other process has in its environment. Dropping it ends what still carries it, so that a test that
/// fails leaves nothing behind.
pub(crate) struct Mark(String);

impl std::ops::Deref for Mark {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        for (pid, _) in marked(self) {
            let _ = kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
        }
    }
}

/// A mark that another process was given.
pub(crate) fn mark_of(text: String) -> Mark {
    Mark(text)
}

pub(crate) fn new_mark() -> Mark {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    Mark(format!("{}-{since}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)))
}

pub(crate) fn spec(program: &str, args: &[&str]) -> SpawnSpec {
    SpawnSpec {
        program: program.into(),
        args: args.iter().map(OsString::from).collect(),
        cwd: std::env::temp_dir(),
        env: nox_process::allowed_environment(&[]),
        stdin: Stdin::Closed,
        grace: Duration::from_secs(5),
        limits: TreeLimits::default(),
    }
}

/// A shell script whose processes carry a mark.
pub(crate) fn script(mark: &str, text: &str) -> SpawnSpec {
    let mut spec = spec("sh", &["-c", text]);
    spec.env.push(("NOX_TEST_MARK".into(), mark.into()));
    spec
}

pub(crate) async fn spawn(spec: &SpawnSpec) -> ProcessTree {
    tokio::time::timeout(LONG, ProcessTree::spawn(spec, &shim())).await.expect("a start in time").unwrap()
}

/// Reads the output until a stream has given so many lines.
pub(crate) async fn read_lines(output: &mut OutputStream, stream: StreamName, count: usize) -> Vec<String> {
    let mut text = Vec::new();
    while text.iter().filter(|byte| **byte == b'\n').count() < count {
        let chunk =
            tokio::time::timeout(LONG, output.next()).await.expect("output in time").expect("more output");
        if chunk.stream == stream {
            text.extend_from_slice(&chunk.bytes);
        }
    }
    String::from_utf8(text).unwrap().lines().map(str::to_owned).collect()
}

/// Everything that is still to come from both streams.
pub(crate) async fn read_all(output: &mut OutputStream) -> (String, String) {
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    while let Some(chunk) = tokio::time::timeout(LONG, output.next()).await.expect("output in time") {
        match chunk.stream {
            StreamName::Stdout => stdout.extend(chunk.bytes),
            StreamName::Stderr => stderr.extend(chunk.bytes),
        }
    }
    (String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// The living processes with a mark, each with its state. A process that has ended shows no environment.
pub(crate) fn marked(mark: &str) -> Vec<(u32, char)> {
    let entry = format!("NOX_TEST_MARK={mark}");
    let pids = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|found| found == entry.as_bytes())
    })
    .filter_map(|pid| Some((pid, state(pid)?)))
    .collect()
}

/// The state letter of a process, see proc(5).
pub(crate) fn state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

/// Looks until something is so, and says how long it took.
pub(crate) fn wait_until(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
    began.elapsed()
}

/// Asserts that all processes with a mark are gone within two seconds.
pub(crate) fn assert_gone(mark: &str) {
    let began = Instant::now();
    loop {
        let left = marked(mark);
        if left.is_empty() {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(2), "still there: {left:?}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Starts what likes to stay: a daemon in a session of its own, twice forked, that ignores SIGTERM and SIGHUP, and a
/// stopped child. Prints a line for each.
pub(crate) const ESCAPERS: &str = r#"
(setsid sh -c 'trap "" TERM HUP INT; echo daemon; while :; do sleep 1; done' &)
sh -c 'sh -c "echo stopped; kill -STOP \$\$; sleep 1000"' &
"#;

/// Waits until both of [`ESCAPERS`] are where they want to be: three shells and a sleep at least, one stopped.
pub(crate) async fn wait_for_escapers(mark: &str, output: &mut OutputStream) {
    read_lines(output, StreamName::Stdout, 2).await;
    wait_until(LONG, "a stopped process", || marked(mark).iter().any(|(_, state)| *state == 'T'));
}
