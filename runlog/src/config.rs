//! Settings that commands share: flags first, then the environment, then defaults.
//!
//! The only file that reads the environment. A name of a variable stands in the help of each
//! command that reads it.

use clap::{Args, ValueEnum};
use runlog_client::{BaseUrl, Client};

/// Which edge to talk to, and how to answer.
#[derive(Args, Clone, Debug)]
pub(crate) struct EdgeConfig {
    /// Address of the edge, plain http
    #[arg(long, env = "RUNLOG_URL", default_value = BaseUrl::DEFAULT, value_name = "URL")]
    url: BaseUrl,
    #[command(flatten)]
    pub(crate) speech: Speech,
}

impl EdgeConfig {
    /// A client of that edge.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url.clone())
    }
}

/// How to answer.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct Speech {
    /// Answer with JSON on standard output, and report failures as JSON on standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Say nothing on standard error but failures
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// What a service writes about its own work, always on standard error.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogConfig {
    /// How log lines look
    #[arg(long, env = "RUNLOG_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    /// What is logged: error, warn, info, debug or trace, also by part (`warn,runlog_worker=debug`)
    #[arg(
        long,
        env = "RUNLOG_LOG",
        default_value = "info",
        value_name = "FILTER"
    )]
    pub(crate) log: String,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object in each line.
    Json,
}
