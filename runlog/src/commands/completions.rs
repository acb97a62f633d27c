//! `runlog completions SHELL`.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::writer::Writer;

/// Print a script that completes runlog's commands in a shell
///
/// For bash: runlog completions bash > /etc/bash_completion.d/runlog
#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn execute(&self, writer: &mut Writer) -> Result<u8, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "runlog", &mut script);
        writer.document(&script)?;
        Ok(0)
    }
}
