//! The bytes that worker, spawner and init exchange: one message per datagram.
//!
//! All three are the same binary, so there is no version; numbers are in machine order.

use std::io;

/// Builds a message.
#[derive(Default)]
pub(crate) struct Writer(Vec<u8>);

impl Writer {
    /// Starts a message of a kind.
    pub(crate) fn new(kind: u8) -> Self {
        Self(vec![kind])
    }

    pub(crate) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(crate) fn i32(self, value: i32) -> Self {
        self.u32(value.cast_unsigned())
    }

    pub(crate) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(crate) fn bytes(mut self, value: &[u8]) -> Self {
        self = self.u64(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    pub(crate) fn list<T>(self, values: &[T], mut each: impl FnMut(Self, &T) -> Self) -> Self {
        let counted = self.u64(values.len() as u64);
        values.iter().fold(counted, &mut each)
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }
}

/// Takes a message apart, in the order in which it was built.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Starts after the kind, which it returns too.
    pub(crate) fn new(message: &'a [u8]) -> io::Result<(u8, Self)> {
        let (kind, rest) = message.split_first().ok_or_else(malformed)?;
        Ok((*kind, Self(rest)))
    }

    pub(crate) fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_ne_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> io::Result<i32> {
        Ok(self.u32()?.cast_signed())
    }

    pub(crate) fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_ne_bytes(self.array()?))
    }

    pub(crate) fn bytes(&mut self) -> io::Result<&'a [u8]> {
        let length = usize::try_from(self.u64()?).map_err(|_| malformed())?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn list<T>(
        &mut self,
        mut each: impl FnMut(&mut Self) -> io::Result<T>,
    ) -> io::Result<Vec<T>> {
        let length = self.u64()?;
        // No allocation by a number that was read: the vector grows with what is really there.
        (0..length).map(|_| each(self)).collect()
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(malformed)?;
        self.0 = rest;
        Ok(*taken)
    }
}

pub(crate) fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed message")
}

/// Something that went wrong in the spawner, in an init or before a step's program, with what
/// was being done; it travels to the worker.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) doing: String,
    pub(crate) errno: i32,
}

impl Failure {
    pub(crate) fn new(doing: impl Into<String>, error: &io::Error) -> Self {
        Self {
            doing: doing.into(),
            errno: error.raw_os_error().unwrap_or(libc::EIO),
        }
    }

    pub(crate) fn write(&self, kind: u8) -> Vec<u8> {
        Writer::new(kind)
            .i32(self.errno)
            .bytes(self.doing.as_bytes())
            .finish()
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        let errno = reader.i32()?;
        let doing = String::from_utf8_lossy(reader.bytes()?).into_owned();
        Ok(Self { doing, errno })
    }

    pub(crate) fn into_error(self) -> crate::Error {
        crate::Error::System {
            doing: self.doing,
            source: io::Error::from_raw_os_error(self.errno),
        }
    }
}

/// Names what was being done when something fails.
pub(crate) trait Doing<T> {
    fn doing(self, what: &str) -> Result<T, Failure>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, what: &str) -> Result<T, Failure> {
        self.map_err(|error| Failure::new(what, &error.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read() {
        let names = ["a", "", "long\0"];
        let message = Writer::new(7)
            .u32(1)
            .i32(-5)
            .u64(u64::MAX)
            .list(&names, |w, n| w.bytes(n.as_bytes()))
            .finish();
        let (kind, mut reader) = Reader::new(&message).unwrap();
        assert_eq!(kind, 7);
        assert_eq!(reader.u32().unwrap(), 1);
        assert_eq!(reader.i32().unwrap(), -5);
        assert_eq!(reader.u64().unwrap(), u64::MAX);
        let read = reader.list(|r| Ok(r.bytes()?.to_vec())).unwrap();
        assert_eq!(read, names.map(|n| n.as_bytes().to_vec()));
    }

    #[test]
    fn a_cut_message_is_an_error_and_allocates_nothing() {
        let message = Writer::new(0).u64(u64::MAX).finish();
        let (_, mut reader) = Reader::new(&message).unwrap();
        assert!(reader.bytes().is_err());
        let (_, mut reader) = Reader::new(&message).unwrap();
        assert!(reader.list(|r| r.u64()).is_err());
        assert!(Reader::new(&[]).is_err());
    }
}
