//! Makes a process tree wait that uses more of the processor than it may, where no control group does: it is frozen for as
//! long as it is ahead of its share, again and again. Drivers start one for each tree; without a limit there is none.

use crate::Signals;
use nox_domain::{
    Size,
    life::{LimitAction, LimitHit, LimitKind},
    session::Signal,
};
use nox_process::{Brake, Branch, ProcessTree};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep},
};

/// Between two looks at a tree that runs. The kernel counts in hundredths of a second.
const LOOK: Duration = Duration::from_millis(250);
/// The longest that a tree is frozen at once; what it is still ahead then counts on.
const LONGEST: Duration = Duration::from_secs(2);

/// Holds one tree to its share. Dropping it lets the tree run.
#[derive(Debug)]
pub(crate) struct Throttle {
    brake: Brake,
    work: JoinHandle<()>,
}

impl Throttle {
    /// For a tree that may use so many per cent of a core; none when nothing is to be done. `told` is shared by the trees
    /// of one run: it is said once.
    pub(crate) fn over(
        tree: &ProcessTree,
        max_percent: Option<u32>,
        signals: &Signals,
        told: &Arc<AtomicBool>,
    ) -> Option<Self> {
        let percent = max_percent.filter(|percent| *percent > 0)?;
        if tree.holding().cpu != Branch::Watched {
            return None;
        }
        let brake = tree.brake();
        let work = tokio::spawn(hold(brake.clone(), percent, signals.clone(), told.clone()));
        Some(Self { brake, work })
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.work.abort();
        self.brake.thaw();
    }
}

async fn hold(brake: Brake, percent: u32, signals: Signals, told: Arc<AtomicBool>) {
    let mut share = Share { percent, ahead_ms: 0 };
    let (mut before_ms, mut looked) = (0, Instant::now());
    loop {
        sleep(LOOK).await;
        let looking = brake.clone();
        let Ok(Some(cpu_ms)) = spawn_blocking(move || looking.cpu_ms()).await else { return };
        let (used_ms, passed) = (cpu_ms.saturating_sub(before_ms), looked.elapsed());
        (before_ms, looked) = (cpu_ms.max(before_ms), Instant::now());
        let Some(wait) = share.take(used_ms, passed) else { continue };
        brake.freeze();
        if !told.swap(true, Ordering::Relaxed) {
            let value = Size(used_ms * 100 / (passed.as_millis() as u64).max(1));
            let allowed = Size(percent.into());
            let hit = LimitHit { limit: LimitKind::Cpu, value, allowed, action: LimitAction::Throttled };
            signals.send(Signal::Limit(hit)).await;
        }
        sleep(wait).await;
        brake.thaw();
    }
}

/// How far a tree is ahead of its share.
struct Share {
    percent: u32,
    ahead_ms: i64,
}

impl Share {
    /// It has used this much in that time; answers how long it has to wait. What it did not use is not saved up.
    fn take(&mut self, used_ms: u64, passed: Duration) -> Option<Duration> {
        let percent = i64::from(self.percent);
        self.ahead_ms = (self.ahead_ms + used_ms as i64 - passed.as_millis() as i64 * percent / 100).max(0);
        let wait = Duration::from_millis((self.ahead_ms * 100 / percent) as u64).min(LONGEST);
        // Less than the kernel's unit of counting is noise.
        (wait >= Duration::from_millis(20)).then_some(wait)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use nox_process::{ShimPath, SpawnSpec, Stdin};

    #[tokio::test(flavor = "multi_thread")]
    async fn a_busy_tree_gets_its_share_and_that_is_said_once() {
        let spec = SpawnSpec {
            program: "sh".into(),
            args: vec!["-c".into(), "while :; do :; done".into()],
            cwd: "/".into(),
            env: nox_process::allowed_environment(&[]),
            stdin: Stdin::Closed,
            grace: Duration::from_millis(100),
            limits: Default::default(),
        };
        let mut tree = ProcessTree::spawn(&spec, &ShimPath::locate().unwrap()).await.unwrap();
        let (sender, mut heard) = tokio::sync::mpsc::channel(8);
        let began = Instant::now();
        let held = tokio::spawn(hold(tree.brake(), 20, Signals::new(1, sender), Arc::default()));
        let told = heard.recv().await.unwrap().1;
        let Signal::Limit(hit) = told else { unreachable!("{told:?}") };
        assert_eq!((hit.limit, hit.action, hit.allowed), (LimitKind::Cpu, LimitAction::Throttled, Size(20)));
        assert!(hit.value.0 > 20, "{hit:?}");
        // What is measured: how much it uses in this time.
        sleep(Duration::from_millis(2_500)).await;
        let used = tree.usage().unwrap().cpu_ms * 100 / began.elapsed().as_millis() as u64;
        assert!(used <= 40, "it used {used} % of a core");
        held.abort();
        tree.kill();
        tree.wait().await;
        assert!(heard.try_recv().is_err(), "it is said once");
    }

    #[test]
    fn what_is_used_ahead_is_waited_for() {
        let mut share = Share { percent: 50, ahead_ms: 0 };
        let quarter = Duration::from_millis(250);
        assert_eq!(share.take(250, quarter), Some(quarter), "one core, of which a half is its own");
        // The wait and the next quarter of a second have passed; it ran in the latter.
        assert_eq!(share.take(250, quarter * 2), Some(quarter));
        assert_eq!(share.take(0, Duration::from_secs(9)), None);
        assert_eq!(share.take(125, quarter), None, "its share is not too much");
        assert_eq!(share.take(100_000, quarter), Some(LONGEST));
    }
}
