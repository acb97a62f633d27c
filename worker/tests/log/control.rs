//! What viewers can do to a program that runs, and to one that waits.

use runlog_nats::ControlError;
use runlog_sandbox::fake::{Act, Asked};
use runlog_schemas::control::{ControlRefusal, ControlReply, ControlRequest};
use runlog_schemas::{
    ChunkKind, Command, Data, ExecutionId, Item, Outcome, OutputStream, Submission, TerminalSize,
    decide,
};

use crate::support::{
    Bed, COMPILED, SCRIPT, compiles_and_runs, is_running, now_ms, runs, submission, write,
};

fn interactive() -> Submission {
    Submission {
        interactive: true,
        ..submission(SCRIPT)
    }
}

fn typed(text: &str) -> ControlRequest {
    ControlRequest::Stdin {
        data: Data::from(text),
    }
}

fn refused(reason: ControlRefusal) -> ControlReply {
    ControlReply::Refused { reason }
}

impl Bed {
    async fn ask(&self, id: ExecutionId, request: &ControlRequest) -> ControlReply {
        self.log.control_request(id, request).await.unwrap()
    }

    /// What an edge does to cancel.
    async fn cancel(&self, id: ExecutionId) {
        let leader = runlog_nats::Freshness::Leader;
        let folded = self.log.read_execution(id, leader).await.unwrap().unwrap();
        let event = decide(&folded.execution, Command::Cancel, now_ms())
            .unwrap()
            .unwrap();
        self.log
            .append_status(id, folded.last_status_sequence, &event)
            .await
            .unwrap();
        if is_running(&folded.execution) {
            self.ask(id, &ControlRequest::Cancel).await;
        }
    }
}

#[tokio::test]
async fn what_is_typed_reaches_the_program_and_is_recorded() {
    let mut bed = Bed::start().await;
    let acts = vec![write("?"), Act::Echo, Act::ReportControl];
    let worker = bed.worker(runs(acts)).await;
    let submission = Submission {
        stdin: Some("given ".into()),
        ..interactive()
    };
    let id = bed.submit(&submission).await;
    bed.until_output(id).await;
    assert_eq!(bed.ask(id, &typed("typed")).await, ControlReply::Applied);
    assert_eq!(
        bed.ask(id, &ControlRequest::Eof).await,
        ControlReply::Applied
    );
    assert_eq!(
        bed.ask(id, &typed("late")).await,
        refused(ControlRefusal::InputClosed)
    );
    let signal = ControlRequest::Signal { signal: 10 };
    assert_eq!(bed.ask(id, &signal).await, ControlReply::Applied);
    let ended = bed.end(id).await;
    let text = b"?given typedsignal 10\n";
    assert_eq!(ended.bytes(OutputStream::Stdout), text);
    let chunks = ended.chunks();
    let input = ChunkKind::Input {
        data: "typed".into(),
    };
    assert!(chunks.contains(&input) && chunks.contains(&ChunkKind::Eof));
    let gone = bed.log.control_request(id, &typed("x")).await;
    assert!(matches!(gone, Err(ControlError::NotRunning)), "{gone:?}");
    worker.stop().await;
}

#[tokio::test]
async fn without_interaction_standard_input_is_given_and_ends() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![Act::Echo])).await;
    let submission = Submission {
        stdin: Some(Data(vec![b'x'; 200_000])),
        ..submission(SCRIPT)
    };
    let id = bed.submit(&submission).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    assert_eq!(ended.bytes(OutputStream::Stdout).len(), 200_000);
    let recorded = |kind: &ChunkKind| matches!(kind, ChunkKind::Input { .. } | ChunkKind::Eof);
    assert!(
        !ended.chunks().iter().any(recorded),
        "it stands in the submission"
    );
    worker.stop().await;
}

#[tokio::test]
async fn a_program_that_does_not_read_fills_its_input() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![write("?"), Act::Forever])).await;
    let id = bed.submit(&interactive()).await;
    bed.until_output(id).await;
    let much = typed(&"x".repeat(128 << 10));
    let mut taken = 0;
    while bed.ask(id, &much).await == ControlReply::Applied {
        taken += 1;
        assert!(taken < 100, "memory must not grow without bound");
    }
    assert_eq!(bed.ask(id, &much).await, refused(ControlRefusal::InputFull));
    bed.cancel(id).await;
    bed.end(id).await;
    worker.stop().await;
}

#[tokio::test]
async fn what_is_typed_to_a_compiler_is_for_the_program() {
    let mut bed = Bed::start().await;
    let compiler = vec![
        write("compiling"),
        Act::Sleep(std::time::Duration::from_millis(300)),
    ];
    let worker = bed
        .worker(compiles_and_runs(compiler, vec![Act::Echo]))
        .await;
    let submission = Submission {
        interactive: true,
        ..submission(COMPILED)
    };
    let id = bed.submit(&submission).await;
    bed.until_output(id).await;
    assert_eq!(bed.ask(id, &typed("early")).await, ControlReply::Applied);
    assert_eq!(
        bed.ask(id, &ControlRequest::Eof).await,
        ControlReply::Applied
    );
    let signal = ControlRequest::Signal { signal: 2 };
    assert_eq!(
        bed.ask(id, &signal).await,
        refused(ControlRefusal::NotRunningYet)
    );
    let ended = bed.end(id).await;
    assert_eq!(ended.bytes(OutputStream::Stdout), b"early");
    worker.stop().await;
}

