//! One run of an entry, from its cell to the end of it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use runlog_sandbox::{
    Cause, Cell, CellFile, CellSpec, Collect, CollectLimits, Input, OutputStream, Process, Step,
    StepEnd, StepLimits, Terminal, WindowSize,
};
use tokio::sync::oneshot;

use super::case::{Case, Language, Limits};
use super::ground::Ground;
use super::machine::MARK;
use super::warm::Host;

/// A run that takes longer than this in all never ends.
const PATIENCE: Duration = Duration::from_secs(180);

/// What may be taken out of a cell.
pub(crate) const TAKEN: CollectLimits = CollectLimits {
    files: 20,
    bytes: 1 << 20,
    depth: 3,
};

/// What a run showed.
#[derive(Debug)]
pub(crate) struct Seen {
    /// As the entry names it; without one, the breaches say why.
    pub(crate) verdict: Option<String>,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
    /// What was taken out of its cell.
    pub(crate) collected: Vec<CellFile>,
    pub(crate) end: Option<StepEnd>,
    /// From the start of the step until its end was known.
    pub(crate) took: Duration,
    /// How much of that the machine was away.
    pub(crate) stalled: Duration,
    pub(crate) breaches: Vec<String>,
}

impl Seen {
    fn broken(breach: String) -> Self {
        Self {
            verdict: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
            collected: Vec::new(),
            end: None,
            took: Duration::ZERO,
            stalled: Duration::ZERO,
            breaches: vec![breach],
        }
    }
}

/// Runs an entry once. Its processes have `mark` in their environment.
pub(crate) async fn run(ground: &Ground, case: &Case, mark: &str) -> Seen {
    match tokio::time::timeout(PATIENCE, live(ground, case, mark)).await {
        Ok(Ok(seen)) => seen,
        Ok(Err(error)) => Seen::broken(format!("a system error: {error:#}")),
        Err(_) => Seen::broken("it never ended".to_owned()),
    }
}

/// Makes a cell and starts an entry in it.
pub(super) async fn start(
    ground: &Ground,
    case: &Case,
    mark: &str,
) -> anyhow::Result<(Box<dyn Cell>, Process)> {
    let disk_bytes = case.limits.disk_mb << 20;
    let mut cell = cell(ground, disk_bytes).await?;
    cell.put_files(files(ground, case)).await?;
    let process = cell.start(step(ground, case, mark)).await?;
    Ok((cell, process))
}

