//! A window of the size of the app's with an empty page. The benchmarks start it beside the app: what Nox costs is told
//! against it. When its page is on the screen, two frames after it stands, as the app says of its board, it writes the
//! file that `NOX_BENCH_READY` names.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

#[tauri::command]
fn ready() -> Result<(), String> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let Some(path) = std::env::var_os("NOX_BENCH_READY").map(PathBuf::from) else { return Ok(()) };
    std::fs::write(path, format!("{:.3}\n", now.as_micros() as f64 / 1000.0))
        .map_err(|error| error.to_string())
}

#[allow(clippy::disallowed_methods, reason = "the macro ends a program whose embedded page cannot be read")]
fn context() -> tauri::Context {
    tauri::generate_context!()
}

fn main() -> tauri::Result<()> {
    tauri::Builder::default().invoke_handler(tauri::generate_handler![ready]).run(context())
}
