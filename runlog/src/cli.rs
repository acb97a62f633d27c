//! The command line as a whole: what `runlog --help` says.

use clap::{Parser, Subcommand};

use crate::commands;

const AFTER_HELP: &str = "\
First steps:
  runlog up                          start everything here, data under .runlog/
  runlog run hello.py                run a program, watch it, type into it
  runlog history                     what ran before
  runlog replay ID                   play a run again with its own timing

Exit codes of `run` and `watch`:
  the program's own; 128+N if signal N killed it
    1  the compiler refused it (its words are on standard error)
  124  time limit        137  memory limit      153  output limit
  126  refused by a rule 130  cancelled
  125  our fault: the edge is unreachable, the run expired in the queue or we failed to run it
Exit codes of the other commands:
    0  done              1  no such execution, or it has ended already; a service failed;
                            verify found something wrong
    2  the command line or the request is wrong
  125  our fault         141  the reader of our output went away

Standard output carries the program's output or the answer, nothing else; our own words go to
standard error and begin with `runlog: `. With --json the answer is one JSON document in one line,
and for run, watch and history one such line for each message or execution; each command's own help
says which. The documents are those of the HTTP interface (GET /v1/openapi.json).";

/// Runs programs in sandboxes, shows what they print while they run, and keeps every run as a
/// recording.
#[derive(Parser, Debug)]
#[command(
    name = "runlog",
    version,
    propagate_version = true,
    after_help = AFTER_HELP,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// One variant for each file in `commands/`.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Up(commands::up::UpArgs),
    Run(commands::run::RunArgs),
    Submit(commands::submit::SubmitArgs),
    Watch(commands::watch::WatchArgs),
    History(commands::history::HistoryArgs),
    Show(commands::show::ShowArgs),
    Replay(commands::replay::ReplayArgs),
    Share(commands::share::ShareArgs),
    Cancel(commands::cancel::CancelArgs),
    Languages(commands::languages::LanguagesArgs),
    Rerun(commands::rerun::RerunArgs),
    Dlq(commands::dlq::DlqArgs),
    Workers(commands::workers::WorkersArgs),
    Edge(commands::edge::EdgeArgs),
    Worker(commands::worker::WorkerArgs),
    Projector(commands::projector::ProjectorArgs),
    Streams(commands::streams::StreamsArgs),
    Verify(commands::verify::VerifyArgs),
    Completions(commands::completions::CompletionsArgs),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_says_what_it_does() {
        for command in Cli::command().get_subcommands() {
            assert!(command.get_about().is_some(), "{}", command.get_name());
            for argument in command.get_arguments() {
                let silent = argument.get_help().is_none();
                let name = (command.get_name(), argument.get_id());
                assert!(!silent || argument.is_hide_set(), "{name:?}");
            }
        }
    }
}
