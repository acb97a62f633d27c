//! What a cell costs that is ready, beside the bare process: without a queue, a log and an edge.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine};
use runlog_sandbox::{Cause, CellFile, CellSpec, Engine, Step, StepLimits};
use runlog_schemas::{Catalog, LanguageDefinition, Program};
use runlog_worker::Toolchains;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::machine;
use crate::report::{Figure, Report, say};
use crate::stats::Samples;

/// How cells are measured.
#[derive(Args, Debug)]
pub(crate) struct CellsArgs {
    /// Programs in a cell that is ready, each beside a bare process
    #[arg(long, default_value_t = CellsArgs::default().rounds)]
    rounds: u32,
    /// Seconds in which cells are used one after the other, on all cores
    #[arg(long, default_value_t = CellsArgs::default().seconds)]
    seconds: u64,
}

impl Default for CellsArgs {
    fn default() -> Self {
        Self {
            rounds: 200,
            seconds: 5,
        }
    }
}

const PYTHON: &str = include_str!("../../languages/python.toml");
const JAVASCRIPT: &str = include_str!("../../languages/javascript.toml");
const PHP: &str = include_str!("../../languages/php.toml");
const RUBY: &str = include_str!("../../languages/ruby.toml");

/// The names of a language's figures: bare, in a cell, and their ratio.
macro_rules! figures {
    ($name:literal) => {
        [
            concat!("cell_", $name, "_bare"),
            concat!("cell_", $name, "_go_to_exit"),
            concat!("cell_", $name, "_ratio_p50"),
        ]
    };
}

const PYTHON_FIGURES: [&str; 3] = figures!("python");
const OTHER_FIGURES: &[(&str, [&str; 3])] = &[
    ("javascript", figures!("node")),
    ("php", figures!("php")),
    ("ruby", figures!("ruby")),
];

/// Without a C library: what is measured is the cell and not the start of a program.
const STATIC: &str = r#"
static long call(long number, long a, long b, long c) {
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return result;
}
void _start(void) { call(1, 1, (long)"Hello, world\n", 13); call(231, 0, 0, 0); }
"#;

const OUTPUT: &[u8] = b"Hello, world\n";

const DISK_BYTES: u64 = 64 << 20;

/// How long a cell may take to be ready.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program, and how it is run in both ways.
struct Case {
    /// The warm host, where it has one.
    warm: Option<String>,
    step: Step,
    file: CellFile,
    bare: Bare,
}

#[derive(Clone)]
struct Bare {
    program: PathBuf,
    args: Vec<String>,
    env: Vec<(String, String)>,
    folder: Arc<TempDir>,
}

/// All that is measured of cells. Needs root.
pub(crate) async fn measure(args: &CellsArgs, report: &mut Report) -> anyhow::Result<()> {
    say("cells that are ready, each beside a bare process");
    let languages = Catalog::from_toml([
        ("python", PYTHON),
        ("javascript", JAVASCRIPT),
        ("php", PHP),
        ("ruby", RUBY),
    ])?;
    let toolchains = runlog_worker::mounts(&languages, Path::new("/")).await;
    let mut config = NativeConfig::new();
    config.etc.extend(toolchains.etc.iter().cloned());
    config.mounts = toolchains.mounts.iter().map(mount).collect();
    config.warm_hosts = runlog_worker::warm_hosts(&languages, &toolchains);
    let engine = NativeEngine::start(config).await;
    let engine: Arc<dyn Engine> = Arc::new(engine.context("cannot start the sandbox")?);
    let measured = all(args, (&languages, &toolchains), &engine, report).await;
    engine.close().await;
    measured
}

async fn all(
    args: &CellsArgs,
    (languages, toolchains): (&Catalog, &Toolchains),
    engine: &Arc<dyn Engine>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let case = |id| {
        let language = languages.find(id).context("a definition is missing")?;
        Ok::<_, anyhow::Error>(Arc::new(interpreted(language, toolchains)?))
    };
    let python = case("python")?;
    beside_bare(&PYTHON_FIGURES, args.rounds, (engine, &python), report).await?;
    parked(engine, &python, report).await?;
    for (id, figures) in OTHER_FIGURES {
        let other = case(id)?;
        beside_bare(figures, args.rounds / 2, (engine, &other), report).await?;
    }
    let (bare, cell) = compare(args.rounds, engine, &Arc::new(compiled()?)).await?;
    let overhead = cell.percentile_ms(50.0) - bare.percentile_ms(50.0);
    report.add(Figure::times("cell_static_bare", &bare));
    report.add(Figure::times("cell_static_go_to_exit", &cell));
    let overhead = Figure::single("cell_static_overhead_p50", "ms", cell.count(), overhead);
    report.add(overhead.at_most("value", 1.0));
    rates(Duration::from_secs(args.seconds), engine, &python, report).await
}

