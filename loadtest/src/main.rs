//! `loadtest`: measures a whole Runlog, and checks every byte while it does.
//!
//! Responsible for figures that can be compared: percentiles, ratios to the bare process of the
//! same run, and a run that fails when anything came out wrong. Knows Runlog as its users do,
//! through the client.

mod bare;
mod cells;
mod chaos;
mod check;
mod fanout;
mod flood;
mod idle;
mod languages;
mod latency;
mod log;
mod machine;
mod mixed;
mod processes;
mod report;
mod stats;
mod system;
mod throughput;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use runlog_client::BaseUrl;

use crate::report::Report;
use crate::system::System;

/// Measures Runlog and checks every byte while it does.
///
/// Starts a `runlog up` of its own on free ports with data in a temporary folder, unless --url
/// names an edge. A wrong byte or a missing end fails the run; a missed target only with --strict.
#[derive(Parser, Debug)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    options: Options,
}

#[derive(Args, Debug)]
struct Options {
    /// Measure this edge instead of an own one; the history has to be reachable too
    #[arg(long, global = true)]
    url: Option<BaseUrl>,
    /// The runlog to start; without it the one beside this program
    #[arg(long, global = true, value_name = "FILE")]
    runlog: Option<PathBuf>,
    /// Write the figures to this file too, as JSON
    #[arg(long, global = true, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Fail when a target is missed
    #[arg(long, global = true)]
    strict: bool,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Time of a submission, of a whole hello world, and from a program's write to its viewer
    Latency(latency::LatencyArgs),
    /// Hello worlds a second through everything, beside those of bare processes
    Throughput(throughput::ThroughputArgs),
    /// Many viewers of one execution
    Fanout(fanout::FanoutArgs),
    /// Interactive runs without and with a flood of background work
    Flood(flood::FloodArgs),
    /// Programs in a sandbox that is ready, without the rest of Runlog (needs root)
    Cells(cells::CellsArgs),
    /// Hello world in several languages, each beside what one would type without Runlog
    Languages(languages::LanguagesArgs),
    /// Programs of every kind under load: each must end as it should, and leave nothing
    Mixed(mixed::MixedArgs),
    /// Memory and CPU while nothing happens
    Idle(idle::IdleArgs),
    /// A backlog folded, the lag of the read models, a rebuild and a check of a million events
    Log(log::LogArgs),
    /// Questions to a history of ten million executions
    History(log::HistoryArgs),
    /// Memory and starts of a nats-server that retains a million executions
    Retained(log::RetainedArgs),
    /// Kill, freeze, cut off and slow down everything while programs run, and count what is lost
    ///
    /// Always on servers and services of its own, each a process. Fails when anything is lost,
    /// doubled or wrong.
    Chaos(chaos::ChaosArgs),
    /// All but chaos, with their defaults; of the mixed load, the log, the history and what is
    /// retained, small ones
    All,
}

fn main() -> ExitCode {
    // Before any thread exists, as for `runlog` itself.
    if std::env::args().nth(1).as_deref() == Some("cell-spawner") {
        return runlog_sandbox::native::spawner_main();
    }
    let cli = Cli::parse();
    if matches!(cli.command, Command::Chaos(_))
        && rustix::process::geteuid().is_root()
        && let Err(error) = chaos::own_mounts()
    {
        report::say(&format!("failed: {error:#}"));
        return ExitCode::FAILURE;
    }
    match machine::raise_file_limit()
        .and_then(|()| tokio::runtime::Runtime::new().context("cannot make an event loop"))
        .and_then(|runtime| runtime.block_on(run(cli)))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            report::say("not everything is as it should be");
            ExitCode::FAILURE
        }
        Err(error) => {
            report::say(&format!("failed: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures; `false` where a target was missed that must not be.
async fn run(cli: Cli) -> anyhow::Result<bool> {
    let options = cli.options;
    let strict = options.strict;
    if let Command::Chaos(args) = &cli.command {
        let program = options.runlog.map_or_else(system::beside_us, Ok)?;
        return chaos::measure(args, program, options.json.as_deref()).await;
    }
    let mut report = Report::new();
    let json = options.json.clone();
    let measured = measure(cli.command, options, &mut report).await;
    report.print()?;
    if let Some(path) = &json {
        report.write(path)?;
    }
    measured?;
    Ok(!strict || report.targets_are_met())
}

async fn measure(command: Command, options: Options, report: &mut Report) -> anyhow::Result<()> {
    let program = |named: &Option<PathBuf>| named.clone().map_or_else(system::beside_us, Ok);
    match &command {
        Command::Cells(args) => cells::measure(args, report).await,
        Command::Log(args) => log::measure(args, program(&options.runlog)?, report).await,
        Command::History(args) => {
            log::measure_history(args, program(&options.runlog)?, report).await
        }
        Command::Retained(args) => {
            log::measure_retained(args, program(&options.runlog)?, report).await
        }
        _ => {
            let runlog = options.runlog.clone();
            let apart = matches!(command, Command::Mixed(_));
            let system = System::start(options.url, options.runlog, apart).await?;
            let is_own = system.is_own();
            measure_and_stop(&command, system, report).await?;
            if matches!(command, Command::All) && is_own {
                let few = Command::Mixed(mixed::MixedArgs::small());
                let system = System::start(None, runlog.clone(), true).await?;
                measure_and_stop(&few, system, report).await?;
                let program = program(&runlog)?;
                let small = (
                    log::LogArgs::small(),
                    log::HistoryArgs::small(),
                    log::RetainedArgs::small(),
                );
                log::measure(&small.0, program.clone(), report).await?;
                log::measure_history(&small.1, program.clone(), report).await?;
                log::measure_retained(&small.2, program, report).await?;
            }
            Ok(())
        }
    }
}

async fn measure_and_stop(
    command: &Command,
    system: System,
    report: &mut Report,
) -> anyhow::Result<()> {
    let measured = measure_system(command, &system, report).await;
    let stopped = system.stop().await;
    measured?;
    stopped
}

async fn measure_system(
    command: &Command,
    system: &System,
    report: &mut Report,
) -> anyhow::Result<()> {
    match command {
        Command::Latency(args) => latency::measure(args, system, report).await,
        Command::Throughput(args) => throughput::measure(args, system, report).await,
        Command::Fanout(args) => fanout::measure(args, system, report).await,
        Command::Flood(args) => flood::measure(args, system, report).await,
        Command::Languages(args) => languages::measure(args, system, report).await,
        Command::Mixed(args) => mixed::measure(args, system, report).await,
        Command::Idle(args) => idle::measure(args, system, report).await,
        Command::All => {
            if system.is_own() {
                idle::measure(&idle::IdleArgs::default(), system, report).await?;
                cells::measure(&cells::CellsArgs::default(), report).await?;
            }
            latency::measure(&latency::LatencyArgs::default(), system, report).await?;
            languages::measure(&languages::LanguagesArgs::default(), system, report).await?;
            throughput::measure(&throughput::ThroughputArgs::default(), system, report).await?;
            flood::measure(&flood::FloodArgs::default(), system, report).await?;
            fanout::measure(&fanout::FanoutArgs::default(), system, report).await
        }
        // They have servers of their own, or none.
        Command::Cells(_)
        | Command::Log(_)
        | Command::History(_)
        | Command::Retained(_)
        | Command::Chaos(_) => Ok(()),
    }
}
