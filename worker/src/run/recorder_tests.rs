use proptest::prelude::*;
use runlog_schemas::{Phase, encode_output};

use super::*;

const OUT: OutputStream = OutputStream::Stdout;
const ERR: OutputStream = OutputStream::Stderr;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn recorder(program: usize) -> Recorder {
    Recorder::new(
        1,
        Caps {
            compiler: 1 << 16,
            program,
        },
    )
}

#[test]
fn the_first_chunk_goes_at_once_and_the_next_after_five_milliseconds() {
    let mut recorder = recorder(1 << 20);
    recorder.output(ms(7), OUT, b"a");
    assert_eq!(recorder.take(ms(7)).unwrap().chunks.len(), 1);
    recorder.output(ms(8), OUT, b"b");
    assert_eq!(recorder.due(), None, "one is under way");
    recorder.acknowledged(1);
    assert_eq!(recorder.due(), Some(ms(12)));
    assert_eq!(recorder.take(ms(11)), None);
    assert!(recorder.take(ms(12)).is_some());
    recorder.acknowledged(2);
    recorder.output(ms(40), OUT, b"c");
    assert!(
        recorder.take(ms(40)).is_some(),
        "long enough after the last"
    );
}

#[test]
fn much_output_or_the_end_does_not_wait() {
    let mut recorder = recorder(1 << 20);
    recorder.output(ms(1), OUT, b"a");
    recorder.take(ms(1)).unwrap();
    recorder.acknowledged(1);
    recorder.output(ms(1), OUT, &[b'x'; FULL_BYTES - 1]);
    assert_eq!(recorder.due(), Some(ms(6)));
    recorder.output(ms(1), OUT, b"x");
    assert!(recorder.take(ms(1)).is_some());
    recorder.acknowledged(2);
    recorder.output(ms(2), OUT, b"b");
    recorder.hurry();
    assert!(recorder.take(ms(2)).is_some());
    recorder.acknowledged(3);
    assert!(recorder.is_drained());
}

#[test]
fn a_phase_travels_with_the_first_output() {
    let phase = ChunkKind::Phase { phase: Phase::Run };
    let mut recorder = recorder(1 << 20);
    recorder.push(ms(1), phase.clone());
    assert_eq!(recorder.due(), Some(ms(1) + PATIENCE));
    recorder.output(ms(6), OUT, b"hello\n");
    let batch = recorder.take(ms(6)).unwrap();
    assert_eq!(batch.chunks[0].what, phase);
    assert_eq!(batch.chunks[1].number, 1);
    assert_eq!(batch.chunks[1].at_us, 6_000);
}

#[test]
fn what_is_typed_travels_with_its_echo_and_the_answer_does_not_wait() {
    let typed = || ChunkKind::Input { data: "a".into() };
    let mut recorder = recorder(1 << 20);
    recorder.output(ms(1), OUT, b"name? ");
    recorder.take(ms(1)).unwrap();
    recorder.acknowledged(1);
    recorder.push(ms(100), typed());
    assert_eq!(recorder.due(), Some(ms(100) + PATIENCE));
    recorder.output(ms(101), OUT, b"a");
    assert_eq!(recorder.take(ms(101)).unwrap().chunks.len(), 2);
    recorder.acknowledged(2);
    recorder.output(ms(102), OUT, b"answer");
    assert!(recorder.take(ms(102)).is_some());
    recorder.acknowledged(3);
    recorder.output(ms(103), OUT, b"more");
    assert_eq!(recorder.due(), Some(ms(107)), "that was the answer");
    // Who types without a pause gets no more batches for it.
    recorder.push(ms(103), typed());
    assert_eq!(recorder.due(), Some(ms(107)));
}

#[test]
fn what_is_typed_goes_without_an_echo_too() {
    let mut recorder = recorder(1 << 20);
    recorder.push(ms(10), ChunkKind::Input { data: "x".into() });
    assert_eq!(recorder.take(ms(29)), None);
    assert!(recorder.take(ms(30)).is_some());
}