#[tokio::test]
async fn terminals_are_resized_and_signals_arrive() {
    let mut bed = Bed::start().await;
    let acts = vec![write("?"), Act::ReportControl, Act::ReportControl];
    let worker = bed.worker(runs(acts)).await;
    let size = |columns| TerminalSize { columns, rows: 25 };
    let submission = Submission {
        terminal: Some(size(80)),
        ..interactive()
    };
    let id = bed.submit(&submission).await;
    bed.until_output(id).await;
    let resize = ControlRequest::Resize { size: size(100) };
    assert_eq!(bed.ask(id, &resize).await, ControlReply::Applied);
    let signal = ControlRequest::Signal { signal: 2 };
    assert_eq!(bed.ask(id, &signal).await, ControlReply::Applied);
    let ended = bed.end(id).await;
    let text = String::from_utf8(ended.bytes(OutputStream::Stdout)).unwrap();
    assert_eq!(text, "?resize 100x25\nsignal 2\n");
    let chunks = ended.chunks();
    assert!(chunks.contains(&ChunkKind::Resize { size: size(100) }));
    assert!(chunks.contains(&ChunkKind::Signal { signal: 2 }));
    let terminals = |asked: &Asked| matches!(asked, Asked::Start(step) if step.terminal.is_some());
    assert!(worker.engine.asked().iter().any(terminals));
    worker.stop().await;
}

#[tokio::test]
async fn without_a_terminal_there_is_nothing_to_resize() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![write("?"), Act::Echo])).await;
    let id = bed.submit(&interactive()).await;
    bed.until_output(id).await;
    let size = TerminalSize {
        columns: 1,
        rows: 1,
    };
    assert_eq!(
        bed.ask(id, &ControlRequest::Resize { size }).await,
        refused(ControlRefusal::NoTerminal)
    );
    bed.ask(id, &ControlRequest::Eof).await;
    bed.end(id).await;
    worker.stop().await;
}

#[tokio::test]
async fn a_cancel_ends_what_runs() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![write("kept"), Act::Forever])).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    let asked = std::time::Instant::now();
    bed.cancel(id).await;
    let ended = bed.end(id).await;
    // The wall limit would end it after ten seconds; the next look at the log after three.
    assert!(asked.elapsed().as_secs() < 2, "{:?}", asked.elapsed());
    assert_eq!(
        ended.names(),
        ["submitted", "started", "cancel_requested", "finished"]
    );
    assert_eq!(ended.end().outcome, Outcome::Cancelled);
    assert_eq!(ended.bytes(OutputStream::Stdout), b"kept");
    worker.stop().await;
}

#[tokio::test]
async fn a_cancel_that_nobody_announced_is_found() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker_with(runs(vec![write("?"), Act::Forever]), |config| {
            config.lease = std::time::Duration::from_secs(1);
        })
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.until_output(id).await;
    let started = bed
        .log
        .read_status(id, 0, runlog_nats::Freshness::Leader)
        .await
        .unwrap();
    let event = runlog_schemas::ExecutionEvent {
        at_ms: now_ms(),
        change: runlog_schemas::Change::CancelRequested,
    };
    bed.log
        .append_status(id, started[0].0, &event)
        .await
        .unwrap();
    assert_eq!(bed.end(id).await.end().outcome, Outcome::Cancelled);
    worker.stop().await;
}

#[tokio::test]
async fn what_is_cancelled_in_the_queue_never_runs() {
    let mut bed = Bed::start().await;
    let id = bed.submit(&submission(SCRIPT)).await;
    bed.cancel(id).await;
    let worker = bed.worker(runs(vec![write("no")])).await;
    // The queue is in order: when this one has run, the cancelled one has been met.
    let next = bed.submit(&submission(SCRIPT)).await;
    bed.end(next).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.names(), ["submitted", "cancelled"]);
    assert!(ended.batches.is_empty());
    worker.stop().await;
}

#[tokio::test]
async fn a_viewer_who_saw_the_start_can_type_at_once() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![Act::Echo])).await;
    let id = bed.submit(&interactive()).await;
    let started =
        |item: &Item| matches!(item, Item::Event(event) if event.change.name() == "started");
    bed.until(id, started).await;
    assert_eq!(bed.ask(id, &typed("x")).await, ControlReply::Applied);
    bed.ask(id, &ControlRequest::Eof).await;
    assert_eq!(bed.end(id).await.bytes(OutputStream::Stdout), b"x");
    worker.stop().await;
}
