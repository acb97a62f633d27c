//! The viewers, and what each of them is compared by.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use runlog_client::Client;
use runlog_client::sse::Frame;
use runlog_schemas::ExecutionId;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::script::Script;
use crate::machine::monotonic;
use crate::report::say;
use crate::stats::Samples;

/// All viewers, each connected.
pub(super) struct Crowd {
    viewers: JoinSet<anyhow::Result<Viewer>>,
    script: Arc<Script>,
}

/// What a crowd saw, all the same.
pub(super) struct Seen {
    /// The program's output.
    pub(super) stdout: Vec<u8>,
    /// How many were asked to come back.
    pub(super) resumed: u32,
    /// From write to viewer, every line at every viewer.
    pub(super) samples: Samples,
}

impl Crowd {
    /// Waits until so many watch.
    pub(super) async fn gather(
        count: usize,
        client: &Client,
        id: ExecutionId,
    ) -> anyhow::Result<Self> {
        let script = Arc::new(Script::default());
        let (here, mut all_here) = watch::channel(0_usize);
        let mut viewers = JoinSet::new();
        for _ in 0..count {
            let viewer = Viewer::new(Arc::clone(&script));
            viewers.spawn(viewer.watch(client.clone(), id, here.clone()));
        }
        drop(here);
        let begin = Instant::now();
        while *all_here.borrow_and_update() < count {
            tokio::select! {
                changed = all_here.changed() => changed.context("the viewers left")?,
                Some(gone) = viewers.join_next() => {
                    gone??;
                    bail!("a viewer left before it began");
                }
            }
        }
        let seconds = begin.elapsed().as_secs_f64();
        say(&format!("all connected after {seconds:.1} s"));
        Ok(Self { viewers, script })
    }

    /// Waits until all have seen the end, and looks whether they saw the same.
    pub(super) async fn leave(mut self) -> anyhow::Result<Seen> {
        let mut length = None;
        let mut resumed = 0;
        while let Some(viewer) = self.viewers.join_next().await {
            let viewer = viewer??;
            let (first, this) = (*length.get_or_insert(viewer.position), viewer.position);
            ensure!(
                first == this,
                "one viewer saw {first} bytes, another {this}"
            );
            resumed += u32::from(viewer.resumed);
        }
        let (stdout, samples) = self.script.seen();
        ensure!(length == Some(stdout.len()), "all viewers left too early");
        Ok(Seen {
            stdout,
            resumed,
            samples,
        })
    }
}

/// One who watches.
struct Viewer {
    script: Arc<Script>,
    place: Option<String>,
    next_chunk: u64,
    position: usize,
    resumed: bool,
}

impl Viewer {
    fn new(script: Arc<Script>) -> Self {
        Self {
            script,
            place: None,
            next_chunk: 0,
            position: 0,
            resumed: false,
        }
    }

    /// Watches to the end; comes back where the edge asks it to.
    async fn watch(
        mut self,
        client: Client,
        id: ExecutionId,
        here: watch::Sender<usize>,
    ) -> anyhow::Result<Self> {
        let mut frames = client.frames(id, None).await?;
        here.send_modify(|count| *count += 1);
        drop(here);
        loop {
            let Some(frame) = frames.next().await.transpose()? else {
                self.resumed = true;
                frames = client.frames(id, self.place.as_deref()).await?;
                continue;
            };
            if self.on(&frame)? {
                return Ok(self);
            }
        }
    }

    fn on(&mut self, frame: &Frame) -> anyhow::Result<bool> {
        let said = self.script.read(frame)?;
        if let Some(cursor) = &said.resume {
            self.place = Some(cursor.clone());
            return Ok(false);
        }
        self.place = Some(frame.id.clone());
        if said.chunks > 0 {
            let (number, expected) = (said.first, self.next_chunk);
            ensure!(number == expected, "chunk {number} instead of {expected}");
            self.next_chunk += said.chunks;
            self.script.compare(self.position, &said, monotonic())?;
            self.position += said.stdout.len();
        }
        Ok(said.end)
    }
}
