//! A socket on which datagrams and file descriptors travel, blocking and async.
//!
//! A message that is too long for a datagram goes in a memory file whose descriptor is sent last.

use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::MemfdFlags;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The longest message that travels as a datagram; well under the kernel's default buffer.
const INLINE: usize = 32 << 10;

/// File descriptors per message, with the one of a memory file.
const MOST_FDS: usize = 8;

const IS_INLINE: u8 = 0;
const IS_IN_MEMORY_FILE: u8 = 1;

/// A message that was received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: Vec<u8>,
    pub(super) fds: Vec<OwnedFd>,
}

impl Received {
    /// The only descriptor of a message that must carry one.
    pub(super) fn into_fd(mut self) -> io::Result<OwnedFd> {
        self.fds.pop().ok_or_else(super::wire::malformed)
    }
}

/// Two connected sockets, both closed on exec.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::net::socketpair(
        AddressFamily::UNIX,
        SocketType::SEQPACKET,
        SocketFlags::CLOEXEC,
        None,
    )?)
}

/// Sends a message; waits while the other side's buffer is full, unless the socket does not block.
pub(super) fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.len() <= INLINE {
        return send_datagram(socket, IS_INLINE, bytes, fds);
    }
    let file = rustix::fs::memfd_create("message", MemfdFlags::CLOEXEC)?;
    let mut written = 0;
    while written < bytes.len() {
        written += rustix::io::pwrite(&file, &bytes[written..], written as u64)?;
    }
    let with_file: Vec<_> = fds.iter().copied().chain([file.as_fd()]).collect();
    send_datagram(socket, IS_IN_MEMORY_FILE, &[], &with_file)
}

fn send_datagram(
    socket: impl AsFd,
    head: u8,
    bytes: &[u8],
    fds: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let head = [head];
    let parts = [IoSlice::new(&head), IoSlice::new(bytes)];
    loop {
        match rustix::net::sendmsg(&socket, &parts, &mut control, SendFlags::NOSIGNAL) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

thread_local! {
    /// Where datagrams arrive. A process of a cell has it from its spawner: it gets a copy of those
    /// pages alone that a message fills.
    static ARRIVED: RefCell<Vec<u8>> = RefCell::new(vec![0; INLINE]);
}

/// Receives a message; `None` at the end.
pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<Received>> {
    ARRIVED.with_borrow_mut(|arrived| receive_with(socket, arrived))
}

fn receive_with(socket: impl AsFd, bytes: &mut [u8]) -> io::Result<Option<Received>> {
    let mut head = [0_u8; 1];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let length = loop {
        let parts = &mut [IoSliceMut::new(&mut head), IoSliceMut::new(bytes)];
        match rustix::net::recvmsg(&socket, parts, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?.bytes,
        }
    };
    let mut fds = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    let Some(length) = length.checked_sub(head.len()) else {
        return Ok(None);
    };
    if head == [IS_IN_MEMORY_FILE] {
        let file = fds.pop().ok_or_else(super::wire::malformed)?;
        return Ok(Some(Received {
            bytes: read_whole(&file)?,
            fds,
        }));
    }
    Ok(Some(Received {
        bytes: bytes[..length].to_vec(),
        fds,
    }))
}

fn read_whole(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let length = rustix::fs::fstat(file)?.st_size;
    let mut bytes = vec![0; usize::try_from(length).map_err(|_| super::wire::malformed())?];
    let mut read = 0;
    while read < bytes.len() {
        match rustix::io::pread(file, &mut bytes[read..], read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    Ok(bytes)
}

/// The worker's end of a pair: never blocks a thread.
#[derive(Debug)]
pub(super) struct Channel {
    socket: AsyncFd<OwnedFd>,
}

impl Channel {
    /// Wraps one end; must be called inside the runtime.
    pub(super) fn new(socket: OwnedFd) -> io::Result<Self> {
        Ok(Self {
            socket: super::sys::watch(socket)?,
        })
    }

    pub(super) async fn send(&self, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
        self.socket
            .async_io(Interest::WRITABLE, |socket| send(socket, bytes, fds))
            .await
    }

    /// Receives a message; `None` at the end. Can be dropped and called again.
    pub(super) async fn receive(&self) -> io::Result<Option<Received>> {
        self.socket
            .async_io(Interest::READABLE, |socket| receive(socket))
            .await
    }

    /// Whether the other side is there and has nothing to say.
    pub(super) fn is_quiet(&self) -> bool {
        super::sys::is_quiet(self.socket.get_ref())
    }

    /// Receives a message that must come.
    pub(super) async fn expect(&self) -> io::Result<Received> {
        self.receive()
            .await?
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn messages_of_every_length_arrive_with_their_descriptors() {
        let (ours, theirs) = pair().unwrap();
        let ours = Channel::new(ours).unwrap();
        for length in [1, INLINE, INLINE + 1, 3 << 20] {
            let bytes = vec![5; length];
            let (pipe, _other) = rustix::pipe::pipe().unwrap();
            ours.send(&bytes, &[pipe.as_fd()]).await.unwrap();
            let received = receive(&theirs).unwrap().unwrap();
            assert_eq!(received.bytes, bytes);
            assert_eq!(received.fds.len(), 1);
        }
        drop(theirs);
        assert!(ours.receive().await.unwrap().is_none());
    }
}
