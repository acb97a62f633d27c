//! The proof, at every start, that a cell holds what it promises: a cell is made as for any run,
//! and in it is tried what must fail.

mod facts;
#[cfg(target_arch = "x86_64")]
mod program;
mod report;

use std::sync::Arc;
use std::time::Duration;

use self::report::Report;
use super::Shared;
use super::cell::NativeCell;
use super::flavour::Flavour;
use super::landlock;
use super::layer::{Finding, Layer, LayerState};
use crate::{Cause, Cell, CellFile, Error, OutputStream, Step, StepLimits};

/// Disk of the cell that is tried.
const DISK_BYTES: u64 = 8 << 20;

/// Asks for more and more memory, until it has several times what it may have.
const GROW: &str = "grown=x; while [ ${#grown} -lt 130000000 ]; do grown=$grown$grown; done";

/// Starts more processes than the limit allows; a shell that cannot does not go on.
const CROWD: &str = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do while :; do :; done & done; echo all";

/// Uses up time, in a child, while the main process rests.
const SPIN: &str = "while :; do :; done & wait";

/// Ignores what can be ignored, and so does its child.
const STUBBORN: &str = "trap '' TERM HUP INT QUIT; (while :; do :; done) & while :; do :; done";

/// Writes a KiB again and again, twice as much as there is room.
const FILL: &str = "l=0123456789abcdef; l=$l$l$l$l; l=$l$l$l$l; l=$l$l$l$l; n=0; \
    while [ $n -lt 16384 ]; do echo $l || break; n=$((n + 1)); done 2>/dev/null > /box/fill; \
    [ $n -lt 16384 ] && echo full";

const LIMITS: StepLimits = StepLimits {
    wall: Duration::from_secs(30),
    cpu: Duration::from_secs(10),
    memory_bytes: 32 << 20,
    processes: 8,
    file_bytes: 64 << 20,
};

/// Makes a cell, tries everything in it, and tells of every layer whether it holds.
///
/// # Errors
/// When not even a cell could be made, or a probe could not be run.
pub(super) async fn prove(shared: &Arc<Shared>) -> Result<Vec<Finding>, Error> {
    let mut report = Report::default();
    let mut body = Flavour::make(shared, shared.plain(), DISK_BYTES).await?;
    let init = body.parts().init;
    facts::namespaces(init, &mut report);
    let mut cell = NativeCell::new(body, Arc::clone(shared), false);
    let (cause, seen) = run(&mut cell, facts::PROBE, LIMITS).await?;
    if cause != (Cause::Exited { code: 0 }) {
        let found = std::io::Error::other(format!("it ended with {cause:?}"));
        let doing = "running a first program in a cell".to_owned();
        return Err(Error::System {
            doing,
            source: found,
        });
    }
    facts::judge(&seen, &mut report);
    #[cfg(target_arch = "x86_64")]
    refused(&mut cell, init, &mut report).await?;
    limited(&mut cell, &mut report).await?;
    Box::new(cell).destroy().await?;
    report.expect(Layer::Landlock, landlock::prove());
    let shares = shared.tree.shares_processors();
    report.expect(
        Layer::CpuShare,
        shares
            .then_some(())
            .ok_or_else(|| "no cpu controller".into()),
    );
    Ok(report.findings())
}

/// Limits are reached, each by what must not get beyond it.
async fn limited(cell: &mut NativeCell, report: &mut Report) -> Result<(), Error> {
    let ended = |cause, expected| match cause == expected {
        true => Ok(()),
        false => Err(format!("the probe ended with {cause:?}")),
    };
    let (_, seen) = run(cell, FILL, LIMITS).await?;
    let full = seen == "full\n";
    report.expect(
        Layer::Disk,
        full.then_some(())
            .ok_or_else(|| "more was written than there is room".into()),
    );
    // What it wrote counts as memory; the next step starts without.
    run(cell, ": > /box/fill", LIMITS).await?;
    let (cause, _) = run(cell, GROW, LIMITS).await?;
    report.expect(Layer::Memory, ended(cause, Cause::MemoryLimit));
    let (_, seen) = run(cell, CROWD, LIMITS).await?;
    let few = seen.is_empty();
    report.expect(
        Layer::Processes,
        few.then_some(())
            .ok_or_else(|| "more processes than the limit".into()),
    );
    let short = StepLimits {
        cpu: Duration::from_millis(40),
        ..LIMITS
    };
    let (cause, _) = run(cell, SPIN, short).await?;
    report.expect(Layer::CpuTime, ended(cause, Cause::CpuLimit));
    let short = StepLimits {
        wall: Duration::from_millis(40),
        ..LIMITS
    };
    let (cause, _) = run(cell, STUBBORN, short).await?;
    report.expect(Layer::Kill, ended(cause, Cause::WallLimit));
    Ok(())
}

