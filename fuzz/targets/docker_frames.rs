//! Docker's frames, cut anywhere: the same bytes come out, however they arrived.
#![no_main]

use libfuzzer_sys::fuzz_target;

// The file itself: the crate around it would bring a client for Docker with it.
#[path = "../../sandbox/src/docker/demux.rs"]
mod demux;

use demux::{Demux, Stream};

/// All bytes by stream, in order, and how it ended.
fn taken_apart(pieces: &[&[u8]]) -> (Vec<(Stream, u8)>, bool) {
    let (mut demux, mut all) = (Demux::default(), Vec::new());
    for piece in pieces {
        let pushed = demux.push(piece, |stream, bytes| {
            assert!(!bytes.is_empty());
            all.extend(bytes.iter().map(|byte| (stream, *byte)));
        });
        if pushed.is_err() {
            assert!(!demux.is_between_frames());
            return (all, false);
        }
    }
    (all, true)
}

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, bytes) = input;
    let whole = taken_apart(&[bytes]);
    let at = usize::from(cut).min(bytes.len());
    let (head, rest) = bytes.split_at(at);
    assert_eq!(taken_apart(&[head, rest]), whole);
    let each: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(taken_apart(&each), whole);
});
