//! Somebody who watches one execution through every failure, and believes nothing.

use std::time::Duration;

use runlog_client::Client;
use runlog_schemas::api::{ExecutionView, Status, ViewerMessage};
use runlog_schemas::{Chunk, ChunkKind, ExecutionId, OutputDigest};
use tokio::time::sleep;

use super::fault::Dice;

/// What is on the screen.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    attempt: Option<u32>,
    chunks: Vec<Chunk>,
    cursor: Option<String>,
    end: Option<Box<ExecutionView>>,
}

/// What somebody saw.
pub(crate) struct Seen {
    pub(crate) end: Box<ExecutionView>,
    pub(crate) stdout: Vec<u8>,
    /// They saw more than the recording has: a worker that had lost its lease went on to write.
    pub(crate) late: bool,
}

impl Screen {
    /// Takes the next message; says what is wrong with it.
    fn on(&mut self, message: ViewerMessage) -> Result<(), String> {
        if self.end.is_some() {
            return Err("a message behind the terminal event".to_owned());
        }
        match message {
            ViewerMessage::Event {
                cursor,
                execution,
                name,
                ..
            } => {
                self.cursor = Some(cursor);
                if name == "started" || name == "retried" {
                    self.chunks.clear();
                    self.attempt = execution.attempts.last().map(|it| it.number);
                }
                if execution.status == Status::Ended {
                    self.end = Some(execution);
                }
            }
            ViewerMessage::Output { cursor, batch } => {
                self.cursor = Some(cursor);
                if self.attempt != Some(batch.attempt) {
                    let (seen, runs) = (batch.attempt, self.attempt);
                    return Err(format!("output of attempt {seen} while {runs:?} runs"));
                }
                for chunk in batch.chunks {
                    let expected = self.chunks.len() as u64;
                    if chunk.number != expected {
                        return Err(format!("chunk {} instead of {expected}", chunk.number));
                    }
                    self.chunks.push(chunk);
                }
            }
            ViewerMessage::Resume { cursor } => self.cursor = Some(cursor),
            ViewerMessage::Error { code, .. } => return Err(format!("an error: {code}")),
        }
        Ok(())
    }

    /// Compares what was seen with what the end tells.
    fn finish(self, end: Box<ExecutionView>) -> Result<Seen, String> {
        let told = end.output.clone().unwrap_or_default();
        let late = self.chunks.len() as u64 > told.chunks;
        let mut digest = OutputDigest::default();
        let mut stdout = Vec::new();
        for chunk in self.chunks.iter().filter(|it| it.number < told.chunks) {
            digest.push(chunk);
            if let ChunkKind::Stdout { data } = &chunk.what {
                stdout.extend_from_slice(&data.0);
            }
        }
        let seen = digest.finish(told.last_sequence);
        // What ended in the queue tells of no output, and an attempt before that is cleared.
        if end.output.is_some() && seen != told {
            return Err(format!("the end tells of {told:?}, seen was {seen:?}"));
        }
        Ok(Seen { end, stdout, late })
    }
}

/// Watches to the end over SSE or a WebSocket, on whichever edge is there, and leaves and comes
/// back in between.
pub(crate) async fn watch(clients: &[Client], id: ExecutionId, seed: u64) -> Result<Seen, String> {
    let mut dice = Dice::new(seed);
    let mut screen = Screen::default();
    loop {
        let client = &clients[usize::try_from(dice.below(clients.len() as u64)).unwrap_or(0)];
        // Leaves after so many messages, or stays.
        let patience = if dice.below(3) == 0 {
            dice.below(6) + 1
        } else {
            u64::MAX
        };
        let over_socket = dice.below(2) == 0;
        listen(client, id, over_socket, patience, &mut screen).await?;
        if let Some(end) = screen.end.take() {
            return screen.finish(end);
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Takes some messages over one connection.
async fn listen(
    client: &Client,
    id: ExecutionId,
    over_socket: bool,
    mut patience: u64,
    screen: &mut Screen,
) -> Result<(), String> {
    let from = screen.cursor.clone();
    let from = from.as_deref();
    if over_socket {
        let Ok(mut socket) = client.socket(id, from).await else {
            return Ok(());
        };
        while patience > 0 && screen.end.is_none() {
            patience -= 1;
            match socket.next().await {
                Some(Ok(message)) => screen.on(message)?,
                Some(Err(_)) | None => return Ok(()),
            }
        }
        return Ok(());
    }
    let Ok(mut frames) = client.frames(id, from).await else {
        return Ok(());
    };
    while patience > 0 && screen.end.is_none() {
        patience -= 1;
        match frames.next_message().await {
            Some(Ok(message)) => screen.on(message)?,
            Some(Err(_)) | None => return Ok(()),
        }
    }
    Ok(())
}
