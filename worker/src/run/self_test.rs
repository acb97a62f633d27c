//! Runs the tests that a language definition brings along, the way real submissions are run. Only
//! the log is another: it forgets.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{self, BoxFuture};
use runlog_nats::{ControlListener, now_ms};
use runlog_sandbox::Engine;
use runlog_schemas::{
    Change, Data, Execution, ExecutionEvent, ExecutionId, LanguageDefinition, OutputBatch,
    OutputStream, Priority, SelfTest, SourceFile, Submission, fold,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::attempt::{Attempt, Leave, Position};
use super::claim::{Claim, claim};
use super::drive::{Bench, drive};
use super::journal::{Failure, Journal};
use super::plan::Plan;

/// A self-test that did not go as it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("self-test {test:?} of {language}: {difference}")]
pub struct SelfTestError {
    /// The language's id.
    pub language: String,
    /// The test's name.
    pub test: String,
    /// What was different.
    pub difference: String,
}

/// Runs all self-tests of a language, one after the other.
///
/// # Errors
/// When one does not go as the definition says.
pub async fn self_test(
    engine: &Arc<dyn Engine>,
    language: &LanguageDefinition,
) -> Result<(), SelfTestError> {
    for test in &language.self_tests {
        let difference = match run(engine, language, test).await {
            Ok((execution, memory)) => match execution.end() {
                Some(end) => {
                    let stdout = memory.bytes(OutputStream::Stdout);
                    let mut stderr = memory.bytes(OutputStream::Compiler);
                    stderr.extend(memory.bytes(OutputStream::Stderr));
                    test.difference(&end.outcome, &stdout, &stderr)
                }
                None => Some(given_up(&execution)),
            },
            Err(reason) => Some(reason),
        };
        if let Some(difference) = difference {
            return Err(SelfTestError {
                language: language.id.clone(),
                test: test.name.clone(),
                difference,
            });
        }
    }
    Ok(())
}

fn given_up(execution: &Execution) -> String {
    let failure = execution.attempts.last().and_then(|it| it.failure.clone());
    failure.unwrap_or_else(|| "it came to no end".to_owned())
}

async fn run(
    engine: &Arc<dyn Engine>,
    language: &LanguageDefinition,
    test: &SelfTest,
) -> Result<(Execution, Memory), String> {
    let at_ms = now_ms();
    let submission = submission(language, test);
    let plan = Plan::new(language, &submission);
    let setup = super::setup(1, &plan, &submission, engine.name());
    let submitted = ExecutionEvent {
        at_ms,
        change: Change::Submitted {
            submission: Box::new(submission),
        },
    };
    let position = Position {
        execution: fold(Execution::default(), &submitted),
        sequence: 0,
    };
    let Claim::Start { event, .. } = claim(&position.execution, "self-test", at_ms) else {
        return Err("it cannot be started".to_owned());
    };
    let memory = Memory::default();
    let tracker = TaskTracker::new();
    let bench = Bench {
        // The name only stands in messages to the operator.
        id: ExecutionId::from_uuid(uuid::Uuid::nil()),
        journal: &memory,
        engine,
        plan: &plan,
        // It is the toolchain that is tested.
        reuse: None,
        tracker: &tracker,
        hurry: &CancellationToken::new(),
        heartbeat: Duration::from_secs(3),
        began: Instant::now(),
    };
    let driven = drive(bench, Attempt::new(setup, position, event)).await;
    tracker.close();
    tracker.wait().await;
    match driven.leave {
        Leave::Concluded(execution) => Ok((*execution, memory)),
        leave @ (Leave::NotClaimed | Leave::Superseded | Leave::LeaseLost) => {
            Err(format!("a bug: {leave:?} without a log"))
        }
    }
}

fn submission(language: &LanguageDefinition, test: &SelfTest) -> Submission {
    let files = test.files.iter().map(|(name, content)| SourceFile {
        name: name.clone(),
        content: Data::from(content.as_str()),
    });
    Submission {
        language: language.id.clone(),
        priority: Priority::Background,
        files: files.collect(),
        entry: test.entry(language).to_owned(),
        args: test.args.clone(),
        env: std::collections::BTreeMap::new(),
        compiler_options: test.options.clone(),
        stdin: Some(Data::from(test.stdin.as_str())),
        interactive: false,
        terminal: None,
        output_files: Vec::new(),
        limits: language.default_limits(),
        queue_limit_ms: Priority::Background.default_queue_limit_ms(),
        session: None,
        request_digest: None,
        toolchain_version: None,
        repeats: None,
    }
}

/// A log that takes everything and is read by nobody else.
#[derive(Default)]
struct Memory {
    sequence: AtomicU64,
    batches: Mutex<Vec<OutputBatch>>,
}

impl Memory {
    fn next(&self) -> BoxFuture<'_, Result<u64, Failure>> {
        future::ready(Ok(self.sequence.fetch_add(1, Ordering::Relaxed) + 1)).boxed()
    }

    fn bytes(&self, stream: OutputStream) -> Vec<u8> {
        let batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        let outputs = batches
            .iter()
            .flat_map(|batch| &batch.chunks)
            .filter_map(|chunk| chunk.what.output());
        outputs
            .filter(|(of, _)| *of == stream)
            .flat_map(|(_, bytes)| bytes)
            .copied()
            .collect()
    }
}

impl Journal for Memory {
    fn append<'a>(
        &'a self,
        _event: &'a ExecutionEvent,
        _expected: u64,
    ) -> BoxFuture<'a, Result<u64, Failure>> {
        self.next()
    }

    fn record<'a>(&'a self, batch: &'a OutputBatch) -> BoxFuture<'a, Result<u64, Failure>> {
        let mut batches = self.batches.lock().unwrap_or_else(PoisonError::into_inner);
        batches.push(batch.clone());
        drop(batches);
        self.next()
    }

    fn read(&self, position: Position) -> BoxFuture<'_, Result<Position, Failure>> {
        future::ready(Ok(position)).boxed()
    }

    fn listen(&self) -> BoxFuture<'_, Option<ControlListener>> {
        future::ready(None).boxed()
    }

    fn keep_lease(&self) -> BoxFuture<'_, ()> {
        future::ready(()).boxed()
    }
}
