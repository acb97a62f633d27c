//! Settings that commands share: flags first, then the environment, then defaults.
//!
//! The only file that reads the environment. A name of a variable stands in the help of each
//! command that reads it.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use runlog_client::{BaseUrl, Client};
use runlog_sandbox::docker::{DEFAULT_IMAGE, Runtime};
use runlog_sandbox::native::{Layer, UidRange};

use crate::time;

/// Where `make setup` puts what does not come from the system.
const TOOLS: &str = ".runlog/tools";

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
    /// What is logged: error, warn, info, debug or trace, also by part (warn,runlog_worker=debug);
    /// default: info, for `up` warn
    #[arg(long, env = "RUNLOG_LOG", value_name = "FILTER")]
    pub(crate) log: Option<String>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object in each line.
    Json,
}

/// Where the log is.
#[derive(Args, Clone, Debug)]
pub(crate) struct NatsConfig {
    /// Address of the NATS servers, separated by commas
    #[arg(
        long,
        env = "RUNLOG_NATS_URL",
        default_value = "nats://127.0.0.1:4222",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) nats_url: String,
}

/// Where the history is, for a service that cannot do without.
#[derive(Args, Clone, Debug)]
pub(crate) struct DatabaseConfig {
    /// Address of the PostgreSQL database, postgres://user:password@host/database
    #[arg(
        long,
        env = "RUNLOG_DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub(crate) database_url: String,
}

/// Which languages there are.
#[derive(Args, Clone, Debug)]
pub(crate) struct LanguagesConfig {
    /// A folder of language definitions instead of the built-in ones
    #[arg(long, env = "RUNLOG_LANGUAGES", value_name = "DIR")]
    pub(crate) languages: Option<PathBuf>,
}

/// Where an edge listens and whom it serves.
#[derive(Args, Clone, Debug)]
pub(crate) struct EdgeServiceConfig {
    /// Time between "not ready" and the end of accepting, for load balancers
    #[arg(long, env = "RUNLOG_DRAIN_DELAY", default_value = "0s", value_parser = time::duration, value_name = "TIME")]
    pub(crate) drain_delay: Duration,
    /// How long requests that are under way may go on after SIGTERM
    #[arg(long, env = "RUNLOG_DRAIN", default_value = "10s", value_parser = time::duration, value_name = "TIME")]
    pub(crate) drain: Duration,
    /// Submissions that may wait in each queue for every slot that serves its language; above that
    /// they are sent away for a while
    #[arg(long, env = "RUNLOG_QUEUE_CAPACITY", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=1_000_000), value_name = "N")]
    pub(crate) queue_capacity: u64,
    /// Origin of web pages elsewhere that may use this edge from a browser: https://host, or *
    #[arg(
        long,
        env = "RUNLOG_ALLOWED_ORIGINS",
        value_delimiter = ',',
        value_name = "ORIGIN"
    )]
    pub(crate) allowed_origin: Vec<String>,
}

/// How a worker works.
#[derive(Args, Clone, Debug)]
pub(crate) struct WorkerConfig {
    /// Executions at once; default: two for each core
    #[arg(long, env = "RUNLOG_SLOTS", value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub(crate) slots: Option<u16>,
    /// Sandboxes that wait ready; default: as many as slots
    #[arg(long, env = "RUNLOG_PARKED_CELLS", value_name = "N")]
    pub(crate) parked_cells: Option<u16>,
    /// How long runs may go on after SIGTERM; then another worker tries them again
    #[arg(long, env = "RUNLOG_GRACE", default_value = "25s", value_parser = time::duration, value_name = "TIME")]
    pub(crate) grace: Duration,
    /// Its name in events; default: host and process id
    #[arg(long, env = "RUNLOG_WORKER_NAME", value_name = "NAME")]
    pub(crate) worker_name: Option<String>,
    #[command(flatten)]
    pub(crate) engine: EngineConfig,
    /// The folder of `make setup`, in which some toolchains are; default: .runlog/tools here or in
    /// the nearest folder above
    #[arg(long, env = "RUNLOG_TOOLS", value_name = "DIR")]
    tools: Option<PathBuf>,
    /// Serve although this layer of isolation is missing: programs can then do what it would keep
    /// them from. Can be given several times; `worker --check` lists the layers
    #[arg(
        long,
        env = "RUNLOG_INSECURE_ALLOW_MISSING",
        value_delimiter = ',',
        value_name = "LAYER"
    )]
    pub(crate) insecure_allow_missing: Vec<Layer>,
}

/// In what programs are run.
#[derive(Args, Clone, Debug)]
pub(crate) struct EngineConfig {
    /// What isolates programs
    #[arg(long, env = "RUNLOG_ENGINE", value_enum, default_value_t)]
    pub(crate) engine: EngineKind,
    /// Socket of the Docker daemon, on this machine; for --engine docker
    #[arg(
        long,
        env = "RUNLOG_DOCKER_SOCKET",
        default_value = "/var/run/docker.sock",
        value_name = "PATH"
    )]
    pub(crate) docker_socket: PathBuf,
    /// The daemon's runtime that runs the containers: runc, or runsc for gVisor
    #[arg(long, env = "RUNLOG_DOCKER_RUNTIME", default_value = "runc", value_parser = str::parse::<Runtime>, value_name = "RUNTIME")]
    pub(crate) docker_runtime: Runtime,
    /// The image that cells are made from; `make images` builds the default one
    #[arg(long, env = "RUNLOG_DOCKER_IMAGE", default_value = DEFAULT_IMAGE, value_name = "IMAGE")]
    pub(crate) docker_image: String,
    /// The first of 1024 uids of this machine that programs run under, for this worker alone; default:
    /// by its process id. To be set where workers share a kernel and cannot see each other, as in
    /// containers
    #[arg(long, env = "RUNLOG_UID_BASE", value_parser = str::parse::<UidRange>, value_name = "UID")]
    pub(crate) uid_base: Option<UidRange>,
}

/// What isolates programs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineKind {
    /// Namespaces and control groups of our own, without a daemon
    #[default]
    Native,
    /// Containers of a Docker daemon
    Docker,
}

impl WorkerConfig {
    /// The folder of `make setup`.
    pub(crate) fn tools(&self) -> PathBuf {
        if let Some(tools) = &self.tools {
            return tools.clone();
        }
        let here = env::current_dir().unwrap_or_default();
        let found = here.ancestors().map(|it| it.join(TOOLS));
        let found = found.into_iter().find(|it| it.is_dir());
        found.unwrap_or_else(|| here.join(TOOLS))
    }
}

/// The first argument, as it was given.
pub(crate) fn first_argument() -> Option<OsString> {
    env::args_os().nth(1)
}

/// Arms the failpoint that `RUNLOG_FAILPOINT` names, such as `worker.finished.appended=kill`. For
/// tests alone; see `runlog_failpoint`.
///
/// # Errors
/// When there is none of that name, or none in this program.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the config file of the binary"
)]
pub(crate) fn arm_failpoint() -> Result<(), runlog_failpoint::ArmError> {
    match env::var("RUNLOG_FAILPOINT") {
        Ok(text) => runlog_failpoint::arm(&text),
        Err(_) => Ok(()),
    }
}

/// What kind of terminal we stand on, for programs that are given one.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the config file of the binary"
)]
pub(crate) fn terminal_kind() -> String {
    env::var("TERM").unwrap_or_else(|_| "xterm-256color".to_owned())
}
