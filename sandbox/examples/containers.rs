//! What a cell of the Docker engine costs: from "go" to the exit in a container that was made
//! before, against the bare process, in one run.
//!
//! `cargo run --release -p runlog-sandbox --example containers [ROUNDS]`, as root. Starts a daemon
//! of its own; where that is impossible it says why and measures nothing.

#![expect(clippy::print_stdout, reason = "a table is what this prints")]

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use runlog_local::{Docker, Tools};
use runlog_sandbox::docker::{DockerConfig, DockerEngine};
use runlog_sandbox::{Cause, CellSpec, Engine, Step, StepLimits};

const IMAGE: &str = "runlog-bench";
const DISK: u64 = 64 << 20;
const ARGV: [&str; 3] = ["/bin/sh", "-c", "echo hi"];

/// What the figure should be below.
const BAR: Duration = Duration::from_millis(150);

fn main() -> Result<ExitCode> {
    match std::env::args().nth(1).as_deref() {
        // Before any thread exists.
        Some("container-init") => Ok(runlog_sandbox::docker::container_init_main()),
        rounds => {
            let rounds = rounds.map_or(Ok(30), str::parse)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(measure(rounds))?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn measure(rounds: usize) -> Result<()> {
    let tools = Tools::default();
    let docker = match Docker::start(&tools).await {
        Ok(docker) => docker,
        Err(error) => {
            println!("containers: not measured, as no Docker daemon can run here: {error}");
            return Ok(());
        }
    };
    docker.import(&tools.docker_image()?, IMAGE).await?;
    let config = DockerConfig {
        socket: docker.socket(),
        image: IMAGE.to_owned(),
        parked_cells: 1,
        ..DockerConfig::new()?
    };
    let engine = DockerEngine::start(config).await?;
    let (mut bare, mut inside, mut whole) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let began = Instant::now();
        ensure!(
            Command::new(ARGV[0])
                .args(&ARGV[1..])
                .output()?
                .status
                .success()
        );
        bare.push(began.elapsed());
        while engine.parked_cells() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (ran, gone) = run(&engine).await?;
        inside.push(ran);
        whole.push(gone);
    }
    engine.close().await;
    docker.stop().await?;
    let (bare, inside, whole) = (median(bare), median(inside), median(whole));
    println!("sh -c 'echo hi', medians of {rounds}     ms   bar");
    println!("bare, go to exit              {:8.2}", ms(bare));
    println!(
        "container made before, go to exit {:4.2}   {} {}",
        ms(inside),
        ms(BAR),
        if inside < BAR { "held" } else { "MISSED" }
    );
    println!("the same until it is removed  {:8.2}", ms(whole));
    Ok(())
}

/// From go to exit, and until the container is gone.
async fn run(engine: &DockerEngine) -> Result<(Duration, Duration)> {
    let spec = CellSpec {
        disk_bytes: DISK,
        warm: None,
    };
    let mut cell = engine.cell(spec).await?;
    ensure!(cell.was_parked(), "the cell was not made before");
    let step = Step {
        argv: ARGV.map(str::to_owned).into(),
        env: Vec::new(),
        limits: StepLimits {
            wall: Duration::from_secs(10),
            cpu: Duration::from_secs(5),
            memory_bytes: 128 << 20,
            processes: 32,
            file_bytes: 1 << 20,
        },
        terminal: None,
        warm: None,
    };
    let began = Instant::now();
    let mut process = cell.start(step).await?;
    while process.output.recv().await.is_some() {}
    let end = process.end.await.context("the end was lost")??;
    let ran = began.elapsed();
    ensure!(end.cause == Cause::Exited { code: 0 }, "{end:?}");
    cell.destroy().await?;
    Ok((ran, began.elapsed()))
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
