//! Docker's way of sending several streams over one attached connection, taken apart.
//!
//! Every frame has a header of eight bytes: the stream's number, three zeros, and the length of
//! what follows as a big-endian number. The parser is pure: it holds at most a header, allocates
//! nothing by a length that it read, and hands a frame's bytes on as they come, however the
//! connection has cut them.

/// Bytes of a header.
const HEADER: usize = 8;

/// A stream of a container, as Docker numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// What the daemon itself has to say.
    Daemon,
}

/// The connection speaks something else, a container's raw terminal for example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no header of a frame from Docker")]
pub struct Malformed([u8; HEADER]);

/// Takes frames apart, whatever pieces they arrive in.
#[derive(Debug, Default)]
pub struct Demux {
    header: [u8; HEADER],
    /// How much of the header is there.
    have: usize,
    /// The frame whose bytes are arriving, with how many are still to come.
    open: Option<(Stream, u32)>,
    broken: Option<Malformed>,
}

impl Demux {
    /// Hands on what a piece of the connection contains, in order. Pieces of one frame are not
    /// joined, and none is empty.
    ///
    /// # Errors
    /// The piece contains a header that is none; so does every later call, and what came before
    /// it has been handed on.
    pub fn push<'a>(
        &mut self,
        mut piece: &'a [u8],
        mut each: impl FnMut(Stream, &'a [u8]),
    ) -> Result<(), Malformed> {
        if let Some(broken) = self.broken {
            return Err(broken);
        }
        while !piece.is_empty() {
            piece = match self.open {
                Some((stream, left)) => {
                    let length = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
                    let (bytes, rest) = piece.split_at(length);
                    each(stream, bytes);
                    self.open = match left - length as u32 {
                        0 => None,
                        left => Some((stream, left)),
                    };
                    rest
                }
                None => self.take_header(piece)?,
            };
        }
        Ok(())
    }

    /// Whether the connection may end here: between two frames.
    pub fn is_between_frames(&self) -> bool {
        self.open.is_none() && self.have == 0 && self.broken.is_none()
    }

    fn take_header<'a>(&mut self, piece: &'a [u8]) -> Result<&'a [u8], Malformed> {
        let length = piece.len().min(HEADER - self.have);
        let (bytes, rest) = piece.split_at(length);
        self.header[self.have..self.have + length].copy_from_slice(bytes);
        self.have += length;
        if self.have < HEADER {
            return Ok(rest);
        }
        self.have = 0;
        let [number, zeros @ .., a, b, c, d] = self.header;
        let stream = match (number, zeros) {
            (1, [0, 0, 0]) => Stream::Stdout,
            (2, [0, 0, 0]) => Stream::Stderr,
            (3, [0, 0, 0]) => Stream::Daemon,
            _ => {
                let broken = Malformed(self.header);
                self.broken = Some(broken);
                return Err(broken);
            }
        };
        let left = u32::from_be_bytes([a, b, c, d]);
        self.open = (left > 0).then_some((stream, left));
        Ok(rest)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(number: u8, length: u32) -> Vec<u8> {
        [&[number, 0, 0, 0][..], &length.to_be_bytes()].concat()
    }

    fn frame(number: u8, bytes: &[u8]) -> Vec<u8> {
        [header(number, bytes.len() as u32), bytes.to_vec()].concat()
    }

    /// What arrived, with neighbouring pieces of one stream joined; the answer to the last piece;
    /// and whether the connection may end there.
    type Arrived = (Vec<(Stream, Vec<u8>)>, Result<(), Malformed>, bool);

    fn read(pieces: &[&[u8]]) -> Arrived {
        let (mut demux, mut all) = (Demux::default(), Vec::<(Stream, Vec<u8>)>::new());
        for piece in pieces {
            let read = demux.push(piece, |stream, bytes| match all.last_mut() {
                _ if bytes.is_empty() => panic!("an empty piece"),
                Some((last, joined)) if *last == stream => joined.extend_from_slice(bytes),
                _ => all.push((stream, bytes.to_vec())),
            });
            if read.is_err() {
                assert_eq!(demux.push(&header(1, 0), |_, _| ()), read);
                return (all, read, demux.is_between_frames());
            }
        }
        (all, Ok(()), demux.is_between_frames())
    }

    #[test]
    fn frames_split_at_every_byte_are_the_same() {
        let wire = [
            frame(1, b"one"),
            frame(2, b""),
            frame(2, b"two\n"),
            frame(3, b"!"),
        ]
        .concat();
        let expected = vec![
            (Stream::Stdout, b"one".to_vec()),
            (Stream::Stderr, b"two\n".to_vec()),
            (Stream::Daemon, b"!".to_vec()),
        ];
        for at in 0..=wire.len() {
            let (first, second) = wire.split_at(at);
            assert_eq!(read(&[first, second]), (expected.clone(), Ok(()), true));
        }
        let single: Vec<_> = wire.chunks(1).collect();
        assert_eq!(read(&single), (expected, Ok(()), true));
    }

    #[test]
    fn a_cut_connection_is_noticed() {
        let wire = frame(1, b"bytes");
        for at in 1..wire.len() {
            assert!(!read(&[&wire[..at]]).2, "{at}");
        }
    }

    #[test]
    fn the_longest_length_costs_nothing() {
        let wire = [header(1, u32::MAX), b"begun".to_vec()].concat();
        let expected = vec![(Stream::Stdout, b"begun".to_vec())];
        assert_eq!(read(&[&wire]), (expected, Ok(()), false));
    }

    #[test]
    fn what_is_no_header_is_refused_for_good() {
        for wrong in [
            [0, 0, 0, 0, 0, 0, 0, 1],
            [4, 0, 0, 0, 0, 0, 0, 1],
            *b"hello wo",
        ] {
            let wire = [frame(1, b"before"), wrong.to_vec(), b"x".to_vec()].concat();
            let expected = vec![(Stream::Stdout, b"before".to_vec())];
            let (all, refused, between) = read(&[&wire]);
            assert_eq!(
                (all, refused, between),
                (expected, Err(Malformed(wrong)), false)
            );
        }
    }

    proptest! {
        #[test]
        fn any_frames_in_any_pieces_arrive(
            frames in prop::collection::vec((1_u8..=3, prop::collection::vec(any::<u8>(), 0..40)), 0..12),
            cuts in prop::collection::vec(1_usize..30, 1..40),
        ) {
            let wire: Vec<u8> = frames.iter().flat_map(|(number, bytes)| frame(*number, bytes)).collect();
            let (mut rest, mut pieces, mut cuts) = (&wire[..], Vec::new(), cuts.iter().cycle());
            while !rest.is_empty() {
                let (piece, after) = rest.split_at(rest.len().min(*cuts.next().expect("endless")));
                pieces.push(piece);
                rest = after;
            }
            let whole = read(&[&wire]);
            prop_assert_eq!(read(&pieces), whole.clone());
            let sent: usize = frames.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert_eq!(whole.0.iter().map(|(_, bytes)| bytes.len()).sum::<usize>(), sent);
            prop_assert!(whole.1.is_ok() && whole.2);
        }

        #[test]
        fn no_bytes_at_all_make_it_panic(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..64), 0..16)) {
            let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
            let sent: usize = pieces.iter().map(|piece| piece.len()).sum();
            let received: usize = read(&pieces).0.iter().map(|(_, bytes)| bytes.len()).sum();
            prop_assert!(received <= sent);
        }
    }
}
