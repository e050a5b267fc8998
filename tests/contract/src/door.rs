//! A real MCP server at an address, behind a door that writes down what it is sent: whether the key came is seen there.
#![allow(
    clippy::disallowed_methods,
    reason = "a server that runs by itself is started by somebody else than Nox"
)]

use nox_test_support::poll;
use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
};

/// The server and its door; both are gone when this is dropped.
pub(crate) struct Door {
    port: u16,
    heard: Arc<Mutex<String>>,
    _server: Child,
}

impl Door {
    /// Starts the server and resolves when it listens.
    pub(crate) async fn open(server: &Path) -> Self {
        // The server takes no free port by itself; in a network of our own nobody else wants this one.
        let free = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let behind = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(server)
            .arg("streamableHttp")
            .env("PORT", behind.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        poll("the MCP server at its address", async || TcpStream::connect(("127.0.0.1", behind)).await.ok())
            .await;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(String::new()));
        let writes = heard.clone();
        tokio::spawn(async move {
            while let Ok((outer, _)) = listener.accept().await {
                tokio::spawn(pass(outer, behind, writes.clone()));
            }
        });
        Self { port, heard, _server: child }
    }

    /// Where an agent finds it.
    pub(crate) fn address(&self) -> String {
        format!("http://127.0.0.1:{}/mcp", self.port)
    }

    /// All that was sent to the server.
    pub(crate) fn heard(&self) -> String {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// One connection, to its end.
async fn pass(outer: TcpStream, behind: u16, heard: Arc<Mutex<String>>) {
    let Ok(inner) = TcpStream::connect(("127.0.0.1", behind)).await else { return };
    let ((mut from, mut back), (mut answers, mut to)) = (outer.into_split(), inner.into_split());
    let there = async {
        let mut buffer = [0; 8_192];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            let part = &buffer[..count];
            heard.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(part));
            if to.write_all(part).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    // The server closes a connection on which nothing was said for a while: who asks has to hear of that, or asks into nothing.
    let here = async {
        let _ = tokio::io::copy(&mut answers, &mut back).await;
        let _ = back.shutdown().await;
    };
    tokio::join!(there, here);
}