#[test]
fn the_cap_is_exact_and_no_cut_without_need() {
    let mut recorder = recorder(10);
    assert_eq!(recorder.output(ms(1), OUT, b"123456"), Kept::All);
    assert_eq!(recorder.output(ms(1), ERR, b"7890"), Kept::All);
    assert_eq!(recorder.output(ms(2), ERR, b"x"), Kept::CutNow);
    assert_eq!(recorder.output(ms(2), OUT, b"y"), Kept::Nothing);
    recorder.hurry();
    let batch = recorder.take(ms(2)).unwrap();
    assert_eq!(batch.chunks.last().unwrap().what, ChunkKind::Cut);
    recorder.acknowledged(5);
    let summary = recorder.summary();
    assert_eq!((summary.stdout.bytes, summary.stderr.bytes), (6, 4));
    assert!(summary.cut);
}

#[test]
fn the_compiler_has_a_cap_of_its_own() {
    let mut recorder = Recorder::new(
        1,
        Caps {
            compiler: 3,
            program: 5,
        },
    );
    assert_eq!(
        recorder.output(ms(1), OutputStream::Compiler, b"abc"),
        Kept::All
    );
    assert_eq!(recorder.first_output(), None);
    assert_eq!(recorder.output(ms(2), OUT, b"12345"), Kept::All);
    assert_eq!(recorder.first_output(), Some(ms(2)));
}

#[derive(Clone, Debug)]
enum Op {
    Write(OutputStream, Vec<u8>),
    Typed(Vec<u8>),
    Pass(u64),
    Hurry,
    Acknowledge,
}

fn op() -> impl Strategy<Value = Op> {
    let bytes = prop_oneof![
        8 => prop::collection::vec(any::<u8>(), 1..40),
        1 => (1_usize..100_000).prop_map(|len| vec![0; len]),
    ];
    prop_oneof![
        6 => (prop::bool::ANY, bytes.clone())
            .prop_map(|(err, bytes)| Op::Write(if err { ERR } else { OUT }, bytes)),
        1 => bytes.prop_map(Op::Typed),
        3 => (0_u64..8_000).prop_map(Op::Pass),
        1 => Just(Op::Hurry),
        2 => Just(Op::Acknowledge),
    ]
}

proptest! {
    #[test]
    fn every_byte_once_in_order(ops in prop::collection::vec(op(), 0..120), cap in 1_usize..200_000) {
        let mut recorder = recorder(cap);
        let mut now = Duration::ZERO;
        let mut sequence = 0;
        let mut batches = Vec::new();
        let mut written = Vec::new();
        let mut acknowledged = 0;
        for op in ops.into_iter().chain([Op::Hurry]) {
            match op {
                Op::Write(stream, bytes) => {
                    recorder.output(now, stream, &bytes);
                    written.push((stream, bytes));
                }
                Op::Typed(bytes) => recorder.push(now, ChunkKind::Input { data: Data(bytes) }),
                Op::Pass(us) => now += Duration::from_micros(us),
                Op::Hurry => recorder.hurry(),
                Op::Acknowledge if acknowledged < batches.len() => {
                    acknowledged += 1;
                    sequence += 1;
                    recorder.acknowledged(sequence);
                }
                Op::Acknowledge => {}
            }
            batches.extend(recorder.take(now));
        }
        while !recorder.is_drained() {
            sequence += 1;
            recorder.acknowledged(sequence);
            now += PATIENCE;
            batches.extend(recorder.take(now));
        }

        // The bytes are those that were written, up to the cap over both streams.
        let mut left = cap;
        let mut expected: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
        for (stream, bytes) in written {
            let kept = bytes.len().min(left);
            left -= kept;
            expected[usize::from(stream == ERR)].extend(&bytes[..kept]);
        }
        let mut digest = OutputDigest::default();
        let mut found: [Vec<u8>; 2] = [Vec::new(), Vec::new()];
        let mut last_us = 0;
        for (number, chunk) in batches.iter().flat_map(|batch| &batch.chunks).enumerate() {
            prop_assert_eq!(chunk.number, number as u64);
            prop_assert!(chunk.at_us >= last_us);
            last_us = chunk.at_us;
            digest.push(chunk);
            if let Some((stream, bytes)) = chunk.what.output() {
                found[usize::from(stream == ERR)].extend(bytes);
            }
        }
        prop_assert_eq!(found, expected);
        let last = (!batches.is_empty()).then_some(sequence);
        prop_assert_eq!(recorder.summary(), digest.finish(last));
        for batch in &batches {
            prop_assert!(!batch.chunks.is_empty());
            prop_assert!(encode_output(batch).len() < 1 << 20);
        }
    }
}
