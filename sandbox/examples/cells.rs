//! What a cell costs: from "go" to the exit, against the bare process, in one run.
//!
//! `cargo run --release -p runlog-sandbox --example cells [ROUNDS]`, as root. The two alternate,
//! so that noise of the machine hits both.

#![expect(clippy::print_stdout, reason = "a table is what this prints")]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use runlog_sandbox::native::{NativeConfig, NativeEngine, SpawnerCommand};
use runlog_sandbox::{Cause, CellFile, CellSpec, Engine, Step, StepLimits};

const DISK: u64 = 64 << 20;

/// Without a C library: what is measured is the cell and not the start of a program.
const HELLO: &str = r#"
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
void _start(void) { call(1, 1, (long)"hi\n", 3); call(231, 0, 0, 0); }
"#;

struct Case {
    name: &'static str,
    argv: Vec<String>,
    files: Vec<CellFile>,
}

/// Times of one run in a cell.
struct Run {
    taken: Duration,
    put: Duration,
    started: Duration,
    first_byte: Duration,
    end: Duration,
    was_parked: bool,
    cpu: Duration,
}

fn main() -> Result<std::process::ExitCode> {
    let mut args = std::env::args();
    let this = args.next().context("a program has a name")?;
    match args.next().as_deref() {
        // Before any thread exists.
        Some("cell-spawner") => Ok(runlog_sandbox::native::spawner_main()),
        rounds => {
            let rounds = rounds.map_or(Ok(200), str::parse)?;
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .enable_all()
                .build()?;
            runtime.block_on(measure(&this, rounds))?;
            Ok(std::process::ExitCode::SUCCESS)
        }
    }
}

async fn measure(this: &str, rounds: usize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let binary = folder.path().join("hello");
    std::fs::write(folder.path().join("hello.c"), HELLO)?;
    let compiled = Command::new("gcc")
        .args(["-O2", "-static", "-nostdlib", "-s", "-o"])
        .arg(&binary)
        .arg(folder.path().join("hello.c"))
        .status()?;
    ensure!(compiled.success(), "gcc failed");
    let main_py = folder.path().join("main.py");
    std::fs::write(&main_py, "print('hi')\n")?;
    let file = |name: &str, path: &std::path::Path| -> Result<CellFile> {
        Ok(CellFile::new(name, std::fs::read(path)?))
    };
    let cases = [
        Case {
            name: "static C",
            argv: vec!["./hello".into()],
            files: vec![file("hello", &binary)?],
        },
        Case {
            name: "python3 main.py",
            argv: vec!["/usr/bin/python3".into(), "main.py".into()],
            files: vec![file("main.py", &main_py)?],
        },
    ];
    for parked_cells in [0, 2] {
        let config = NativeConfig {
            spawner: SpawnerCommand {
                program: this.into(),
                args: vec!["cell-spawner".into()],
            },
            parked_cells,
            ..NativeConfig::new()
        };
        let engine = NativeEngine::start(config).await?;
        for case in &cases {
            compare(&engine, case, &binary, &main_py, rounds).await?;
        }
        throughput(&engine, &cases[1], &main_py).await?;
        engine.close().await;
    }
    Ok(())
}

async fn compare(
    engine: &NativeEngine,
    case: &Case,
    binary: &std::path::Path,
    main_py: &std::path::Path,
    rounds: usize,
) -> Result<()> {
    let is_binary = case.name == "static C";
    let (mut bare, mut runs) = (Vec::new(), Vec::new());
    let (worker_before, cells_before) = (cpu_of_worker(), cpu_of_cells());
    for _ in 0..rounds {
        // Time for the pool to be filled again: what is measured is one run on an idle machine.
        tokio::time::sleep(Duration::from_millis(15)).await;
        let mut command = if is_binary {
            Command::new(binary)
        } else {
            Command::new("/usr/bin/python3")
        };
        if !is_binary {
            command.arg(main_py);
        }
        let began = Instant::now();
        let output = command.stdin(Stdio::null()).output()?;
        bare.push(began.elapsed());
        ensure!(
            output.stdout == b"hi\n",
            "the bare process printed something else"
        );
        tokio::time::sleep(Duration::from_millis(15)).await;
        runs.push(in_cell(engine, case).await?);
    }
    let (worker, cells) = (
        cpu_of_worker() - worker_before,
        cpu_of_cells() - cells_before,
    );
    let parked = runs.iter().filter(|run| run.was_parked).count();
    let bare = median(bare);
    let column = |name: &str, pick: fn(&Run) -> Duration| {
        let value = median(runs.iter().map(pick).collect());
        println!(
            "  {name:<22} {:>8.3} ms   {:>5.2} x bare",
            value.as_secs_f64() * 1e3,
            value.as_secs_f64() / bare.as_secs_f64()
        );
    };
    println!(
        "{} ({parked} of {rounds} cells parked), bare {:.3} ms",
        case.name,
        bare.as_secs_f64() * 1e3
    );
    column("cell taken", |run| run.taken);
    column("files put", |run| run.put);
    column("go -> start returns", |run| run.started);
    column("go -> first byte", |run| run.first_byte);
    column("go -> end", |run| run.end);
    column("CPU time", |run| run.cpu);
    column("all of it", |run| run.taken + run.put + run.end);
    let each = |total: Duration| total.as_secs_f64() * 1e3 / rounds as f64;
    println!(
        "  CPU time a run: worker {:.3} ms, cell and its making {:.3} ms",
        each(worker),
        each(cells)
    );
    Ok(())
}