fn mount(mount: &runlog_worker::Mount) -> Mount {
    Mount {
        host: mount.host.clone(),
        inside: mount.inside.clone(),
    }
}

fn limits() -> StepLimits {
    StepLimits {
        wall: Duration::from_secs(60),
        cpu: Duration::from_secs(30),
        memory_bytes: 256 << 20,
        processes: 64,
        file_bytes: 16 << 20,
    }
}

/// The hello world of a language.
fn interpreted(language: &LanguageDefinition, toolchains: &Toolchains) -> anyhow::Result<Case> {
    let program = Program {
        entry: &language.entry,
        files: &[&language.entry],
        args: &[],
        options: &[],
    };
    let none = std::collections::BTreeMap::new();
    let argv = language.run_argv(&program, &language.default_limits());
    let env = language.run_environment(&none);
    let memory_mb = language.default_limits().memory_mb;
    let words = language.run_words(&program, &none, (memory_mb, false));
    ensure!(words.is_some(), "{} has no warm host", language.id);
    let source = language.hello_world().to_owned();
    let folder = Arc::new(tempfile::tempdir().context("cannot make a folder")?);
    std::fs::write(folder.path().join(&language.entry), &source).context("cannot write a file")?;
    // On the host the interpreter is where the cells have it from.
    let inside = Path::new(&argv[0]);
    let mounted = toolchains.mounts.iter().find_map(|mount| {
        let rest = inside.strip_prefix(&mount.inside).ok()?;
        Some(mount.host.join(rest))
    });
    Ok(Case {
        warm: Some(language.id.clone()),
        file: CellFile::new(language.entry.clone(), source),
        bare: Bare {
            program: mounted.unwrap_or_else(|| inside.to_owned()),
            args: argv[1..].to_vec(),
            env: env.clone(),
            folder,
        },
        step: Step {
            argv,
            env,
            limits: limits(),
            terminal: None,
            warm: words.map(runlog_worker::warm_step),
        },
    })
}

fn compiled() -> anyhow::Result<Case> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let (source, binary) = (folder.path().join("hello.c"), folder.path().join("hello"));
    std::fs::write(&source, STATIC).context("cannot write hello.c")?;
    let gcc = Command::new("gcc")
        .args(["-O2", "-static", "-nostdlib", "-s", "-o"])
        .args([&binary, &source])
        .status()
        .context("cannot run gcc")?;
    ensure!(gcc.success(), "gcc {gcc}");
    let content = std::fs::read(&binary).context("cannot read the program")?;
    Ok(Case {
        warm: None,
        file: CellFile::new("hello", content),
        bare: Bare {
            program: binary,
            args: Vec::new(),
            env: Vec::new(),
            folder: Arc::new(folder),
        },
        step: Step {
            argv: vec!["./hello".to_owned()],
            env: Vec::new(),
            limits: limits(),
            terminal: None,
            warm: None,
        },
    })
}

impl Bare {
    fn run(&self) -> anyhow::Result<Duration> {
        let begin = Instant::now();
        let output = Command::new(&self.program)
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .output()
            .context("cannot run the bare process")?;
        let took = begin.elapsed();
        ensure!(output.stdout == OUTPUT, "the bare process: {output:?}");
        Ok(took)
    }
}

