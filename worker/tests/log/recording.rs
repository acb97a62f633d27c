//! What programs write, byte for byte.

use bytes::Bytes;
use runlog_sandbox::OutputStream as Fd;
use runlog_sandbox::fake::Act;
use runlog_schemas::{ChunkKind, Item, Limits, Outcome, OutputStream, Phase};

use crate::support::{Bed, SCRIPT, runs, submission, write};

#[tokio::test]
async fn bytes_of_any_kind_are_kept_in_order() {
    let mut bed = Bed::start().await;
    let every: Vec<u8> = (0..=255_u8).cycle().take(100_000).collect();
    let mut acts: Vec<Act> = every
        .chunks(7_001)
        .map(|piece| Act::Write(Fd::Stdout, Bytes::copy_from_slice(piece)))
        .collect();
    acts.push(Act::Write(Fd::Stderr, Bytes::from(vec![0; 64 << 10])));
    // Half of a character, and its other half later.
    acts.push(Act::Write(Fd::Stdout, Bytes::from_static(b"\xc3")));
    acts.push(Act::Write(Fd::Stdout, Bytes::from_static(b"\xa4")));
    let worker = bed.worker(runs(acts)).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 0 });
    let stdout = ended.bytes(OutputStream::Stdout);
    assert!(stdout[..100_000] == every[..] && stdout[100_000..] == *"ä".as_bytes());
    assert!(ended.bytes(OutputStream::Stderr) == vec![0; 64 << 10]);
    worker.stop().await;
}

#[tokio::test]
async fn single_bytes_are_gathered() {
    let mut bed = Bed::start().await;
    let acts = (0..5_000_u32).map(|n| {
        let byte = u8::try_from(n % 251).unwrap();
        Act::Write(Fd::Stdout, Bytes::copy_from_slice(&[byte]))
    });
    let worker = bed.worker(runs(acts.collect())).await;
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    let stdout = ended.bytes(OutputStream::Stdout);
    let expected: Vec<u8> = (0..5_000_u32)
        .map(|n| u8::try_from(n % 251).unwrap())
        .collect();
    assert_eq!(stdout, expected);
    assert!(ended.chunks().len() < 1_000, "{}", ended.chunks().len());
    worker.stop().await;
}

#[tokio::test]
async fn output_is_cut_at_the_very_byte() {
    let mut bed = Bed::start().await;
    for (bytes, cut) in [(1_024, false), (1_025, true), (300_000, true)] {
        let acts = vec![
            Act::Write(Fd::Stdout, Bytes::from(vec![b'a'; 1_000])),
            Act::Write(Fd::Stderr, Bytes::from(vec![b'b'; bytes - 1_000])),
        ];
        let worker = bed.worker(runs(acts)).await;
        let mut submission = submission(SCRIPT);
        submission.limits = Limits {
            output_kb: 1,
            ..submission.limits
        };
        let id = bed.submit(&submission).await;
        let ended = bed.end(id).await;
        let limit = Outcome::OutputLimit { phase: Phase::Run };
        let fine = Outcome::Exited { code: 0 };
        assert_eq!(ended.end().outcome, if cut { limit } else { fine });
        let summary = ended.end().output.clone().unwrap();
        assert_eq!((summary.stdout.bytes, summary.stderr.bytes), (1_000, 24));
        assert_eq!(summary.cut, cut);
        assert_eq!(ended.chunks().last() == Some(&ChunkKind::Cut), cut);
        worker.stop().await;
    }
}

#[tokio::test]
async fn output_is_seen_while_the_program_runs() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker(runs(vec![write("first"), Act::AwaitInput, write("second")]))
        .await;
    let mut submission = submission(SCRIPT);
    submission.interactive = true;
    let id = bed.submit(&submission).await;
    bed.until_output(id).await;
    let eof = runlog_schemas::control::ControlRequest::Eof;
    bed.log.control_request(id, &eof).await.unwrap();
    let ended = bed.end(id).await;
    assert_eq!(ended.bytes(OutputStream::Stdout), b"firstsecond");
    worker.stop().await;
}

#[tokio::test]
async fn a_phase_is_told_although_nothing_is_written() {
    let mut bed = Bed::start().await;
    let worker = bed.worker(runs(vec![Act::AwaitInput])).await;
    let mut submission = submission(SCRIPT);
    submission.interactive = true;
    let id = bed.submit(&submission).await;
    bed.until(id, |item| matches!(item, Item::Output(_))).await;
    let eof = runlog_schemas::control::ControlRequest::Eof;
    bed.log.control_request(id, &eof).await.unwrap();
    bed.end(id).await;
    worker.stop().await;
}
