//! What worker, spawner and init say to each other: any bytes are read or refused, and what was read
//! is written as it was. The worker reads what comes out of cells.
#![no_main]
#![allow(
    dead_code,
    unexpected_cfgs,
    reason = "a part of each file is looked at"
)]

use std::io;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

// The files themselves: the crate around them would bring a client for Docker with it.
#[path = "../../sandbox/src/native/protocol.rs"]
mod protocol;
#[path = "../../sandbox/src/native/wire.rs"]
mod wire;

use protocol::{Go, Make, Over, Prime, Setup, expect, kind};
use wire::{Failure, Reader};

mod config {
    use std::path::PathBuf;

    pub(crate) struct Mount {
        pub(crate) host: PathBuf,
        pub(crate) inside: PathBuf,
    }
}

pub(crate) struct CellFile {
    pub(crate) name: String,
    pub(crate) mode: u32,
    pub(crate) content: Bytes,
}

#[derive(Clone, Copy)]
pub(crate) struct Terminal {
    pub(crate) size: WindowSize,
}

#[derive(Clone, Copy)]
pub(crate) struct WindowSize {
    pub(crate) columns: u16,
    pub(crate) rows: u16,
}

#[derive(Debug)]
pub(crate) enum Error {
    System { doing: String, source: io::Error },
}

/// Reads the bytes as one kind of message; what was read must be written so that it is read again, the
/// same.
fn again<T>(
    bytes: &[u8],
    read: impl Fn(&mut Reader<'_>) -> io::Result<T>,
    write: impl Fn(&T) -> Vec<u8>,
) {
    let Ok((_, mut reader)) = Reader::new(bytes) else {
        return;
    };
    if let Ok(message) = read(&mut reader) {
        let written = write(&message);
        let (_, mut reader) = Reader::new(&written).expect("it has a kind");
        let once_more = read(&mut reader).expect("it was written just now");
        assert_eq!(write(&once_more), written);
    }
}

fuzz_target!(|bytes: &[u8]| {
    again(bytes, Setup::read, Setup::write);
    again(bytes, Make::read, Make::write);
    again(bytes, Prime::read, Prime::write);
    again(bytes, Go::read, Go::write);
    again(bytes, Over::read, Over::write);
    again(bytes, Failure::read, |failure| failure.write(kind::FAILED));
    for expected in [kind::READY, kind::OVER] {
        // A failure of the other side, or nonsense; never a panic.
        let _ = expect(bytes, expected).map_err(Failure::into_error);
    }
});
