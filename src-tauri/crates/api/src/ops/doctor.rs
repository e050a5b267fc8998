//! What is here, what is missing, and how to get it.

use crate::{Api, ApiError, dto::*};
use nox_engine::vitals::{Branch, Holding};
use std::path::{Path, PathBuf};

impl Api {
    /// Looks at everything that Nox needs.
    pub async fn doctor(&self, _: Nothing) -> Result<DoctorReport, ApiError> {
        let engine = self.engine();
        let mut checks = vec![good("home", "Home folder", engine.home().root().display().to_string())];
        checks.push(match engine.ledger().store().check().await {
            Ok(()) => good("database", "Database", "undamaged".into()),
            Err(error) => bad_check("database", "Database", error.to_string(), "Quit Nox and start it again: a damaged database is set aside, and the registry's files fill a new one."),
        });
        let known = engine.files().known();
        checks.push(match known.problems.len() {
            0 => {
                good("registry", "Registry", format!("{} agents, no file with an error", known.agents.len()))
            }
            count => {
                let first = known
                    .problems
                    .values()
                    .next()
                    .map_or(String::new(), |problem| format!("{}, line {}", problem.path, problem.line));
                warning(
                    "registry",
                    "Registry",
                    format!("{count} files with errors; the first is {first}"),
                    "Open the file at that line and mend it. Until then the last good version holds.",
                )
            }
        });
        let keychain = engine.keys().status().await;
        checks.push(match keychain.problem {
            None => good("keychain", "Keychain", keychain.backend),
            Some(problem) => warning(
                "keychain",
                "Keychain",
                problem,
                "Without it no API key can be stored. Runbooks need none.",
            ),
        });
        for shell in ["sh", "bash"] {
            checks.push(match find(shell) {
                Some(path) => good(shell, &format!("{shell}, for runbooks"), path.display().to_string()),
                None => warning(
                    shell,
                    &format!("{shell}, for runbooks"),
                    "not found on PATH".into(),
                    "Install it; blocks in this language cannot run.",
                ),
            });
        }
        checks.push(warning(
            "sandbox",
            "Sandbox",
            "none: what you allow runs with your rights".into(),
            "Read a command before you allow it. This version has no sandbox; every session says so.",
        ));
        checks.push(good("limits", "Limits of agents", limits_in_words(&nox_engine::vitals::holding())));
        if cfg!(target_os = "linux") {
            checks.push(match std::env::var_os("DBUS_SESSION_BUS_ADDRESS") {
                Some(_) => good("bus", "Session bus, for notifications and tray", "there".into()),
                None => warning(
                    "bus",
                    "Session bus, for notifications and tray",
                    "not found".into(),
                    "Start Nox inside a desktop session, or with dbus-run-session.",
                ),
            });
        }
        Ok(DoctorReport { checks })
    }
}

/// What holds the limits of process trees here.
fn limits_in_words(holding: &Holding) -> String {
    let words = |branch| match branch {
        Branch::CgroupV2 => "held by the kernel (control group, version 2)",
        Branch::CgroupV1 => "held by the kernel (control group, version 1)",
        Branch::Rlimit => "held loosely by the kernel, and watched",
        Branch::Watched => "watched: noticed up to a second later",
        Branch::None => "not held",
    };
    format!(
        "memory: {}; processor: {}; processes: {}; time, output and disk: watched by Nox",
        words(holding.memory),
        match holding.cpu {
            Branch::Watched => "held by freezing for moments",
            branch => words(branch),
        },
        words(holding.processes)
    )
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path: &PathBuf| Path::is_file(path))
}

fn good(code: &str, name: &str, found: String) -> Check {
    Check { code: code.into(), name: name.into(), state: CheckState::Good, found, hint: None }
}

fn warning(code: &str, name: &str, found: String, hint: &str) -> Check {
    Check { code: code.into(), name: name.into(), state: CheckState::Warning, found, hint: Some(hint.into()) }
}

fn bad_check(code: &str, name: &str, found: String, hint: &str) -> Check {
    Check { code: code.into(), name: name.into(), state: CheckState::Bad, found, hint: Some(hint.into()) }
}
