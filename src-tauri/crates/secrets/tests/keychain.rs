//! The keychain as it really is: gnome-keyring in a D-Bus session of the test's own, locked ones and dead ones.
//!
//! The address of the session bus is an environment variable of the whole process, so every test runs itself again as a
//! child process with the variables it needs (see [`in_a_session`]).
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use nox_secrets::{
    Error, ExposeSecret, Fallback, HomeId, Kept, KeychainState, SecretName, SecretString, Secrets,
    SecretsOptions, Tested,
};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

const CANARY: &str = "sk-canary-7f3a91-do-not-show";
const INSIDE: &str = "NOX_TEST_SESSION_DIR";

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test starts its own bus and keyring"
)]
fn command(program: impl AsRef<std::ffi::OsStr>) -> std::process::Command {
    std::process::Command::new(program)
}

/// A child process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(program: &str, arguments: &[&str], input: &str) -> Running {
    let child = command(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!("{program} did not start ({error}); install it: sudo apt install dbus gnome-keyring")
    });
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Running(child)
}

/// Runs `inside` in a copy of this process whose home and session bus are in a folder of the test's own.
fn in_a_session(test: &str, inside: impl AsyncFnOnce(PathBuf)) {
    if let Some(dir) = std::env::var_os(INSIDE) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(inside(PathBuf::from(dir)));
        // A stuck call must not hold back the end of the test.
        runtime.shutdown_background();
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let output = command(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, dir.path())
        .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", at("bus").display()))
        .env("HOME", dir.path())
        .env("XDG_DATA_HOME", at("data"))
        .env("XDG_CONFIG_HOME", at("config"))
        .env("XDG_RUNTIME_DIR", dir.path())
        .env_remove("DISPLAY")
        .env_remove("WAYLAND_DISPLAY")
        .output()
        .unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "the inner process failed:\n{text}");
    assert!(text.contains("1 passed"), "the inner process ran no test:\n{text}");
    assert!(!text.contains(CANARY), "the value was printed:\n{text}");
}

/// A bus without activation, so that nothing but what the test starts is on it.
fn start_bus(dir: &Path, socket: &Path) -> Running {
    let config = dir.join("bus.conf");
    let text = format!(
        "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>",
        socket.display()
    );
    std::fs::write(&config, text).unwrap();
    let bus = start("dbus-daemon", &["--nofork", &format!("--config-file={}", config.display())], "");
    wait_for("the bus", || socket.exists());
    bus
}

/// gnome-keyring with a default keyring under `password`, or with what it finds, locked, when there is none.
fn start_keyring(dir: &Path, password: Option<&str>) -> Running {
    let control = format!("--control-directory={}", dir.display());
    let mut arguments = vec!["--foreground", "--components=secrets", &control];
    arguments.extend(password.map(|_| "--unlock"));
    start("gnome-keyring-daemon", &arguments, &password.map(|text| format!("{text}\n")).unwrap_or_default())
}

fn wait_for(what: &str, mut there: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !there() {
        assert!(begin.elapsed() < Duration::from_secs(15), "{what} did not come");
        std::thread::sleep(Duration::from_millis(10));
    }
}

