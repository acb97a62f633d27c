//! Stores the recordings of executions that ended, so that they outlive the stream `OUTPUT`.
//!
//! What is still to be stored stands in `recordings_due`, and storing a recording takes it off that
//! list in the same statement. So it can be interrupted anywhere and done twice.

mod clean;
mod recording;
mod sweep;
mod table;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use runlog_failpoint::{self as failpoint, Point};
use runlog_nats::{Freshness, Log, ReadError};
use runlog_schemas::{ExecutionId, OutputSummary};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zstd::bulk::Compressor;

use crate::run::{Pause, Shared, failed};
use crate::store::COMPRESSION_LEVEL;
use crate::{Config, Error};

pub(crate) use recording::Recording;
pub(crate) use table::{OBJECTS_LOCK, Pending, Table};

use recording::Recorder;
use sweep::{Swept, divide};

/// Recordings that are read at once.
const AT_ONCE: usize = 16;
/// Recordings stored by one statement.
const TOGETHER: usize = 256;
/// What a recording takes besides its output, in bytes.
const OVERHEAD_BYTES: u32 = 64 << 10;
/// How long one that cannot be read is left alone.
const SET_ASIDE: Duration = Duration::from_secs(600);

/// Stores recordings until it is told to stop.
pub(crate) async fn archive(shared: Arc<Shared>, stop: CancellationToken) {
    let mut pause = Pause::new(&shared.config);
    loop {
        let error = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            Err(error) = archive_all(&shared, &mut pause) => error,
        };
        if !failed(&shared, "archive", &error, &mut pause, &stop).await {
            return;
        }
    }
}

async fn archive_all(
    shared: &Shared,
    pause: &mut Pause,
) -> Result<std::convert::Infallible, Error> {
    let table = Table::open(&shared.config.database, crate::SCHEMA).await?;
    let mut archiver = Archiver::new(&shared.log, &table, &shared.config)?;
    let mut clean_at = Instant::now() + shared.config.clean_interval;
    loop {
        // Here, so that nothing is put at the same time.
        if clean_at <= Instant::now() {
            clean_at = Instant::now() + shared.config.clean_interval;
            clean::clean(&shared.log, &table, shared.config.clock.now_ms()).await?;
        }
        let stored = archiver.store_some().await?;
        pause.reset();
        let count = |result, number| {
            let counter = shared.metrics.recordings.with_label_values(&[result]);
            counter.inc_by(number);
        };
        count("complete", stored.complete);
        count("incomplete", stored.incomplete);
        if stored.is_nothing() {
            let wait = shared.recordings_due.notified();
            // Others may have left some behind, and some were set aside.
            let _ = tokio::time::timeout(shared.config.archive_interval, wait).await;
        }
        if stored.count() < TOGETHER as u64 {
            // What becomes due meanwhile is read and stored together.
            tokio::time::sleep(shared.config.archive_pace).await;
        }
    }
}

/// Reads recordings and stores them in one schema.
pub(crate) struct Archiver<'a> {
    log: &'a Log,
    table: &'a Table,
    /// Bytes of output that may be in memory.
    room: Semaphore,
    room_bytes: u32,
    /// Executions with a message that this version cannot read, and until when they wait.
    set_aside: HashMap<ExecutionId, Instant>,
    /// Output before this sequence has left the log.
    first_output: u64,
    inline_bytes: usize,
    compressor: Mutex<Compressor<'static>>,
}

/// How many recordings were stored.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Stored {
    pub(crate) complete: u64,
    pub(crate) incomplete: u64,
}

impl Stored {
    pub(crate) const fn is_nothing(&self) -> bool {
        self.count() == 0
    }

    const fn count(&self) -> u64 {
        self.complete + self.incomplete
    }
}

impl<'a> Archiver<'a> {
    pub(crate) fn new(log: &'a Log, table: &'a Table, config: &Config) -> Result<Self, Error> {
        let room_bytes = config.archive_bytes;
        let room = usize::try_from(room_bytes).unwrap_or(usize::MAX);
        let compressor = Compressor::new(COMPRESSION_LEVEL).map_err(Error::Compression)?;
        Ok(Self {
            log,
            table,
            room: Semaphore::new(room),
            room_bytes,
            set_aside: HashMap::new(),
            first_output: 0,
            inline_bytes: config.inline_bytes,
            compressor: Mutex::new(compressor),
        })
    }

    /// Does not ask the log for output of which it is known to be gone.
    pub(crate) fn without_output_before(mut self, first_output: u64) -> Self {
        self.first_output = first_output;
        self
    }

    /// Stores recordings that are still to be stored, a few thousand at most.
    pub(crate) async fn store_some(&mut self) -> Result<Stored, Error> {
        let now = Instant::now();
        self.set_aside.retain(|_, until| *until > now);
        let without: Vec<ExecutionId> = self.set_aside.keys().copied().collect();
        let pending = self.table.pending(&without).await?;
        let mut stored = Stored::default();
        let (sweeps, mut alone) = divide(pending, self.first_output, self.room_bytes / 2);
        for sweep in sweeps {
            let permit = self.room_for(sweep.bytes()).await;
            let Swept {
                recordings,
                alone: rest,
            } = sweep.read(self.log).await?;
            self.store(recordings, &mut stored).await?;
            drop(permit);
            alone.extend(rest);
        }
        let unreadable = self.store_alone(alone, &mut stored).await?;
        for (id, error) in unreadable {
            self.leave(id, &error);
        }
        Ok(stored)
    }

