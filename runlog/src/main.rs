//! `runlog`: the services and the user's commands in one binary.
//!
//! Responsible for reading the command line and for the exit code; what a command does stands in
//! its file under `commands/`.

mod cli;
mod commands;
mod config;
mod dispatch;
mod ending;
mod failure;
mod live;
mod table;
mod time;
mod writer;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::Cli;

fn main() -> ExitCode {
    Cli::parse().command.run()
}
