//! Sending: streams of events at their pace, faults, statuses. The wires only say what the events are.

use super::script::{Fault, Reply};
use axum::{
    body::{Body, Bytes},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::Value;
use std::{io, time::Duration};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How long what was said may take to be on the wire.
const FLUSH: Duration = Duration::from_millis(50);

/// How events are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Framing {
    /// `event: NAME`, `data: JSON`, an empty line.
    NamedEvents,
    /// `data: JSON`, an empty line.
    Events,
    /// One JSON in each line.
    Lines,
}

/// One event of a stream.
pub(super) struct Piece {
    name: &'static str,
    data: String,
    /// Whether the pace of the script holds for it.
    paced: bool,
}

impl Piece {
    pub(super) fn of(name: &'static str, data: &Value) -> Self {
        Self { name, data: data.to_string(), paced: false }
    }

    /// A part of a text, sent at the script's pace.
    pub(super) fn paced(name: &'static str, data: &Value) -> Self {
        Self { name, data: data.to_string(), paced: true }
    }

    /// What is no JSON: the mark at the end of some streams.
    pub(super) fn raw(data: &str) -> Self {
        Self { name: "", data: data.to_owned(), paced: false }
    }

    fn bytes(&self, framing: Framing) -> Bytes {
        match framing {
            Framing::NamedEvents => format!("event: {}\ndata: {}\n\n", self.name, self.data),
            Framing::Events => format!("data: {}\n\n", self.data),
            Framing::Lines => format!("{}\n", self.data),
        }
        .into()
    }
}

/// Streams a reply: what it says, then its fault or its end.
pub(super) fn stream(framing: Framing, reply: &Reply, said: Vec<Piece>, end: Vec<Piece>) -> Response {
    let (sender, receiver) = mpsc::channel::<io::Result<Bytes>>(4);
    let (fault, every_ms, first_ms) = (reply.fault.clone(), reply.every_ms, reply.first_ms);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(first_ms)).await;
        for piece in said {
            if piece.paced && every_ms > 0 {
                tokio::time::sleep(Duration::from_millis(every_ms)).await;
            }
            // Nobody listens any more.
            if sender.send(Ok(piece.bytes(framing))).await.is_err() {
                return;
            }
        }
        match fault {
            Some(Fault::Hang) => return sender.closed().await,
            Some(Fault::Cut) => {
                // The server throws away what it has not written yet when a body fails: that has to go out first.
                tokio::time::sleep(FLUSH).await;
                let cut = io::Error::new(io::ErrorKind::ConnectionReset, "cut by the script");
                let _ = sender.send(Err(cut)).await;
                return;
            }
            Some(Fault::Malformed) => {
                let _ = sender.send(Ok(Piece::raw("{\"this is\": not json").bytes(framing))).await;
            }
            Some(Fault::Status { .. }) | None => {}
        }
        for piece in end {
            let _ = sender.send(Ok(piece.bytes(framing))).await;
        }
    });
    let kind = match framing {
        Framing::Lines => "application/x-ndjson",
        _ => "text/event-stream",
    };
    let body = Body::from_stream(ReceiverStream::new(receiver));
    ([(header::CONTENT_TYPE, kind)], body).into_response()
}

/// The status of a reply that has one, with a body in the wire's own form.
pub(super) fn status(reply: &Reply, body: impl Fn(u16, &str) -> Value) -> Option<Response> {
    let Some(Fault::Status { code, message, retry_after_seconds }) = &reply.fault else { return None };
    let status = StatusCode::from_u16(*code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, axum::Json(body(*code, message))).into_response();
    if let Some(seconds) = retry_after_seconds {
        response.headers_mut().insert(header::RETRY_AFTER, (*seconds).into());
    }
    Some(response)
}
