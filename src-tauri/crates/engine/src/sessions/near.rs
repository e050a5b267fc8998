//! How an actor holds the limits of its run: when it looks, what it has measured, and what it does about what it finds.

use super::actor::Actor;
use crate::{
    clock::SystemIds,
    limits::{self, Folder, Measured},
};
use nox_domain::{
    life::LimitHit,
    session::{Now, Signal},
};
use std::path::PathBuf;
use tokio::{task::spawn_blocking, time::Instant};

impl Actor {
    /// When its run is to be looked at; none while it does not work, or has no limits.
    pub(super) fn limits_due(&self) -> Option<Instant> {
        self.watch.due(&self.session.opened.limits, &self.shared().pace.load().rhythm)
    }

    pub(super) async fn look_at_limits(&mut self, now: Instant) {
        let limits = self.session.opened.limits;
        let rhythm = self.shared().pace.load().rhythm;
        let written = self.shared().spool.written(self.session.id()).map_or(0, |written| written.bytes);
        let (hits, wanted) = self.watch.look(&limits, &rhythm, written, now);
        let is_free = self.measuring.as_ref().is_none_or(|work| work.is_finished());
        if is_free && wanted != limits::Wanted::default() {
            // Beside the actor: a folder on a slow disk must not keep a stop waiting.
            let (sessions, session) = (self.sessions.clone(), self.session.id().clone());
            let (generation, folder) =
                (self.session.generation(), PathBuf::from(&self.session.opened.folder));
            self.measuring = Some(tokio::spawn(async move {
                let mut measured = Measured { generation, usage: None, disk: None };
                if wanted.usage {
                    let (bytes, cpu_ms) = limits::sums(&sessions.shared().vitals.measure(&session).await);
                    measured.usage = Some((Instant::now(), bytes, cpu_ms));
                }
                if wanted.disk {
                    measured.disk = spawn_blocking(move || limits::size_of(&folder)).await.ok();
                }
                sessions.tell_measured(&session, measured);
            }));
        }
        self.meet(hits).await;
    }

    pub(super) async fn take_measured(&mut self, measured: Measured) {
        let rhythm = self.shared().pace.load().rhythm;
        let (hits, blind) = self.watch.take(measured, &self.session.opened.limits, &rhythm);
        if let Some(why) = blind {
            self.say_blind(why);
        }
        self.meet(hits).await;
    }

    /// The size of the folder before a run that may let it grow only so much.
    pub(super) async fn measure_before_run(&mut self, generation: u32) {
        if self.session.opened.limits.max_disk_mb.is_none() {
            return;
        }
        let folder = PathBuf::from(&self.session.opened.folder);
        let size = spawn_blocking(move || limits::size_of(&folder)).await.unwrap_or(Folder::Unreadable);
        if let Some(why) = self.watch.begins_with(generation, size) {
            self.say_blind(why);
        }
    }

    fn say_blind(&self, why: &str) {
        let text = format!(
            "How much this run adds to {} is not measured: {why}. The limit max_disk_mb holds only for each single file.",
            self.session.opened.folder
        );
        self.signal(Signal::Noted("disk_not_measured".into(), text));
    }

    /// Tells the limits that the run has come to or near, and ends it if it must.
    async fn meet(&mut self, hits: Vec<LimitHit>) {
        for hit in hits {
            tracing::info!(?hit, "a run has come to a limit or near it");
            self.report_signal(Signal::Limit(hit)).await;
        }
    }

    /// Records a signal of the engine itself about the present run.
    pub(super) async fn report_signal(&mut self, signal: Signal) {
        let policy = self.shared().policy.load_full();
        self.decided(|session| {
            let mut now = Now { at: crate::clock::now(), ids: &mut SystemIds };
            session.hear(session.generation(), signal.clone(), &policy, &mut now)
        })
        .await;
    }
}
