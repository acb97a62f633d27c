//! `runlog replay ID`.

use std::time::Duration;

use clap::Args;
use runlog_schemas::api::RecordingView;
use runlog_schemas::{Chunk, ChunkKind, ExecutionId};
use tokio::time::Instant;

use crate::config::EdgeConfig;
use crate::failure::Failure;
use crate::writer::{Writer, plain};
use crate::{ending, time};

/// Play an execution again with its own timing, byte for byte
///
/// Nothing is run. With --json: the whole recording at once, as one document.
#[derive(Args, Debug)]
pub(crate) struct ReplayArgs {
    /// The execution's id
    id: ExecutionId,
    /// How much faster than it was; 0 does not wait at all
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// No pause is longer than this
    #[arg(long, value_name = "TIME", value_parser = time::duration)]
    max_pause: Option<Duration>,
    /// Say on standard error what was typed, and when
    #[arg(long)]
    input: bool,
    /// Print it as a file for asciinema instead
    #[arg(long, conflicts_with_all = ["json", "speed", "max_pause", "input"])]
    cast: bool,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl ReplayArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        if self.cast {
            writer.document(&client.recording_cast(self.id).await?)?;
            return Ok(0);
        }
        let recording = client.recording(self.id).await?;
        if writer.wants_json() {
            writer.json(&recording)?;
        } else {
            self.play(&recording, writer).await?;
        }
        Ok(0)
    }

    async fn play(&self, recording: &RecordingView, writer: &mut Writer) -> Result<(), Failure> {
        let mut due = Instant::now();
        let mut before_us = recording.chunks.first().map_or(0, |it| it.at_us);
        for chunk in &recording.chunks {
            due += self.pause(chunk.at_us.saturating_sub(before_us));
            before_us = chunk.at_us;
            tokio::time::sleep_until(due).await;
            self.show(chunk, writer)?;
        }
        if recording.complete {
            writer.say(&format!(
                "replayed: {}",
                ending::words(&recording.execution)
            ));
        } else {
            writer.say("replayed so far: it has not ended yet");
        }
        Ok(())
    }

    fn pause(&self, gap_us: u64) -> Duration {
        if self.speed == 0.0 {
            return Duration::ZERO;
        }
        let pause = Duration::from_micros(gap_us).div_f64(self.speed);
        self.max_pause.map_or(pause, |longest| pause.min(longest))
    }

    fn show(&self, chunk: &Chunk, writer: &mut Writer) -> Result<(), Failure> {
        if let Some((stream, bytes)) = chunk.what.output() {
            return writer.program(stream, bytes);
        }
        let text = match &chunk.what {
            ChunkKind::Input { data } => {
                format!("typed {:?}", String::from_utf8_lossy(&data.0))
            }
            ChunkKind::Eof => "its input ended".to_owned(),
            ChunkKind::Resize { size } => {
                format!("its terminal became {} by {}", size.columns, size.rows)
            }
            ChunkKind::Signal { signal } => format!("was sent signal {signal}"),
            ChunkKind::Cut => {
                writer.say("what it wrote from here on was over its limit and is not kept");
                return Ok(());
            }
            ChunkKind::File { name, bytes, .. } => {
                format!("gave back {name}, {bytes} bytes")
            }
            ChunkKind::FilesLeft { count, .. } => format!("did not give back {count} files"),
            ChunkKind::Phase { .. }
            | ChunkKind::FileData { .. }
            | ChunkKind::Compiler { .. }
            | ChunkKind::Stdout { .. }
            | ChunkKind::Stderr { .. } => return Ok(()),
        };
        if self.input {
            writer.say(&plain(&text));
        }
        Ok(())
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed == 0.0 || (0.01..=1_000_000.0).contains(&speed) => Ok(speed),
        Ok(_) | Err(_) => Err("expected a number such as 2 or 0.5, or 0 for no waiting".to_owned()),
    }
}
