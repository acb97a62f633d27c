//! The worker's two ways to a container's init, over the attached connection.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;

use super::demux::{Demux, Stream};
use super::frames::{Frames, LONGEST_FROM_INIT, frame};
use super::protocol::{Report, Request};

/// Requests that wait while the daemon does not take them. Input is on credit, so more than this
/// means that the daemon is stuck.
const WAITING: usize = 256;

/// How much of what a broken init or runtime says is kept.
const LONGEST_COMPLAINT: usize = 2048;

/// Sends requests; copies of it send to the same init.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    queue: mpsc::Sender<Vec<u8>>,
}

impl Requests {
    /// Sends in order; waits while the daemon takes nothing. That init is gone shows in its
    /// silence.
    pub(super) async fn send(&self, request: &Request) {
        if let Ok(framed) = frame(&request.write()) {
            let _ = self.queue.send(framed).await;
        }
    }

    /// As [`send`](Self::send), for those who must not wait: it is lost if the daemon is stuck.
    pub(super) fn send_at_once(&self, request: &Request) {
        if let Ok(framed) = frame(&request.write()) {
            let _ = self.queue.try_send(framed);
        }
    }
}

/// What init reports, in order.
#[derive(Debug)]
pub(super) struct Reports {
    connection: OwnedReadHalf,
    demux: Demux,
    frames: Frames,
    buffer: Vec<u8>,
    complaint: Vec<u8>,
}

/// Splits a connection. The task that writes ends with the last copy of the requests, which
/// closes the container's input.
pub(super) fn split(connection: UnixStream) -> (Requests, Reports, impl Future<Output = ()>) {
    let (reader, writer) = connection.into_split();
    let (queue, waiting) = mpsc::channel(WAITING);
    let reports = Reports {
        connection: reader,
        demux: Demux::default(),
        frames: Frames::new(LONGEST_FROM_INIT),
        buffer: vec![0; 32 << 10],
        complaint: Vec::new(),
    };
    (Requests { queue }, reports, write(writer, waiting))
}

async fn write(mut connection: OwnedWriteHalf, mut waiting: mpsc::Receiver<Vec<u8>>) {
    while let Some(framed) = waiting.recv().await {
        if connection.write_all(&framed).await.is_err() {
            return;
        }
    }
}

impl Reports {
    /// The next report. Can be dropped and called again.
    pub(super) async fn next(&mut self) -> io::Result<Report> {
        loop {
            if let Some(message) = self.frames.next()? {
                return Report::read(message);
            }
            let length = self.connection.read(&mut self.buffer).await?;
            if length == 0 {
                return Err(self.ended());
            }
            let (frames, complaint) = (&mut self.frames, &mut self.complaint);
            let taken = self
                .demux
                .push(&self.buffer[..length], |stream, bytes| match stream {
                    Stream::Stdout => frames.push(bytes),
                    Stream::Stderr | Stream::Daemon => {
                        let room = LONGEST_COMPLAINT.saturating_sub(complaint.len());
                        complaint.extend_from_slice(&bytes[..bytes.len().min(room)]);
                    }
                });
            taken.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        }
    }

    fn ended(&self) -> io::Error {
        let complaint = String::from_utf8_lossy(&self.complaint);
        let text = match complaint.trim() {
            "" => "the container's streams ended".to_owned(),
            complaint => format!("the container's streams ended: {complaint}"),
        };
        io::Error::new(io::ErrorKind::UnexpectedEof, text)
    }
}
