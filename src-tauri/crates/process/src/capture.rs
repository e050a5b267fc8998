//! Runs a short program to its end and keeps what it wrote, within limits. For questions such as "which git is here?".

use std::time::Duration;

use crate::{Exit, ProcessTree, Result, ShimPath, SpawnSpec, StreamName};

/// What a captured program may use.
#[derive(Debug, Clone, Copy)]
pub struct CaptureLimits {
    /// Bytes that are kept of each stream. The rest is read and thrown away.
    pub max_bytes: usize,
    /// Time until the program is ended.
    pub timeout: Duration,
}

/// What a captured program did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// The first bytes of stdout.
    pub stdout: Vec<u8>,
    /// The first bytes of stderr.
    pub stderr: Vec<u8>,
    /// Bytes of both streams that were thrown away.
    pub dropped_bytes: u64,
    /// How the program ended.
    pub exit: Exit,
    /// Why it ended.
    pub ending: Ending,
}

/// Why a captured program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Own,
    /// Because its time was over.
    TimedOut,
}

/// Runs a program and waits until nothing of it is left.
///
/// # Errors
/// Those of [`ProcessTree::spawn`]. A program that fails or takes too long is no error here.
pub async fn capture(spec: &SpawnSpec, shim: &ShimPath, limits: CaptureLimits) -> Result<Captured> {
    let mut tree = ProcessTree::spawn(spec, shim).await?;
    // Nothing is written, so a program that reads must see the end.
    drop(tree.take_stdin());
    let mut captured = Captured {
        stdout: Vec::new(),
        stderr: Vec::new(),
        dropped_bytes: 0,
        exit: Exit::UNKNOWN,
        ending: Ending::Own,
    };
    if let Some(mut output) = tree.take_output() {
        let read_all = async {
            while let Some(chunk) = output.next().await {
                let kept = match chunk.stream {
                    StreamName::Stdout => &mut captured.stdout,
                    StreamName::Stderr => &mut captured.stderr,
                };
                let room = chunk.bytes.len().min(limits.max_bytes - kept.len());
                kept.extend_from_slice(&chunk.bytes[..room]);
                captured.dropped_bytes += (chunk.bytes.len() - room) as u64;
            }
            // A program may close its streams and go on.
            tree.wait().await;
        };
        if tokio::time::timeout(limits.timeout, read_all).await.is_err() {
            captured.ending = Ending::TimedOut;
            tree.kill();
        }
    }
    captured.exit = tree.wait().await;
    Ok(captured)
}
