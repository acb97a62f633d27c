//! How much memory a process comes to use.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::processes;

/// The most memory that a process has, looked at ten times a second.
pub(super) struct Peak {
    stop: watch::Sender<bool>,
    task: JoinSet<Option<u64>>,
}

impl Peak {
    /// Begins to look; without a process there is nothing to see.
    pub(super) fn of(pid: Option<u32>) -> Self {
        let (stop, mut stopped) = watch::channel(false);
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut peak = None;
            loop {
                peak = peak.max(processes::resident(pid?));
                let pause = tokio::time::sleep(Duration::from_millis(100));
                tokio::select! {
                    () = pause => {}
                    _ = stopped.changed() => return peak,
                }
            }
        });
        Self { stop, task }
    }

    /// The most that was seen, in bytes.
    pub(super) async fn end(mut self) -> Option<u64> {
        self.stop.send_replace(true);
        self.task.join_next().await?.ok()?
    }
}