/// System calls that must be refused, by programs that do nothing else.
#[cfg(target_arch = "x86_64")]
async fn refused(cell: &mut NativeCell, init: i32, report: &mut Report) -> Result<(), Error> {
    let tried = facts::calls(init);
    let calls: Vec<_> = tried.iter().map(|(_, call)| *call).collect();
    let files = vec![
        CellFile::new("calls", program::calls(&calls)),
        CellFile::new("old-gate", program::old_gate()),
    ];
    cell.put_files(files).await?;
    let (cause, _) = execute(cell, &["./calls"], LIMITS).await?;
    let Cause::Exited { code } = cause else {
        report.expect(
            Layer::Seccomp,
            Err(format!("the probe ended with {cause:?}")),
        );
        return Ok(());
    };
    for (bit, (layer, call)) in tried.iter().enumerate() {
        let open = code & (1 << bit) != 0;
        let found = || {
            format!(
                "the system call {} did not answer {}",
                call.number, call.expected
            )
        };
        report.expect(*layer, if open { Err(found()) } else { Ok(()) });
    }
    let (cause, _) = execute(cell, &["./old-gate"], LIMITS).await?;
    let killed = cause
        == Cause::Signaled {
            signal: libc::SIGSYS,
        };
    let found = || format!("a 32-bit call ended with {cause:?}");
    report.expect(
        Layer::SeccompArchitecture,
        killed.then_some(()).ok_or_else(found),
    );
    Ok(())
}

async fn run(
    cell: &mut NativeCell,
    shell: &str,
    limits: StepLimits,
) -> Result<(Cause, String), Error> {
    execute(cell, &["/bin/sh", "-c", shell], limits).await
}

/// Runs a program; gives how it ended and what it printed.
async fn execute(
    cell: &mut NativeCell,
    argv: &[&str],
    limits: StepLimits,
) -> Result<(Cause, String), Error> {
    let step = Step {
        argv: argv.iter().map(|&word| word.to_owned()).collect(),
        env: Vec::new(),
        limits,
        terminal: None,
        warm: None,
    };
    let mut process = cell.start(step).await?;
    let mut seen = Vec::new();
    while let Some(output) = process.output.recv().await {
        if output.stream == OutputStream::Stdout {
            seen.extend_from_slice(&output.bytes);
        }
    }
    let end = process.end.await;
    let end = end.map_err(|_| Error::CellGone("a probe's end was lost".into()))??;
    Ok((end.cause, String::from_utf8_lossy(&seen).into_owned()))
}

/// Refuses to go on without a layer that is required and not allowed to be missing.
pub(super) fn refuse(findings: &[Finding], allowed: &[Layer]) -> Result<(), Error> {
    for finding in findings {
        let layer = finding.layer;
        if let (Some(found), false) = (finding.missing(), allowed.contains(&layer))
            && layer.is_required()
        {
            return Err(layer_missing(layer, found.to_owned()));
        }
    }
    Ok(())
}

fn layer_missing(layer: Layer, found: String) -> Error {
    Error::LayerMissing {
        layer: layer.name(),
        found,
    }
}

/// When not even a cell could be made: names the layer at which it failed, if it is one's.
pub(super) fn named(error: Error) -> Error {
    match &error {
        Error::System { doing, source } => match Layer::blamed(doing) {
            Some(layer) => layer_missing(layer, format!("{doing}: {source}")),
            None => error,
        },
        _ => error,
    }
}

/// As [`named`], for a report: nothing is known of the other layers.
///
/// # Errors
/// The same one, if it is no layer's.
pub(super) fn blame(error: Error) -> Result<Vec<Finding>, Error> {
    let error = named(error);
    let Error::LayerMissing { layer, found } = &error else {
        return Err(error);
    };
    let finding = |it: Layer| Finding {
        layer: it,
        state: match it.name() == *layer {
            true => LayerState::Missing(found.clone()),
            false => LayerState::Unknown,
        },
    };
    Ok(Layer::ALL.into_iter().map(finding).collect())
}
