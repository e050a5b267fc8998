//! Output of a tree: two pipes read by one task into one bounded stream.
//!
//! The task takes a place in the stream before it reads, so a slow consumer leaves the bytes in the pipes, the pipes fill
//! up, and the program waits in its write. Memory for a tree is at most [`CHUNKS`] times [`CHUNK_BYTES`].

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::net::unix::pipe;
use tokio::sync::{mpsc, oneshot};

/// The longest chunk, in bytes: what a pipe of Linux holds by default.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// More than a pipe holds, where the system does not say: the default of `fs.pipe-max-size`, see pipe(7).
const LARGEST_PIPE_BYTES: usize = 1024 * 1024;

/// How many chunks wait for the consumer at most.
const CHUNKS: usize = 16;

/// Which pipe bytes came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StreamName {
    /// Descriptor 1 of the program.
    Stdout,
    /// Descriptor 2 of the program.
    Stderr,
}

/// Bytes as they came, at most 64 KiB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputChunk {
    /// The pipe.
    pub stream: StreamName,
    /// The bytes, never empty. They may end inside a line or a character.
    pub bytes: Vec<u8>,
    /// When they were read, UTC milliseconds.
    pub received_at: i64,
}

/// The output of a tree, in the order it arrived.
///
/// Two pipes have no common order but the time they are read at: what a program writes to both at the same moment may
/// come in either order. Dropping the stream throws away what is still to come and lets the program run on.
#[derive(Debug)]
pub struct OutputStream(mpsc::Receiver<OutputChunk>);

impl OutputStream {
    /// The next chunk; none when both pipes have ended.
    pub async fn next(&mut self) -> Option<OutputChunk> {
        self.0.recv().await
    }
}

/// A pipe that is being read, until its end.
struct Source {
    stream: StreamName,
    pipe: Option<pipe::Receiver>,
}

impl Source {
    /// Waits until a read has an answer; for ever once the pipe has ended.
    async fn ready(&self) {
        match &self.pipe {
            // An error comes again from the read, where it ends the source.
            Some(pipe) => drop(pipe.readable().await),
            None => std::future::pending().await,
        }
    }

    /// How much the pipe holds at most.
    fn held_bytes(&self) -> usize {
        #[cfg(target_os = "linux")]
        if let Some(pipe) = &self.pipe
            && let Ok(bytes) = nix::fcntl::fcntl(pipe, nix::fcntl::FcntlArg::F_GETPIPE_SZ)
        {
            return usize::try_from(bytes).unwrap_or(LARGEST_PIPE_BYTES);
        }
        LARGEST_PIPE_BYTES
    }

    /// Reads what is there now, without asking the runtime whether it has noticed.
    fn read(&mut self, buffer: &mut [u8]) -> Option<usize> {
        let pipe = self.pipe.as_ref()?;
        match nix::unistd::read(pipe, buffer) {
            Ok(count @ 1..) => Some(count),
            Err(nix::Error::EAGAIN | nix::Error::EINTR) => None,
            Ok(0) | Err(_) => {
                self.pipe = None;
                None
            }
        }
    }

    /// The same, telling the runtime when there was nothing, so that `ready` waits again.
    fn read_after_ready(&mut self, buffer: &mut [u8]) -> Option<usize> {
        match self.pipe.as_ref()?.try_read(buffer) {
            Ok(count @ 1..) => Some(count),
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                None
            }
            Ok(0) | Err(_) => {
                self.pipe = None;
                None
            }
        }
    }
}

/// Makes the stream and the task that fills it.
///
/// The task ends when both pipes have ended. After `emptied` it reads only what the pipes still hold: a process outside
/// the tree that was handed one of them cannot keep it.
pub(crate) fn stream(
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
    emptied: oneshot::Receiver<()>,
) -> (OutputStream, impl Future<Output = ()> + Send + 'static) {
    let (sender, receiver) = mpsc::channel(CHUNKS);
    let sources = [
        Source { stream: StreamName::Stdout, pipe: Some(stdout) },
        Source { stream: StreamName::Stderr, pipe: Some(stderr) },
    ];
    (OutputStream(receiver), pump(sources, sender, emptied))
}

async fn pump(
    mut sources: [Source; 2],
    sender: mpsc::Sender<OutputChunk>,
    mut emptied: oneshot::Receiver<()>,
) {
    let mut buffer = vec![0; CHUNK_BYTES];
    while sources.iter().any(|source| source.pipe.is_some()) {
        // None is a consumer that is gone: the bytes are read all the same, so that the program is not held up.
        let place = sender.reserve().await.ok();
        let [stdout, stderr] = &mut sources;
        let (stream, count) = tokio::select! {
            () = stdout.ready() => (StreamName::Stdout, stdout.read_after_ready(&mut buffer)),
            () = stderr.ready() => (StreamName::Stderr, stderr.read_after_ready(&mut buffer)),
            // Also when the other end was dropped: nobody is left who could tell.
            _ = &mut emptied => break,
        };
        if let (Some(place), Some(count)) = (place, count) {
            place.send(chunk(stream, &buffer[..count]));
        }
    }
    for mut source in sources {
        // A stranger that holds the pipe may go on writing, so what was in it when the tree ended is the most.
        let mut rest = source.held_bytes();
        while rest > 0 {
            let place = sender.reserve().await.ok();
            let Some(count) = source.read(&mut buffer) else { break };
            rest = rest.saturating_sub(count);
            if let Some(place) = place {
                place.send(chunk(source.stream, &buffer[..count]));
            }
        }
    }
}

fn chunk(stream: StreamName, bytes: &[u8]) -> OutputChunk {
    OutputChunk { stream, bytes: bytes.to_vec(), received_at: now() }
}

/// The time, UTC milliseconds; 0 for a clock before 1970.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
