//! Messages on a stream of bytes, between the worker and a container's init.
//!
//! Each is its length as a big-endian number, then that many bytes: a kind and what belongs to it
//! (see `native/wire.rs`). Both ends are the same program, so there is no version.

use std::io;

/// The longest message that a container's init may send; output comes in pieces of 64 KiB.
pub(super) const LONGEST_FROM_INIT: usize = 128 << 10;

/// The longest message that the worker may send: a step with its files.
pub(super) const LONGEST_FROM_WORKER: usize = 1 << 30;

const LENGTH: usize = size_of::<u32>();

/// A message as it travels.
pub(super) fn frame(message: &[u8]) -> io::Result<Vec<u8>> {
    let length = u32::try_from(message.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    Ok([&length.to_be_bytes(), message].concat())
}

/// Collects bytes until they are messages. What it holds grows with what has arrived, never by a
/// length that was read.
#[derive(Debug)]
pub(super) struct Frames {
    buffer: Vec<u8>,
    /// Where the next message starts in the buffer.
    from: usize,
    longest: usize,
}

impl Frames {
    pub(super) fn new(longest: usize) -> Self {
        Self {
            buffer: Vec::new(),
            from: 0,
            longest,
        }
    }

    /// Adds what has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        // What has been taken goes away before more is added.
        self.buffer.drain(..self.from);
        self.from = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives back the room that a big message took.
    pub(super) fn shrink(&mut self) {
        self.push(&[]);
        self.buffer.shrink_to(LONGEST_FROM_INIT);
    }

    /// The next whole message; `None` while there is none.
    ///
    /// # Errors
    /// A message is longer than any may be.
    pub(super) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        let waiting = &self.buffer[self.from..];
        let Some((length, rest)) = waiting.split_first_chunk::<LENGTH>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes(*length) as usize;
        if length > self.longest {
            let text = format!("a message of {length} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if rest.len() < length {
            return Ok(None);
        }
        let start = self.from + LENGTH;
        self.from = start + length;
        Ok(Some(&self.buffer[start..self.from]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(pieces: &[&[u8]], longest: usize) -> io::Result<Vec<Vec<u8>>> {
        let (mut frames, mut all) = (Frames::new(longest), Vec::new());
        for piece in pieces {
            frames.push(piece);
            while let Some(message) = frames.next()? {
                all.push(message.to_vec());
            }
        }
        Ok(all)
    }

    #[test]
    fn a_message_that_is_too_long_is_refused_before_it_is_there() {
        assert!(read(&[&u32::MAX.to_be_bytes()], 1000).is_err());
        assert_eq!(
            read(&[&1000_u32.to_be_bytes()], 1000).unwrap(),
            Vec::<Vec<u8>>::new()
        );
    }

    proptest! {
        #[test]
        fn messages_in_any_pieces_arrive(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..10),
            size in 1_usize..40,
        ) {
            let wire: Vec<u8> = messages.iter().flat_map(|message| frame(message).unwrap()).collect();
            let pieces: Vec<&[u8]> = wire.chunks(size).collect();
            prop_assert_eq!(read(&pieces, 50).unwrap(), messages);
        }
    }
}