async fn wait_for_state(secrets: &Secrets, wanted: KeychainState) {
    let begin = Instant::now();
    loop {
        let state = secrets.status().await.state;
        if state == wanted {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(15), "wanted {wanted:?}, still {state:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn secrets(home: &str, time_limit: Duration, fallback: Fallback) -> Secrets {
    Secrets::start(SecretsOptions { home_id: HomeId::new(home).unwrap(), time_limit, fallback })
}

fn name(text: &str) -> SecretName {
    SecretName::new(text).unwrap()
}

fn value(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

#[test]
fn a_value_goes_to_the_keychain_and_comes_back() {
    in_a_session("a_value_goes_to_the_keychain_and_comes_back", async |dir: PathBuf| {
        let _bus = start_bus(&dir, &dir.join("bus"));
        let _keyring = start_keyring(&dir, Some("password"));
        let ours = secrets("home-a", Duration::from_secs(10), Fallback::MemoryOnly);
        wait_for_state(&ours, KeychainState::Available).await;
        let key = name("anthropic-api-key");

        assert_eq!(ours.test(&key).await, Ok(Tested::Missing));
        assert!(ours.get(&key).await.unwrap().is_none());
        assert_eq!(ours.put(&key, value("first")).await, Ok(Kept::InKeychain));
        assert_eq!(ours.put(&key, value(CANARY)).await, Ok(Kept::InKeychain));
        let found = ours.get(&key).await.unwrap().unwrap();
        assert_eq!(found.expose_secret(), CANARY);
        assert_eq!(ours.test(&key).await, Ok(Tested::Readable));
        assert!(ours.status().await.for_this_run.is_empty(), "nothing is kept beside the keychain");

        // A second opening of the same home finds it, another home does not.
        let again = secrets("home-a", Duration::from_secs(10), Fallback::Refuse);
        assert_eq!(again.get(&key).await.unwrap().unwrap().expose_secret(), CANARY);
        let other = secrets("home-b", Duration::from_secs(10), Fallback::Refuse);
        assert!(other.get(&key).await.unwrap().is_none());

        let shown = format!("{found:?} {ours:?} {:?} {:?}", ours.status().await, ours.get(&key).await);
        assert!(!shown.contains(CANARY), "{shown}");
        assert_eq!(ours.put(&key, value("")).await, Err(Error::EmptyValue));

        ours.delete(&key).await.unwrap();
        ours.delete(&key).await.unwrap();
        assert_eq!(ours.test(&key).await, Ok(Tested::Missing));
        assert_eq!(again.test(&key).await, Ok(Tested::Missing));
    });
}

#[test]
fn many_callers_at_once_are_all_answered() {
    in_a_session("many_callers_at_once_are_all_answered", async |dir: PathBuf| {
        let _bus = start_bus(&dir, &dir.join("bus"));
        let _keyring = start_keyring(&dir, Some("password"));
        let secrets = secrets("home", Duration::from_secs(10), Fallback::Refuse);
        wait_for_state(&secrets, KeychainState::Available).await;
        let mut tasks = Vec::new();
        for number in 0..20 {
            let secrets = secrets.clone();
            tasks.push(tokio::spawn(async move {
                let key = name(&format!("key-{number}"));
                secrets.put(&key, value(&format!("value-{number}"))).await.unwrap();
                let found = secrets.get(&key).await.unwrap().unwrap();
                assert_eq!(found.expose_secret(), format!("value-{number}"));
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
}

#[test]
fn without_a_keychain_nothing_is_kept_unless_chosen() {
    in_a_session("without_a_keychain_nothing_is_kept_unless_chosen", async |_dir: PathBuf| {
        let secrets = secrets("home", Duration::from_secs(5), Fallback::Refuse);
        let key = name("openai-api-key");
        let KeychainState::Unavailable { why, hint } = secrets.status().await.state else {
            panic!("no bus is there")
        };
        assert!(!why.is_empty() && hint.contains("gnome-keyring"), "{why} / {hint}");

        let error = secrets.put(&key, value(CANARY)).await.unwrap_err();
        assert!(matches!(error, Error::Unavailable { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains(CANARY));
        assert!(
            matches!(secrets.get(&key).await, Err(Error::Unavailable { .. })),
            "it was kept all the same"
        );

        secrets.set_fallback(Fallback::MemoryOnly);
        assert_eq!(secrets.put(&key, value(CANARY)).await, Ok(Kept::ForThisRun));
        assert_eq!(secrets.get(&key).await.unwrap().unwrap().expose_secret(), CANARY);
        assert_eq!(secrets.test(&key).await, Ok(Tested::Readable));
        let status = secrets.status().await;
        assert_eq!(
            (status.fallback, status.for_this_run.as_slice()),
            (Fallback::MemoryOnly, [key.clone()].as_slice())
        );
        assert!(!format!("{status:?} {secrets:?}").contains(CANARY));

        secrets.delete(&key).await.unwrap();
        assert!(secrets.status().await.for_this_run.is_empty());
    });
}

#[test]
fn a_locked_keyring_is_told_and_works_once_it_is_open() {
    in_a_session("a_locked_keyring_is_told_and_works_once_it_is_open", async |dir: PathBuf| {
        let _bus = start_bus(&dir, &dir.join("bus"));
        let secrets = secrets("home", Duration::from_millis(1500), Fallback::Refuse);
        let key = name("github-token");
        let keyring = start_keyring(&dir, Some("password"));
        wait_for_state(&secrets, KeychainState::Available).await;
        secrets.put(&key, value(CANARY)).await.unwrap();
        drop(keyring);

        let keyring = start_keyring(&dir, None);
        wait_for_state(&secrets, KeychainState::Locked).await;
        let begin = Instant::now();
        assert_eq!(secrets.get(&key).await.unwrap_err(), Error::Locked);
        assert_eq!(secrets.put(&key, value("other")).await, Err(Error::Locked));
        assert!(
            begin.elapsed() < Duration::from_secs(6),
            "a locked keyring held the caller for {:?}",
            begin.elapsed()
        );
        assert_eq!(secrets.status().await.state, KeychainState::Locked);
        drop(keyring);

        let _keyring = start_keyring(&dir, Some("password"));
        wait_for_state(&secrets, KeychainState::Available).await;
        let found = secrets.get(&key).await.unwrap().unwrap();
        assert_eq!(found.expose_secret(), CANARY, "the put that was refused must not have been done later");
    });
}

#[test]
fn an_unanswered_prompt_holds_nobody_for_longer_than_the_limit() {
    in_a_session("an_unanswered_prompt_holds_nobody_for_longer_than_the_limit", async |dir: PathBuf| {
        let _bus = start_bus(&dir, &dir.join("bus"));
        let secrets = secrets("home", Duration::from_millis(800), Fallback::MemoryOnly);
        let key = name("github-token");
        let keyring = start_keyring(&dir, Some("password"));
        wait_for_state(&secrets, KeychainState::Available).await;
        secrets.put(&key, value("in the keychain")).await.unwrap();
        drop(keyring);

        // The program that would ask for the password: it is there and never answers.
        let prompter =
            zbus::connection::Builder::session().unwrap().name("org.gnome.keyring.SystemPrompter").unwrap();
        let prompter = prompter.build().await.unwrap();
        let _keyring = start_keyring(&dir, None);
        wait_for_state(&secrets, KeychainState::Locked).await;

        let begin = Instant::now();
        assert_eq!(secrets.get(&key).await.unwrap_err(), Error::Locked);
        let first = begin.elapsed();
        assert!(first >= Duration::from_millis(800), "the prompt was not waited for: {first:?}");
        // The prompt is still open, so nobody is asked again and the answer comes at once.
        assert_eq!(secrets.get(&key).await.unwrap_err(), Error::Locked);
        assert!(begin.elapsed() - first < Duration::from_millis(500));
        assert_eq!(secrets.status().await.state, KeychainState::Locked);
        assert_eq!(secrets.put(&key, value(CANARY)).await, Ok(Kept::ForThisRun));
        assert_eq!(secrets.get(&key).await.unwrap().unwrap().expose_secret(), CANARY);
        drop(prompter);
    });
}

#[test]
fn a_call_that_hangs_is_given_up_and_the_next_one_works() {
    in_a_session("a_call_that_hangs_is_given_up_and_the_next_one_works", async |dir: PathBuf| {
        // The address leads to a socket that accepts (the kernel does) and never answers.
        let silent = UnixListener::bind(dir.join("bus")).unwrap();
        let secrets = secrets("home", Duration::from_millis(700), Fallback::Refuse);
        let key = name("slow");
        let begin = Instant::now();
        let (stuck, waiting) = tokio::join!(secrets.get(&key), secrets.get(&key));
        assert_eq!(stuck.unwrap_err(), Error::TimedOut { secs: 1 });
        assert_eq!(waiting.unwrap_err(), Error::TimedOut { secs: 1 }, "the one behind it had its own turn");
        assert!(begin.elapsed() < Duration::from_secs(5));

        std::fs::remove_file(dir.join("bus")).unwrap();
        let _bus = start_bus(&dir, &dir.join("real-bus"));
        symlink(dir.join("real-bus"), dir.join("bus")).unwrap();
        let _keyring = start_keyring(&dir, Some("password"));
        wait_for_state(&secrets, KeychainState::Available).await;
        assert_eq!(secrets.put(&key, value(CANARY)).await, Ok(Kept::InKeychain));
        assert_eq!(secrets.get(&key).await.unwrap().unwrap().expose_secret(), CANARY);
        drop(silent);
    });
}

#[test]
fn a_dead_keychain_costs_a_bounded_number_of_threads() {
    in_a_session("a_dead_keychain_costs_a_bounded_number_of_threads", async |dir: PathBuf| {
        let _silent = UnixListener::bind(dir.join("bus")).unwrap();
        let secrets = secrets("home", Duration::from_millis(200), Fallback::Refuse);
        let key = name("slow");
        for _ in 0..4 {
            assert_eq!(secrets.get(&key).await.unwrap_err(), Error::TimedOut { secs: 1 });
        }
        for _ in 0..20 {
            let begin = Instant::now();
            assert!(matches!(secrets.get(&key).await, Err(Error::Unavailable { .. })));
            assert!(begin.elapsed() < Duration::from_millis(150), "refused at once, not after waiting");
        }
        assert!(matches!(secrets.status().await.state, KeychainState::Unavailable { .. }));
        let threads = std::fs::read_dir("/proc/self/task").unwrap().filter(|task| {
            let comm = task.as_ref().unwrap().path().join("comm");
            std::fs::read_to_string(comm).is_ok_and(|name| name.trim() == "nox-keychain")
        });
        assert_eq!(threads.count(), 4);
    });
}