/// A cell in which the runtime waits, if there is to be one.
async fn cell(ground: &Ground, disk_bytes: u64) -> anyhow::Result<Box<dyn Cell>> {
    loop {
        let spec = CellSpec {
            disk_bytes,
            warm: ground.host.map(|host| host.name().to_owned()),
        };
        let cell = ground.engine.cell(spec).await?;
        // One that can be forked always is there; others have to be waited for.
        if ground.host.is_none_or(Host::is_forked) || cell.was_parked() {
            return Ok(cell);
        }
        cell.destroy().await?;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn live(ground: &Ground, case: &Case, mark: &str) -> anyhow::Result<Seen> {
    let (mut cell, process) = start(ground, case, mark).await?;
    let (began, stalls) = (Instant::now(), ground.site.stalls.total());
    let mut seen = follow(process, case).await?;
    seen.took = began.elapsed();
    seen.stalled = ground.site.stalls.total().saturating_sub(stalls);
    if !case.collect.is_empty() {
        let paths = case.collect.clone();
        let collected = cell
            .collect(Collect {
                paths,
                limits: TAKEN,
            })
            .await?;
        seen.collected = collected.files;
    }
    cell.destroy().await?;
    Ok(seen)
}

/// Reads a run to its end, and ends it once it has said too much, as a worker does.
async fn follow(mut process: Process, case: &Case) -> anyhow::Result<Seen> {
    let mut seen = Seen::broken(String::new());
    seen.breaches.clear();
    let (spoke, first_word) = oneshot::channel();
    let mut spoke = Some(spoke);
    let typing = kept_typing(case, process.input.clone(), first_word);
    let reading = async {
        let (cap, mut said) = (case.limits.output_kb << 10, 0);
        while let Some(output) = process.output.recv().await {
            drop(spoke.take());
            let room = cap.saturating_sub(said);
            said += output.bytes.len();
            let sink = match output.stream {
                OutputStream::Stdout => &mut seen.stdout,
                OutputStream::Stderr => &mut seen.stderr,
            };
            sink.extend_from_slice(&output.bytes[..output.bytes.len().min(room)]);
            if said > cap {
                process.kill.kill();
            }
        }
        drop(spoke.take());
        said > cap
    };
    let (overflowed, ()) = tokio::join!(reading, typing);
    // Only now: everything that was written comes before the end.
    let end = process
        .end
        .await
        .map_err(|_| anyhow::anyhow!("the end was lost"))??;
    seen.verdict = Some(verdict(end.cause, overflowed, case.compile));
    seen.end = Some(end);
    Ok(seen)
}

/// Types what the entry says; on a terminal once the program has spoken, so that it is ready.
async fn kept_typing(case: &Case, input: Input, first_word: oneshot::Receiver<()>) {
    if case.terminal {
        let _ = first_word.await;
    }
    if let Some(text) = &case.stdin {
        input.write(Bytes::copy_from_slice(text.as_bytes())).await;
    }
    let much = Bytes::from(vec![b'x'; 1 << 20]);
    for _ in 0..case.stdin_mb.unwrap_or(0) {
        input.write(much.clone()).await;
    }
    if !case.terminal {
        input.eof().await;
    }
}

fn files(ground: &Ground, case: &Case) -> Vec<CellFile> {
    let file = |name: &str, content: Bytes| CellFile::new(name, content);
    let own = |name: &String| {
        let content = std::fs::read(case.folder().join(name))
            .unwrap_or_else(|error| panic!("{}: {name}: {error}", case.id));
        file(name, content.into())
    };
    let mut files: Vec<_> = case.files.iter().map(own).collect();
    files.push(match case.language {
        Language::C => file(
            "attack",
            ground
                .site
                .programs
                .get(&format!("{}/{}", case.id, case.source)),
        ),
        _ => own(&case.source),
    });
    if let Some(host) = ground.host {
        files.extend(host.files(&ground.site.programs, case, &argv(case)));
    }
    files
}

/// The command that is the entry.
fn argv(case: &Case) -> Vec<&str> {
    let source = case.source.as_str();
    match case.language {
        Language::C => vec!["./attack"],
        Language::Sh => vec!["/bin/sh", source],
        Language::Bash => vec!["/bin/bash", source],
        Language::Python => vec!["/usr/bin/python3", "-I", source],
        Language::Java => vec!["/bin/sh", "-c", JAVA, "java", source],
        Language::Argv => case.argv.iter().map(String::as_str).collect(),
    }
}

/// Compiles what it is given and becomes the program.
const JAVA: &str = "javac -d . $1 && exec java -cp . Main";

fn step(ground: &Ground, case: &Case, mark: &str) -> Step {
    let mut env: Vec<(String, String)> = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("HOME".into(), "/box".into()),
        (MARK.into(), mark.to_owned()),
        ("RUNLOG_CANARY_TREE".into(), ground.tree_inside.into()),
    ];
    env.extend(ground.site.canaries.environment());
    env.extend(case.env.clone());
    Step {
        argv: argv(case).into_iter().map(str::to_owned).collect(),
        env,
        limits: limits(&case.limits),
        terminal: case.terminal.then_some(Terminal {
            size: WindowSize {
                columns: 80,
                rows: 24,
            },
        }),
        warm: ground.host.map(Host::step),
    }
}

fn limits(limits: &Limits) -> StepLimits {
    StepLimits {
        wall: Duration::from_millis(limits.wall_ms),
        cpu: Duration::from_millis(limits.cpu_ms),
        memory_bytes: limits.memory_mb << 20,
        processes: limits.processes,
        file_bytes: 64 << 20,
    }
}

fn verdict(cause: Cause, overflowed: bool, compile: bool) -> String {
    let name = match cause {
        _ if overflowed => "OLE",
        Cause::Exited { code } if !compile || code == 0 => return format!("OK({code})"),
        Cause::Signaled { signal } if !compile => return format!("SIG({signal})"),
        Cause::Exited { .. } | Cause::Signaled { .. } => return "CE".to_owned(),
        Cause::WallLimit if compile => "TLE",
        Cause::WallLimit => "TLE_WALL",
        Cause::CpuLimit if compile => "TLE",
        Cause::CpuLimit => "TLE_CPU",
        Cause::MemoryLimit => "MLE",
        Cause::Killed => "killed, though nobody asked",
    };
    if compile {
        format!("C{name}")
    } else {
        name.to_owned()
    }
}
