//! From a parsed command to its exit code.

use std::process::ExitCode;

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
            Self::Run(it) => it.edge.speech,
            Self::Submit(it) => it.edge.speech,
            Self::Watch(it) => it.edge.speech,
            Self::History(it) => it.edge.speech,
            Self::Show(it) => it.edge.speech,
            Self::Replay(it) => it.edge.speech,
            Self::Cancel(it) => it.edge.speech,
            Self::Languages(it) => it.edge.speech,
            Self::Completions(_) => Speech {
                json: false,
                quiet: false,
            },
        }
    }

    fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        match self {
            Self::Run(it) => alone(it.execute(writer)),
            Self::Submit(it) => alone(it.execute(writer)),
            Self::Watch(it) => alone(it.execute(writer)),
            Self::History(it) => alone(it.execute(writer)),
            Self::Show(it) => alone(it.execute(writer)),
            Self::Replay(it) => alone(it.execute(writer)),
            Self::Cancel(it) => alone(it.execute(writer)),
            Self::Languages(it) => alone(it.execute(writer)),
            Self::Completions(it) => it.execute(writer),
        }
    }
}

/// Runs a user's command. One thread is enough for one connection, and starts sooner.
fn alone(command: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Service(format!("no event loop: {error}")))?;
    runtime.block_on(command)
}