/// CPU time of this process, without its children.
fn cpu_of_worker() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    let of = |task: std::fs::DirEntry| -> Option<u64> {
        let stat = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        stat.split(' ').next()?.parse().ok()
    };
    Duration::from_nanos(tasks.filter_map(of).sum())
}

/// CPU time of all cells that this process ever had, where v2 counts it.
fn cpu_of_cells() -> Duration {
    let name = format!("runlog-{}-", std::process::id());
    let folders = std::fs::read_dir("/sys/fs/cgroup/unified")
        .into_iter()
        .flatten()
        .flatten();
    let ours = folders.filter(|folder| folder.file_name().to_string_lossy().starts_with(&name));
    let of = |folder: std::fs::DirEntry| -> Option<u64> {
        let stat = std::fs::read_to_string(folder.path().join("cpu.stat")).ok()?;
        stat.lines()
            .find_map(|line| line.strip_prefix("usage_usec "))?
            .parse()
            .ok()
    };
    Duration::from_micros(ours.filter_map(of).sum())
}

async fn in_cell(engine: &NativeEngine, case: &Case) -> Result<Run> {
    let began = Instant::now();
    let mut cell = engine
        .cell(CellSpec {
            disk_bytes: DISK,
            warm: None,
        })
        .await?;
    let taken = began.elapsed();
    let began = Instant::now();
    cell.put_files(case.files.clone()).await?;
    let put = began.elapsed();
    let (started, first_byte, end, cpu) = run_step(&mut cell, case.argv.clone()).await?;
    let was_parked = cell.was_parked();
    cell.destroy().await?;
    Ok(Run {
        taken,
        put,
        started,
        first_byte,
        end,
        was_parked,
        cpu,
    })
}

async fn run_step(
    cell: &mut Box<dyn runlog_sandbox::Cell>,
    argv: Vec<String>,
) -> Result<(Duration, Duration, Duration, Duration)> {
    let step = Step {
        argv,
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        limits: StepLimits {
            wall: Duration::from_secs(10),
            cpu: Duration::from_secs(10),
            memory_bytes: 256 << 20,
            processes: 64,
            file_bytes: 16 << 20,
        },
        terminal: None,
        warm: None,
    };
    let go = Instant::now();
    let mut process = cell.start(step).await?;
    let started = go.elapsed();
    let mut first_byte = None;
    while process.output.recv().await.is_some() {
        first_byte.get_or_insert(go.elapsed());
    }
    let end = process.end.await??;
    let took = go.elapsed();
    ensure!(
        end.cause == Cause::Exited { code: 0 },
        "it ended with {:?}",
        end.cause
    );
    Ok((
        started,
        first_byte.unwrap_or(took),
        took,
        end.usage.cpu_user + end.usage.cpu_system,
    ))
}

/// Runs a second, two at once, against as many bare processes.
async fn throughput(engine: &NativeEngine, case: &Case, main_py: &std::path::Path) -> Result<()> {
    const RUNS: usize = 300;
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..RUNS / 2 {
                    let _ = Command::new("/usr/bin/python3")
                        .arg(main_py)
                        .stdin(Stdio::null())
                        .output();
                }
            });
        }
    });
    let bare = RUNS as f64 / began.elapsed().as_secs_f64();
    let began = Instant::now();
    let half = || async {
        for _ in 0..RUNS / 2 {
            in_cell(engine, case).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(half(), half())?;
    let ours = RUNS as f64 / began.elapsed().as_secs_f64();
    println!(
        "{} throughput: {ours:.0} a second, bare {bare:.0}: {:.2} x bare",
        case.name,
        ours / bare
    );
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
