//! What the tests of drivers begin with.
#![allow(clippy::unwrap_used)]

use crate::{ItemOutput, OutputStore, Pipe, Signals, Start};
use async_trait::async_trait;
use nox_domain::{
    ids::{ItemId, SessionId},
    session::Signal,
    tool::OutputDigest,
};
use nox_process::ShimPath;
use std::sync::Arc;
use tokio::sync::mpsc;
use uuid::Uuid;

/// A start in the root folder that asks nothing and keeps no output, and where its signals come out.
pub(crate) fn start() -> (Start, mpsc::Receiver<(u32, Signal)>) {
    let (sender, inbox) = mpsc::channel(64);
    let start = Start {
        session: SessionId::from_uuid(Uuid::from_u128(1)),
        folder: "/".into(),
        text: String::new(),
        instructions: String::new(),
        program: Default::default(),
        key: None,
        services: Default::default(),
        service_keys: Default::default(),
        prompt: None,
        again: false,
        spent_micro_usd: 0,
        resume: None,
        fork: false,
        limits: Default::default(),
        environment: Default::default(),
        max_call_seconds: None,
        done: vec![],
        shim: ShimPath::locate().unwrap(),
        signals: Signals::new(1, sender),
        output: Arc::new(Nothing),
    };
    (start, inbox)
}

/// Keeps no output.
struct Nothing;

impl OutputStore for Nothing {
    fn begin(&self, _: &SessionId, _: &ItemId) -> Box<dyn ItemOutput> {
        Box::new(Nothing)
    }
}

#[async_trait]
impl ItemOutput for Nothing {
    async fn write(&mut self, _: Pipe, _: Vec<u8>) {}

    async fn finish(self: Box<Self>) -> OutputDigest {
        OutputDigest::default()
    }
}
