//! Hands an address or a path to the program that the system has for it. [`links`](crate::links) says what may be opened.
//!
//! What opens is the person's and outlives Nox: no shim holds it, and the terminal that Nox may run in does not end it. It
//! gets the environment that Nox was started with, without what Nox has set for its own web view.

#[cfg(not(target_os = "linux"))]
pub(crate) use open::that_detached as open;

#[cfg(target_os = "linux")]
pub(crate) use linux::open;

#[cfg(target_os = "linux")]
mod linux {
    use crate::display;
    use std::{
        io,
        os::unix::process::CommandExt,
        process::{Command, Stdio},
        sync::mpsc::{self, RecvTimeoutError},
        thread,
        time::Duration,
    };

    /// How long a launcher is waited for, one after the other: those that have nothing to open with say so at once.
    const LOOKED_AT: Duration = Duration::from_millis(250);

    /// # Errors
    /// No launcher took it.
    pub(crate) fn open(target: &str) -> io::Result<()> {
        first_that_takes(open::commands(target), display::set_for_the_web_view())
    }

    fn first_that_takes(launchers: Vec<Command>, without: &[&str]) -> io::Result<()> {
        let mut why = None;
        for launcher in launchers {
            match launch(launcher, without) {
                Ok(()) => return Ok(()),
                // What a launcher says is worth more than that another one is missing.
                Err(error) if why.is_none() || error.kind() != io::ErrorKind::NotFound => why = Some(error),
                Err(_) => {}
            }
        }
        Err(why.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn launch(mut launcher: Command, without: &[&str]) -> io::Result<()> {
        for name in without {
            launcher.env_remove(name);
        }
        let quiet = launcher.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = quiet.process_group(0).spawn()?;
        let (say, end) = mpsc::sync_channel(1);
        // It may be the opened program itself, which lives for hours. Who waits for it keeps no zombie.
        let waiting = move || drop(say.send(child.wait()));
        thread::Builder::new().name("nox-opened".into()).spawn(waiting)?;
        match end.recv_timeout(LOOKED_AT) {
            Ok(status) => match status? {
                status if status.success() => Ok(()),
                status => Err(io::Error::other(format!("the system's opener ended with {status}"))),
            },
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Ok(()),
        }
    }

    #[cfg(test)]
    mod tests {
        #![allow(clippy::unwrap_used, clippy::disallowed_methods)]
        use super::*;

        fn shell(line: &str) -> Command {
            let mut command = Command::new("sh");
            command.args(["-c", line]).env("NOX_TEST_OURS", "1").env("NOX_TEST_THEIRS", "2");
            command
        }

        #[test]
        fn what_is_opened_has_none_of_the_names_that_are_taken_out() {
            let line = r#"[ -z "${NOX_TEST_OURS+set}" ] && [ "$NOX_TEST_THEIRS" = 2 ]"#;
            first_that_takes(vec![shell(line)], &["NOX_TEST_OURS"]).unwrap();
            assert!(first_that_takes(vec![shell(line)], &[]).is_err());
        }

        #[test]
        fn the_next_launcher_is_asked_and_what_one_says_is_told() {
            let missing = || Command::new("/nowhere/opener");
            first_that_takes(vec![missing(), shell("exit 3"), shell("exit 0")], &[]).unwrap();
            let error = first_that_takes(vec![shell("exit 3"), missing()], &[]).unwrap_err();
            assert!(error.to_string().contains("exit status: 3"), "{error}");
            let error = first_that_takes(vec![missing()], &[]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}
