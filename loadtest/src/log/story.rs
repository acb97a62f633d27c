//! Executions that nobody ran, as a worker would have written them.

use std::collections::BTreeMap;

use runlog_schemas::{
    Change, Chunk, ChunkKind, Data, ExecutionEvent, ExecutionId, Limits, Measurements, Outcome,
    OutputBatch, OutputDigest, OutputSummary, Phase, Priority, SourceFile, Submission,
};
use uuid::Uuid;

/// Events of one execution in `EXECUTIONS`. Its output is one message more, in `OUTPUT`.
pub(crate) const EVENTS: u64 = 3;

/// Sessions that all executions are spread over.
pub(crate) const SESSIONS: u64 = 1_000;

/// The only language.
pub(crate) const LANGUAGE: &str = "python";

/// A hello world: submitted, started, one message of output, finished.
pub(crate) struct Story {
    number: u64,
    at_ms: u64,
}

impl Story {
    /// The execution of that number, whose time is `at_ms`, in milliseconds since 1970.
    pub(crate) const fn new(number: u64, at_ms: u64) -> Self {
        Self { number, at_ms }
    }

    /// Ids sort by time, as the edge's do, and differ by number.
    pub(crate) fn id(&self) -> ExecutionId {
        let version_and_variant = (7_u128 << 76) | (2_u128 << 62);
        let time = u128::from(self.at_ms & 0xffff_ffff_ffff) << 80;
        // Twelve bits in the middle and 62 at the end are free.
        let number = u128::from(self.number & 0x3fff_ffff_ffff_ffff);
        ExecutionId::from_uuid(Uuid::from_u128(time | version_and_variant | number))
    }

    pub(crate) fn submission(&self) -> Submission {
        let number = self.number;
        Submission {
            language: LANGUAGE.to_owned(),
            priority: Priority::Api,
            files: vec![SourceFile {
                name: "main.py".to_owned(),
                content: Data::from(format!("print('hello {number}')\n").as_str()),
            }],
            entry: "main.py".to_owned(),
            args: Vec::new(),
            env: BTreeMap::new(),
            compiler_options: Vec::new(),
            stdin: None,
            interactive: false,
            terminal: None,
            output_files: Vec::new(),
            limits: Limits::default(),
            // Nobody takes it; it shall not expire before its start has been written.
            queue_limit_ms: 604_800_000,
            session: Some(format!("session-{}", number % SESSIONS)),
            request_digest: None,
            toolchain_version: None,
            repeats: None,
        }
    }

    pub(crate) fn submitted(&self) -> ExecutionEvent {
        self.event(Change::Submitted {
            submission: Box::new(self.submission()),
        })
    }

    pub(crate) fn started(&self) -> ExecutionEvent {
        self.event(Change::Started {
            attempt: 1,
            worker: "worker-1".to_owned(),
        })
    }

    pub(crate) fn output(&self) -> OutputBatch {
        let chunk = |number, at_us, what| Chunk {
            number,
            at_us,
            what,
        };
        let text = format!("hello {}\n", self.number);
        OutputBatch {
            attempt: 1,
            chunks: vec![
                chunk(0, 310, ChunkKind::Phase { phase: Phase::Run }),
                chunk(
                    1,
                    9_400,
                    ChunkKind::Stdout {
                        data: Data::from(text.as_str()),
                    },
                ),
            ],
        }
    }

    /// The end, with the sequence of [`Story::output`] in its stream.
    pub(crate) fn finished(&self, output_sequence: u64) -> ExecutionEvent {
        self.event(Change::Finished {
            attempt: 1,
            outcome: Outcome::Exited { code: 0 },
            measurements: Box::new(Measurements {
                queued_us: 2_100,
                wall_us: 11_300,
                cpu_user_us: 8_700,
                cpu_system_us: 2_200,
                memory_peak_bytes: 7_340_032,
                read_bytes: 51_200,
                written_bytes: 18,
                context_switches: 12,
                first_output_us: Some(9_400),
                warm: true,
                engine: "native".to_owned(),
                ..Measurements::default()
            }),
            output: Box::new(self.summary(output_sequence)),
        })
    }

    fn summary(&self, output_sequence: u64) -> OutputSummary {
        let mut digest = OutputDigest::default();
        for chunk in &self.output().chunks {
            digest.push(chunk);
        }
        digest.finish(Some(output_sequence))
    }

    const fn event(&self, change: Change) -> ExecutionEvent {
        ExecutionEvent {
            at_ms: self.at_ms,
            change,
        }
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::{Execution, fold};

    use super::*;

    #[test]
    fn a_story_ends_as_it_should() {
        let story = Story::new(7, 1_800_000_000_000);
        let events = [story.submitted(), story.started(), story.finished(1)];
        assert_eq!(events.len() as u64, EVENTS);
        let execution = events.iter().fold(Execution::default(), fold);
        let end = execution.end().unwrap();
        assert_eq!(end.outcome, Outcome::Exited { code: 0 });
        assert_eq!(end.output.as_ref().unwrap().stdout.bytes, 8);
        assert!(story.id() < Story::new(8, 1_800_000_000_000).id());
        assert!(story.id() < Story::new(7, 1_800_000_000_001).id());
    }
}
