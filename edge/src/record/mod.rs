//! What is known of an execution and its output, from the log or, where that no longer has it,
//! from the history.

pub(crate) mod cast;
mod large;
mod remember;
mod retold;
mod stored;
mod telling;
mod unpack;

use std::sync::Arc;

use futures_util::StreamExt as _;
use runlog_nats::{Freshness, Log, ReadError, RequestError};
use runlog_schemas::api::{ExecutionView, OutputView, RecordingView};
use runlog_schemas::{Chunk, ChunkKind, Data, Execution, ExecutionId, Item, OutputStream, fold};

use crate::error::EdgeError;
use crate::history::{HistoryError, KeptIn, Remembered};
use crate::live::Feed;
use crate::state::Edge;

use large::Large;
pub(crate) use large::Told;
pub(crate) use remember::{is_retold, lifecycle};
pub(crate) use retold::from_history;
#[cfg(test)]
pub(crate) use retold::{Place, place};
pub(crate) use stored::Stored;

/// An execution and the output that counts.
pub(crate) struct Recorded {
    id: ExecutionId,
    execution: Execution,
    chunks: Vec<Chunk>,
}

impl From<ReadError> for EdgeError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Request(error) => error.into(),
            ReadError::NotFound(_) => Self::NoSuchExecution,
            error if error.is_newer() => Self::LogNewer(error.into()),
            error => Self::Broken(error.into()),
        }
    }
}

impl From<RequestError> for EdgeError {
    fn from(error: RequestError) -> Self {
        Self::LogUnavailable(error.into())
    }
}

impl From<HistoryError> for EdgeError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Broken { .. } => Self::Broken(error.into()),
            error => Self::HistoryUnavailable(error.into()),
        }
    }
}

/// An execution as it stands: from the log, or from the history where the log no longer has it or
/// is away.
///
/// # Errors
/// When nobody knows it, or who may know it does not answer.
pub(crate) async fn find(edge: &Edge, id: ExecutionId) -> Result<Execution, EdgeError> {
    match edge.log.read_execution(id, Freshness::Any).await {
        Ok(Some(folded)) => Ok(folded.execution),
        Ok(None) => Ok(remembered(edge, id, Ok(())).await?.execution),
        Err(error) => Ok(remembered(edge, id, Err(error)).await?.execution),
    }
}

/// An execution as users see it.
///
/// # Errors
/// As [`find`].
pub(crate) async fn view(edge: &Edge, id: ExecutionId) -> Result<ExecutionView, EdgeError> {
    let execution = find(edge, id).await?;
    ExecutionView::of(id, &execution).ok_or(EdgeError::NoSuchExecution)
}

/// What the history knows of an execution that the log does not have, or did not tell of.
async fn remembered(
    edge: &Edge,
    id: ExecutionId,
    log: Result<(), ReadError>,
) -> Result<Remembered, EdgeError> {
    let found = match &edge.history {
        Some(history) => history.find(id).await.map_err(EdgeError::from),
        None => Ok(None),
    };
    match (found, log) {
        (Ok(Some(remembered)), _) => Ok(remembered),
        // Whoever was asked first is the one to blame.
        (_, Err(error)) => Err(error.into()),
        (Ok(None), Ok(())) => Err(EdgeError::NoSuchExecution),
        (Err(error), Ok(())) => Err(error),
    }
}

/// The stored recording of an execution, where there is one, to be read piece by piece.
///
/// # Errors
/// When the history does not answer, or the object store does not or has lost it.
pub(crate) async fn recording(edge: &Edge, id: ExecutionId) -> Result<Option<Stored>, EdgeError> {
    stored(edge, id, false).await
}

/// The same; where it is asked for, only one that is complete.
async fn stored(edge: &Edge, id: ExecutionId, complete: bool) -> Result<Option<Stored>, EdgeError> {
    let Some(history) = &edge.history else {
        return Ok(None);
    };
    let Some(kept) = history.recording(id).await? else {
        return Ok(None);
    };
    if complete && !kept.complete {
        return Ok(None);
    }
    let stored = match kept.place {
        KeptIn::Row(body) => Stored::in_row(id, body)?,
        KeptIn::Object(name) => {
            let object = edge.log.open_object(&name).await?;
            Stored::in_store(id, object.ok_or(EdgeError::OutputLost)?)?
        }
    };
    Ok(Some(stored))
}

/// What is told of an execution with the output that counts.
pub(crate) enum Reading {
    /// Much, that is told while it is read.
    Large(Box<Large>),
    /// All of it.
    Whole(Box<Recorded>),
}

/// Begins to read an execution with the output that counts.
///
/// # Errors
/// When nobody knows it, who may know it does not answer, or its output is kept nowhere.
pub(crate) async fn read(edge: &Arc<Edge>, id: ExecutionId) -> Result<Reading, EdgeError> {
    let execution = find(edge, id).await?;
    match Large::open(edge, id, &execution).await? {
        Some(large) => Ok(Reading::Large(Box::new(large))),
        None => Ok(Reading::Whole(Box::new(
            with_output(edge, id, execution).await?,
        ))),
    }
}

/// An execution with the output that counts.
///
/// # Errors
/// As [`read`].
pub(crate) async fn recorded(edge: &Arc<Edge>, id: ExecutionId) -> Result<Recorded, EdgeError> {
    let execution = find(edge, id).await?;
    with_output(edge, id, execution).await
}

