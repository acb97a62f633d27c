//! From a parsed command to its exit code.

use std::process::ExitCode;

use runlog_sandbox::native::take_short_turns;
use tokio::runtime::Builder;

use crate::cli::Command;
use crate::config::Speech;
use crate::failure::Failure;
use crate::writer::Writer;

impl Command {
    /// Does what was asked.
    pub(crate) fn run(self) -> ExitCode {
        let mut writer = Writer::new(self.speech());
        let result = self.execute(&mut writer);
        ExitCode::from(result.unwrap_or_else(|failure| {
            writer.fail(&failure);
            failure.exit_code()
        }))
    }

    const fn speech(&self) -> Speech {
        match self {
            Self::Up(it) => it.speech,
            Self::Run(it) => it.edge.speech,
            Self::Submit(it) => it.edge.speech,
            Self::Watch(it) => it.edge.speech,
            Self::History(it) => it.edge.speech,
            Self::Show(it) => it.edge.speech,
            Self::Replay(it) => it.edge.speech,
            Self::Share(it) => it.edge.speech,
            Self::Cancel(it) => it.edge.speech,
            Self::Languages(it) => it.edge.speech,
            Self::Rerun(it) => it.edge.speech,
            Self::Dlq(it) => it.speech(),
            Self::Workers(it) => it.edge.speech,
            Self::Edge(it) => it.speech,
            Self::Projector(it) => it.speech(),
            Self::Streams(it) => it.speech(),
            Self::Verify(it) => it.speech,
            Self::Worker(it) => it.speech,
            Self::Completions(_) => Speech {
                json: false,
                quiet: false,
            },
        }
    }

    fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        match self {
            Self::Up(it) => together(it.execute(writer)),
            Self::Run(it) => alone(it.execute(writer)),
            Self::Submit(it) => alone(it.execute(writer)),
            Self::Watch(it) => alone(it.execute(writer)),
            Self::History(it) => alone(it.execute(writer)),
            Self::Show(it) => alone(it.execute(writer)),
            Self::Replay(it) => alone(it.execute(writer)),
            Self::Share(it) => alone(it.execute(writer)),
            Self::Cancel(it) => alone(it.execute(writer)),
            Self::Languages(it) => alone(it.execute(writer)),
            Self::Rerun(it) => alone(it.execute(writer)),
            Self::Dlq(it) => alone(it.execute(writer)),
            Self::Workers(it) => alone(it.execute(writer)),
            Self::Edge(it) => together(it.execute(writer)),
            Self::Worker(it) => together(it.execute(writer)),
            Self::Projector(it) => together(it.execute(writer)),
            Self::Streams(it) => alone(it.execute(writer)),
            Self::Verify(it) => alone(it.execute(writer)),
            Self::Completions(it) => it.execute(writer),
        }
    }
}

/// Runs a user's command. One thread is enough for one connection, and starts sooner.
fn alone(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    run(&mut Builder::new_current_thread(), command)
}

/// Runs a service, on all cores, which no program on them keeps waiting.
fn together(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    take_short_turns();
    crate::config::arm_failpoint()
        .map_err(|error| Failure::Usage(format!("RUNLOG_FAILPOINT: {error}")))?;
    run(&mut Builder::new_multi_thread(), command)
}

fn run(
    builder: &mut Builder,
    command: impl Future<Output = Result<u8, Failure>>,
) -> Result<u8, Failure> {
    let runtime = builder
        .enable_all()
        .build()
        .map_err(|error| Failure::Service(format!("no event loop: {error}")))?;
    let result = runtime.block_on(command);
    // A read of standard input that waits would otherwise be waited for.
    runtime.shutdown_background();
    result
}