/// Waits until a cell of the case is ready.
async fn ready(engine: &Arc<dyn Engine>, case: &Case) -> anyhow::Result<()> {
    let begin = Instant::now();
    while !engine
        .parked()
        .iter()
        .any(|it| it.warm == case.warm && it.cells > 0)
    {
        if begin.elapsed() > PATIENCE {
            bail!("no cell was ready for {:?}", case.step.argv);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// From "go" to the end, in a cell of its own.
async fn run(engine: &Arc<dyn Engine>, case: &Case) -> anyhow::Result<Duration> {
    let spec = CellSpec {
        disk_bytes: DISK_BYTES,
        warm: case.warm.clone(),
    };
    let mut cell = engine.cell(spec).await.context("no cell")?;
    cell.put_files(vec![case.file.clone()]).await?;
    let begin = Instant::now();
    let mut process = cell.start(case.step.clone()).await?;
    process.input.eof().await;
    let mut stdout = Vec::new();
    while let Some(output) = process.output.recv().await {
        stdout.extend_from_slice(&output.bytes);
    }
    let end = process.end.await.context("no end")??;
    let took = begin.elapsed();
    ensure!(end.cause == Cause::Exited { code: 0 }, "{:?}", end.cause);
    ensure!(stdout == OUTPUT, "it printed something else");
    cell.destroy().await?;
    Ok(took)
}

/// Times of the bare process and of the cell, which alternate.
async fn compare(
    rounds: u32,
    engine: &Arc<dyn Engine>,
    case: &Case,
) -> anyhow::Result<(Samples, Samples)> {
    let (mut bare, mut cell) = (Samples::new(), Samples::new());
    for _ in 0..rounds {
        bare.record(case.bare.run()?);
        ready(engine, case).await?;
        cell.record(run(engine, case).await?);
    }
    Ok((bare, cell))
}

/// The figures of a language's hello world, both ways.
async fn beside_bare(
    [bare_name, cell_name, ratio_name]: &[&'static str; 3],
    rounds: u32,
    (engine, case): (&Arc<dyn Engine>, &Case),
    report: &mut Report,
) -> anyhow::Result<()> {
    let (bare, cell) = compare(rounds, engine, case).await?;
    let ratio = cell.percentile_ms(50.0) / bare.percentile_ms(50.0);
    report.add(Figure::times(bare_name, &bare));
    report.add(Figure::times(cell_name, &cell));
    let ratio = Figure::single(ratio_name, "x", cell.count(), ratio);
    report.add(ratio.at_most("value", 1.0));
    Ok(())
}

/// Memory of a cell that waits.
async fn parked(engine: &Arc<dyn Engine>, case: &Case, report: &mut Report) -> anyhow::Result<()> {
    ready(engine, case).await?;
    let all = engine.parked();
    let ours = all.iter().find(|it| it.warm == case.warm && it.cells > 0);
    let ours = ours.context("nothing is parked")?;
    #[expect(clippy::cast_precision_loss, reason = "no cell takes that much memory")]
    let mib = ours.memory_bytes as f64 / ours.cells as f64 / f64::from(1 << 20);
    let figure = Figure::single("cell_python_parked", "MiB", ours.cells as u64, mib);
    report.add(figure.at_most("value", 15.0));
    Ok(())
}

/// Runs a second on all cores: in cells, and bare.
async fn rates(
    time: Duration,
    engine: &Arc<dyn Engine>,
    case: &Arc<Case>,
    report: &mut Report,
) -> anyhow::Result<()> {
    say("cells one after the other on all cores, and bare processes");
    let cores = machine::cores();
    let begin = Instant::now();
    let mut bare = JoinSet::new();
    for _ in 0..cores {
        let alone = case.bare.clone();
        bare.spawn_blocking(move || {
            let mut count = 0_u32;
            while begin.elapsed() < time {
                alone.run()?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let bare = sum(bare).await?;
    let bare_rate = f64::from(bare) / begin.elapsed().as_secs_f64();
    let begin = Instant::now();
    let mut cells = JoinSet::new();
    for _ in 0..2 * cores {
        let (engine, case) = (Arc::clone(engine), Arc::clone(case));
        cells.spawn(async move {
            let mut count = 0_u32;
            while begin.elapsed() < time {
                run(&engine, &case).await?;
                count += 1;
            }
            anyhow::Ok(count)
        });
    }
    let cells = sum(cells).await?;
    let cell_rate = f64::from(cells) / begin.elapsed().as_secs_f64();
    report.add(Figure::single(
        "cell_python_bare_rate",
        "1/s",
        bare.into(),
        bare_rate,
    ));
    report.add(Figure::single(
        "cell_python_rate",
        "1/s",
        cells.into(),
        cell_rate,
    ));
    let ratio = cell_rate / bare_rate;
    let ratio = Figure::single("cell_python_rate_ratio", "x", cells.into(), ratio);
    report.add(ratio.at_least("value", 1.0));
    Ok(())
}

async fn sum(tasks: JoinSet<anyhow::Result<u32>>) -> anyhow::Result<u32> {
    let counts: anyhow::Result<Vec<u32>> = tasks.join_all().await.into_iter().collect();
    Ok(counts?.iter().sum())
}
