//! `nox-model-server [--port N] [SCRIPT]`: the scripted model server as a program, for tests in other languages.
//!
//! Prints its address in one line, then serves until standard input ends, so that it never outlives who started it.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for tests says its address and its mistakes"
)]

use nox_test_support::model::{ModelServer, Script};
use std::{io::Write, process::ExitCode};
use tokio::io::AsyncReadExt;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("nox-model-server: {message}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), String> {
    let (mut port, mut script) = (0, Script::default());
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--port" {
            let number = words.next().unwrap_or_default();
            port = number.parse().map_err(|_| format!("{number} is no port"))?;
        } else {
            let text = std::fs::read_to_string(&word).map_err(|error| format!("{word}: {error}"))?;
            script = serde_json::from_str(&text).map_err(|error| format!("{word}: {error}"))?;
        }
    }
    let server = ModelServer::start_at(port, script).await.map_err(|error| error.to_string())?;
    println!("{}", server.address());
    std::io::stdout().flush().map_err(|error| error.to_string())?;
    let mut ignored = [0; 256];
    let mut input = tokio::io::stdin();
    while input.read(&mut ignored).await.is_ok_and(|count| count > 0) {}
    Ok(())
}
