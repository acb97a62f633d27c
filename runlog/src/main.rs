//! `runlog`: the services and the user's commands in one binary.
//!
//! Responsible for reading the command line and for the exit code; what a command does stands in
//! its file under `commands/`.

mod cli;
mod commands;
mod comparison;
mod config;
mod dispatch;
mod ending;
mod failure;
mod given_back;
mod live;
mod services;
mod table;
mod time;
mod writer;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;

/// The argument with which the sandbox starts this program to make its cells.
const CELL_SPAWNER: &str = "cell-spawner";

/// The argument with which a container starts this program as its init.
const CONTAINER_INIT: &str = "container-init";

fn main() -> ExitCode {
    // Before anything else: cells are forked from this process, which must have no threads.
    if config::first_argument().is_some_and(|it| it == CELL_SPAWNER) {
        return runlog_sandbox::native::spawner_main();
    }
    if config::first_argument().is_some_and(|it| it == CONTAINER_INIT) {
        return runlog_sandbox::docker::container_init_main();
    }
    Cli::parse().command.run()
}