async fn with_output(
    edge: &Edge,
    id: ExecutionId,
    execution: Execution,
) -> Result<Recorded, EdgeError> {
    // Outputs may be large; so many at once fit.
    let _turn = edge.large_reads.acquire().await;
    let in_log = output_in_log(&edge.log, id, &execution).await;
    let chunks = match in_log {
        Ok(Some(chunks)) => chunks,
        incomplete => match whole_recording(edge, id).await {
            Ok(Some(chunks)) => chunks,
            stored => {
                incomplete?;
                stored?;
                return Err(EdgeError::OutputGone);
            }
        },
    };
    Ok(Recorded {
        id,
        execution,
        chunks,
    })
}

/// All of a stored recording.
async fn whole_recording(edge: &Edge, id: ExecutionId) -> Result<Option<Vec<Chunk>>, EdgeError> {
    match recording(edge, id).await? {
        Some(stored) => Ok(Some(stored.rest().await?)),
        None => Ok(None),
    }
}

/// Everything that happened in an execution, one after the other; a large recording does not have
/// to fit into memory for that.
///
/// # Errors
/// When nobody knows it, who may know it does not answer, or its output is kept nowhere.
pub(crate) async fn each_chunk(
    edge: &Arc<Edge>,
    id: ExecutionId,
    mut take: impl FnMut(Chunk),
) -> Result<Execution, EdgeError> {
    match read(edge, id).await? {
        Reading::Whole(recorded) => {
            let recorded = *recorded;
            recorded.chunks.into_iter().for_each(take);
            Ok(recorded.execution)
        }
        Reading::Large(mut large) => {
            while let Some(chunks) = large.next().await? {
                chunks.into_iter().for_each(&mut take);
            }
            Ok(large.execution().clone())
        }
    }
}

/// The output that counts, as far as there is any; `None` where a part of it is no longer there.
async fn output_in_log(
    log: &Log,
    id: ExecutionId,
    execution: &Execution,
) -> Result<Option<Vec<Chunk>>, ReadError> {
    let Some(attempt) = execution.recorded_attempt() else {
        return Ok(Some(Vec::new()));
    };
    let expected = execution.end().and_then(|end| end.output.as_ref());
    let freshness = match expected {
        Some(summary) => Freshness::UpTo(summary.last_sequence.unwrap_or(0)),
        None => Freshness::Any,
    };
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut batches = std::pin::pin!(log.read_output(id, 0, freshness));
    while let Some(batch) = batches.next().await {
        let (_, batch) = batch?;
        if batch.attempt != attempt {
            continue;
        }
        for chunk in batch.chunks {
            let next = chunks.len() as u64;
            if chunk.number > next {
                return Ok(None);
            }
            if chunk.number == next {
                chunks.push(chunk);
            }
        }
    }
    let whole = expected.is_none_or(|summary| summary.chunks == chunks.len() as u64);
    Ok(whole.then_some(chunks))
}

impl Recorded {
    /// An execution that has ended, from what its feed showed; `None` where that is not all of it.
    pub(crate) fn shown(id: ExecutionId, feed: &Feed) -> Option<Self> {
        let mut execution = Execution::default();
        let mut chunks: Vec<Chunk> = Vec::new();
        for frame in feed.all()? {
            match &frame.shown.item {
                Item::Event(event) => {
                    let attempts = execution.attempts.len();
                    execution = fold(execution, event);
                    if execution.attempts.len() > attempts {
                        // What an attempt wrote that came to nothing does not count.
                        chunks.clear();
                    }
                }
                Item::Output(batch) => chunks.extend(batch.chunks.iter().cloned()),
            }
        }
        let end = execution.end()?;
        let whole = end.output.as_ref().map_or(0, |output| output.chunks);
        let in_order = (0..).zip(&chunks).all(|(n, chunk)| chunk.number == n);
        (in_order && whole == chunks.len() as u64).then_some(Self {
            id,
            execution,
            chunks,
        })
    }

    /// The execution.
    pub(crate) const fn execution(&self) -> &Execution {
        &self.execution
    }

    /// What happened, in order.
    pub(crate) fn chunks(&self) -> &[Chunk] {
        &self.chunks
    }

    /// The bytes of one stream.
    pub(crate) fn bytes(&self, stream: OutputStream) -> Vec<u8> {
        let outputs = self.chunks.iter().filter_map(|chunk| chunk.what.output());
        outputs
            .filter(|(of, _)| *of == stream)
            .flat_map(|(_, bytes)| bytes.iter().copied())
            .collect()
    }

    fn attempt(&self) -> u32 {
        self.execution.recorded_attempt().unwrap_or(0)
    }

    /// What the program wrote.
    pub(crate) fn output(&self) -> OutputView {
        OutputView {
            id: self.id,
            attempt: self.attempt(),
            complete: self.execution.end().is_some(),
            compiler: Data(self.bytes(OutputStream::Compiler)),
            stdout: Data(self.bytes(OutputStream::Stdout)),
            stderr: Data(self.bytes(OutputStream::Stderr)),
            cut: self.chunks.iter().any(|chunk| chunk.what == ChunkKind::Cut),
        }
    }

    /// The execution as users see it.
    pub(crate) fn view(&self) -> Result<ExecutionView, EdgeError> {
        ExecutionView::of(self.id, &self.execution).ok_or(EdgeError::NoSuchExecution)
    }

    /// The recording.
    pub(crate) fn into_recording(mut self) -> Result<RecordingView, EdgeError> {
        for chunk in &mut self.chunks {
            chunk.what.without_file_data();
        }
        Ok(RecordingView {
            execution: self.view()?,
            attempt: self.attempt(),
            complete: self.execution.end().is_some(),
            chunks: self.chunks,
        })
    }
}
