//! What an actor does when some time has passed: a restart that is due, a run of which nothing was heard, one that is idle,
//! one that has limits.
//!
//! An actor that waits for none of these has no timer, so that sessions which stand still cost nothing.

use super::{actor::Actor, record::Recorded};
use crate::{clock, ledger::Cause};
use nox_domain::{
    At,
    life::{Stall, StallStep},
    session::{Session, Step},
};
use std::time::Duration;
use tokio::time::Instant;

/// How often the clock is looked at while a turn waits for the model server's limit.
const LOOK_AT_WAIT: Duration = Duration::from_secs(300);

impl Actor {
    /// Resolves when the next look is due; never when there is none.
    pub(super) fn next_look(&self) -> impl Future<Output = ()> + use<> {
        let due = [
            self.is_heard_again().then(Instant::now),
            self.restart_at,
            self.stall_due().map(|(due, _)| due),
            self.hibernation_due(),
            self.limits_due(),
            self.wait_due(),
        ];
        let due = due.into_iter().flatten().min();
        let written = self.written.clone();
        async move {
            let passed = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = passed => {}
                () = written.notified() => {}
            }
        }
    }

    /// Does what is due.
    pub(super) async fn look(&mut self) {
        let now = Instant::now();
        if self.restart_at.is_some_and(|due| due <= now) {
            self.restart_at = None;
            let step = self.session.restart_due();
            self.follow(step.effects).await;
        }
        if self.session.limited_until().is_some_and(|until| until <= clock::now()) {
            self.decided(|session| session.limit_due(clock::now())).await;
        }
        if self.is_heard_again() {
            self.silent_since = None;
            self.decided(Session::heard_again).await;
        } else if let Some((due, step)) = self.stall_due()
            && due <= now
        {
            self.look_at_silence(step).await;
        }
        if self.hibernation_due().is_some_and(|due| due <= now) {
            self.decided(Session::hibernate).await;
        }
        if self.limits_due().is_some_and(|due| due <= now) {
            self.look_at_limits(now).await;
        }
    }

    /// Records what a session decides by itself, and does what follows.
    pub(super) async fn decided(&mut self, decide: impl Fn(&Session) -> Step) {
        for _ in 0..super::actor::TRIES {
            let step = decide(&self.session);
            match self.record_surely(&Cause::nox(), &step).await {
                Recorded::Yes => return self.follow(step.effects).await,
                Recorded::Stale => {}
                Recorded::No => return,
            }
        }
    }

    /// The last sign of life: a signal, or output.
    fn last_sign(&self) -> Instant {
        let written = self.shared().spool.written(self.session.id());
        written.map_or(self.heard_at, |written| written.at.max(self.heard_at))
    }

    /// Whether something was heard of a run after its silence was noticed.
    fn is_heard_again(&self) -> bool {
        self.session.stall.is_some() && self.silent_since.is_some_and(|since| self.last_sign() > since)
    }

    /// When nothing was heard for so long that the next step is due, and which.
    fn stall_due(&self) -> Option<(Instant, StallStep)> {
        let seconds = u64::from(self.session.opened.life.stall_after_seconds);
        if seconds == 0 || !self.session.works_unseen() {
            return None;
        }
        let after = Duration::from_secs(seconds);
        let from = self.waited_at.map_or(self.last_sign(), |waited| waited.max(self.last_sign()));
        match self.session.stall.map(|stall| stall.step) {
            None => Some((from + after, StallStep::Probed)),
            Some(StallStep::Probed) => Some((from + after * 2, StallStep::Asked)),
            Some(StallStep::Asked) => None,
        }
    }

    async fn look_at_silence(&mut self, step: StallStep) {
        let last_sign = self.last_sign();
        let silent = last_sign.elapsed();
        let since = At(clock::now().0 - i64::try_from(silent.as_millis()).unwrap_or_default());
        let computes = self.shared().vitals.computes(self.session.id()).await;
        let stall = Stall { since, step, computes };
        self.decided(|session| session.silent(stall)).await;
        if self.session.stall.is_none() {
            // Nothing to tell now; it is looked at again after the same time.
            self.heard_at = Instant::now();
        } else {
            self.silent_since = Some(last_sign);
            self.shared().spool.ring_when_written(self.session.id(), self.written.clone());
        }
    }

    /// When the wait for the model server's limit is looked at: at its end, and before now and then, since the clock of the
    /// system may be set and the computer may sleep meanwhile.
    fn wait_due(&self) -> Option<Instant> {
        let rest = self.session.limited_until()?.0 - clock::now().0;
        Some(Instant::now() + Duration::from_millis(rest.max(0).unsigned_abs()).min(LOOK_AT_WAIT))
    }

    fn hibernation_due(&self) -> Option<Instant> {
        let after = self.shared().pace.load().hibernate_after?;
        self.session.can_hibernate().then(|| self.last_sign() + after)
    }
}