    /// Reads several at once and stores together what is ready. Gives back what it cannot read.
    async fn store_alone(
        &self,
        pending: Vec<Pending>,
        stored: &mut Stored,
    ) -> Result<Vec<(ExecutionId, Error)>, Error> {
        let read = stream::iter(pending)
            .map(async |pending| {
                let permit = self.wait_for_room(&pending).await;
                (pending.id, self.read(&pending).await, permit)
            })
            .buffer_unordered(AT_ONCE)
            .ready_chunks(TOGETHER);
        let mut read = pin!(read);
        let mut unreadable = Vec::new();
        while let Some(some) = read.next().await {
            let mut recordings = Vec::with_capacity(some.len());
            // Kept until the recordings are stored.
            let mut permits = Vec::with_capacity(some.len());
            for (id, recording, permit) in some {
                match recording {
                    Ok(recording) => recordings.push((id, recording)),
                    Err(error @ Error::Log(_)) => unreadable.push((id, error)),
                    Err(error) => return Err(error),
                }
                permits.push(permit);
            }
            self.store(recordings, stored).await?;
        }
        Ok(unreadable)
    }

    async fn store(
        &self,
        mut recordings: Vec<(ExecutionId, Recording)>,
        stored: &mut Stored,
    ) -> Result<(), Error> {
        let incomplete = recordings
            .iter()
            .filter(|(_, recording)| recording.problem.is_some())
            .map(|(id, recording)| (*id, recording.chunks))
            .collect();
        let copied = self.table.copy_from_live(incomplete).await?;
        recordings.retain(|(id, _)| !copied.contains(id));
        for (id, recording) in &mut recordings {
            self.move_if_large(*id, recording).await;
        }
        failpoint::hit(Point::RecordingBefore);
        for some in recordings.chunks(TOGETHER) {
            self.table.store(some).await?;
        }
        failpoint::hit(Point::RecordingStored);
        stored.complete += copied.len() as u64;
        stored.add(&recordings);
        Ok(())
    }

    /// Puts a large recording into the object store. Where that takes none it stays whole, and
    /// PostgreSQL has it.
    async fn move_if_large(&self, id: ExecutionId, recording: &mut Recording) {
        if recording.body.len() <= self.inline_bytes {
            return;
        }
        let name = recording.object_name(id);
        match self.log.put_object(&name, &recording.body).await {
            Ok(()) => recording.move_to(name),
            Err(error) => tracing::warn!(
                %id,
                error = &error as &dyn std::error::Error,
                bytes = recording.body.len(),
                "the object store does not take a recording, which stays in PostgreSQL"
            ),
        }
    }

    async fn wait_for_room(&self, pending: &Pending) -> SemaphorePermit<'_> {
        self.room_for(output_bytes(&pending.output).saturating_add(OVERHEAD_BYTES))
            .await
    }

    async fn room_for(&self, bytes: u32) -> SemaphorePermit<'_> {
        self.room
            .acquire_many(bytes.min(self.room_bytes))
            .await
            .expect("nobody closes it")
    }

    async fn read(&self, pending: &Pending) -> Result<Recording, Error> {
        let mut recorder = Recorder::new(pending.attempt);
        let last = pending.output.last_sequence;
        if let Some(last) = last.filter(|last| *last >= self.first_output) {
            let messages = self.log.read_output(pending.id, 0, Freshness::UpTo(last));
            let mut messages = pin!(messages.try_take_while(|(sequence, _)| {
                std::future::ready(Ok::<_, ReadError>(*sequence <= last))
            }));
            while let Some((_, batch)) = messages.try_next().await? {
                recorder.push(batch).map_err(Error::Compression)?;
            }
        }
        // Whoever held it has left it as good as new.
        let mut compressor = self.compressor.lock();
        let compressor = compressor.as_mut().unwrap_or_else(PoisonError::get_mut);
        recorder
            .finish(&pending.output, compressor)
            .map_err(Error::Compression)
    }

    /// The others go on; a newer version will be able to read it.
    fn leave(&mut self, id: ExecutionId, error: &Error) {
        tracing::error!(
            %id,
            error = error as &dyn std::error::Error,
            "a recording cannot be stored for now"
        );
        self.set_aside.insert(id, Instant::now() + SET_ASIDE);
    }
}

impl Stored {
    fn add(&mut self, recordings: &[(ExecutionId, Recording)]) {
        for (id, recording) in recordings {
            match &recording.problem {
                None => self.complete += 1,
                Some(problem) => {
                    self.incomplete += 1;
                    tracing::warn!(%id, problem, "a recording is not complete");
                }
            }
        }
    }
}

fn output_bytes(output: &OutputSummary) -> u32 {
    let bytes = output.compiler.bytes + output.stdout.bytes + output.stderr.bytes;
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
