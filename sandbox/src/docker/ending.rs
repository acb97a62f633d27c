//! What a step has used and how it ended, also when its container is gone.

use std::io;
use std::time::Duration;

use super::Shared;
use super::body::Parts;
use crate::native::body::failed;
use crate::native::protocol::Over;
use crate::native::verdict::Verdict;
use crate::{Cause, Error, StepEnd, Usage};

/// How long the daemon may take to explain a container that is gone.
const PATIENCE: Duration = Duration::from_secs(10);

/// CPU time of this step so far, and the processes of it that the kernel killed for want of
/// memory; `None` if the container is gone.
pub(super) fn used(parts: &Parts) -> Option<(Duration, u64)> {
    let cpu = parts.accounts.cpu().ok()?.since(parts.cpu_before).total();
    let kills = parts.accounts.memory_kills().ok()?;
    Some((cpu, kills.saturating_sub(parts.memory_kills_before)))
}

/// Adds up a step that is over and makes the container ready for the next one.
pub(super) fn add_up(
    parts: &mut Parts,
    verdict: &Verdict,
    over: Option<&Over>,
    wall: Duration,
) -> Result<StepEnd, Error> {
    let accounts = &mut parts.accounts;
    let all_kills = accounts
        .memory_kills()
        .map_err(failed("reading the memory events"))?;
    let total = accounts.cpu().map_err(failed("reading CPU time"))?;
    let peak = accounts
        .memory_peak()
        .map_err(failed("reading the memory peak"))?;
    let kills = all_kills.saturating_sub(parts.memory_kills_before);
    let spent = total.since(parts.cpu_before);
    parts.cpu_before = total;
    parts.memory_kills_before = all_kills;
    let usage = Usage {
        wall,
        cpu_user: spent.user,
        cpu_system: spent.system,
        memory_peak_bytes: peak,
        read_bytes: over.map_or(0, |over| over.read_bytes),
        written_bytes: over.map_or(0, |over| over.written_bytes),
        context_switches: over.map_or(0, |over| over.context_switches),
    };
    verdict
        .cause(over.map(|over| over.status), kills)
        .map(|cause| StepEnd { cause, usage })
        .ok_or_else(|| Error::CellGone("its init ended in the middle of a step".into()))
}

/// The end of a step whose container has gone silent: killed by us, out of memory as a whole, or
/// lost with the daemon.
pub(super) async fn explain(
    shared: &Shared,
    parts: &Parts,
    verdict: &Verdict,
    wall: Duration,
    silence: io::Error,
) -> Result<StepEnd, Error> {
    let usage = Usage {
        wall,
        ..Usage::default()
    };
    let ended = |cause: Cause| Ok(StepEnd { cause, usage });
    if let Some(cause) = verdict.cause(None, 0) {
        return ended(cause);
    }
    let state = tokio::time::timeout(PATIENCE, shared.api.state(&parts.id)).await;
    match state {
        Ok(Ok(state)) if state.oom_killed => ended(Cause::MemoryLimit),
        Ok(Ok(state)) if !state.is_running => Err(Error::CellGone(format!(
            "the container ended with code {} in the middle of a step: {silence}",
            state.exit_code
        ))),
        Ok(Ok(_)) => Err(Error::CellGone(format!(
            "the connection to the container broke in the middle of a step: {silence}"
        ))),
        Ok(Err(error)) => Err(error),
        Err(_) => Err(Error::CellGone(
            "the Docker daemon does not answer any more".to_owned(),
        )),
    }
}
