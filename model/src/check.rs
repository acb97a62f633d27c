//! What was promised, looked for when everything has come to rest.

use std::collections::BTreeMap;

use runlog_projector::{Row, plan};
use runlog_schemas::{ExecutionId, Outcome, OutputBatch, OutputStream};
use runlog_verify::{Lifecycle, Recording};

use crate::edge::Told;
use crate::program::{self, KEYS};
use crate::projector::Tables;
use crate::world::World;

pub(crate) fn everything(world: &mut World) -> Result<(), String> {
    for key in 0..KEYS {
        submission(world, key)?;
        lifecycle(world, key)?;
        recording(world, key)?;
    }
    tables(world)?;
    viewers(world)
}

/// Accepted means stored; never submitted means not there.
fn submission(world: &World, key: u8) -> Result<(), String> {
    let id = program::id(key);
    let there = !world.log.events(id).is_empty();
    match world.clients.told.get(&id) {
        Some(Told::Accepted) if !there => Err(format!("{id} was accepted and is lost")),
        None if there => Err(format!("{id} was never submitted and is there")),
        _ => Ok(()),
    }
}

/// The rules that `runlog verify` has for the events of one execution, and an end.
fn lifecycle(world: &World, key: u8) -> Result<(), String> {
    let id = program::id(key);
    let mut lifecycle = Lifecycle::default();
    let events = world.log.events(id);
    for (sequence, event) in &events {
        if let Some(violation) = lifecycle.push(event) {
            let names: Vec<_> = events.iter().map(|(_, it)| it.change.name()).collect();
            return Err(format!(
                "{id} at {sequence}: {}: {names:?}",
                violation.words
            ));
        }
    }
    let execution = lifecycle.into_execution();
    let died = execution
        .end()
        .is_some_and(|end| matches!(end.outcome, Outcome::SystemError { .. }));
    let letter = world.log.letters.get(&id);
    match (died, letter) {
        (true, None) => return Err(format!("{id} was given up and has no dead letter")),
        (false, Some(_)) => return Err(format!("{id} has a dead letter and was not given up")),
        (true, Some(sequence)) if events.first().map(|it| it.0) != Some(*sequence) => {
            return Err(format!("the dead letter of {id} names message {sequence}"));
        }
        _ => {}
    }
    match execution.end() {
        None if !events.is_empty() => Err(format!("{id} does not end")),
        _ => Ok(()),
    }
}

/// What the log has is what the terminal event tells, and what the program prints.
fn recording(world: &World, key: u8) -> Result<(), String> {
    let id = program::id(key);
    let execution = world.log.execution(id);
    let begun = execution.attempts.len() as u32;
    for (sequence, batch) in world.log.read_output(id) {
        if batch.attempt > begun {
            return Err(format!(
                "{id}: output {sequence} of attempt {}, which never began",
                batch.attempt
            ));
        }
    }
    let told = execution.end().and_then(|end| end.output.clone());
    let (Some(attempt), Some(told)) = (execution.recorded_attempt(), told) else {
        return Ok(());
    };
    let mut recording = Recording::new(attempt);
    let mut stdout = Vec::new();
    let mut next = 0;
    for (sequence, batch) in world.log.read_output(id) {
        if told.last_sequence.is_none_or(|last| sequence > last) {
            continue;
        }
        recording.push(&batch);
        for chunk in batch.chunks.iter().filter(|_| batch.attempt == attempt) {
            if chunk.number == next {
                next += 1;
                if let Some((OutputStream::Stdout, bytes)) = chunk.what.output() {
                    stdout.extend_from_slice(bytes);
                }
            }
        }
    }
    if let Some(violation) = recording.finish(&told) {
        return Err(format!("{id}: {}", violation.words));
    }
    let outcome = execution.end().map(|end| end.outcome.clone());
    if let Some(outcome @ Outcome::Exited { .. }) = outcome
        && (outcome != program::outcome(key) || stdout != program::stdout(key))
    {
        let stdout = String::from_utf8_lossy(&stdout);
        return Err(format!("{id} ended as {outcome:?} with {stdout:?}"));
    }
    Ok(())
}

/// The tables are the fold of the log, and what a rebuild makes.
fn tables(world: &World) -> Result<(), String> {
    let log = world.log.tail(0);
    let mut rebuilt = Tables::default();
    let plan = plan(0, std::collections::HashMap::new(), &log).map_err(|it| it.to_string())?;
    rebuilt.checkpoint = plan.to;
    rebuilt.rows = plan.rows.into_iter().collect();
    rebuilt.submissions = plan
        .submissions
        .into_iter()
        .map(|(id, event)| (id, event.clone()))
        .collect();
    rebuilt.recordings_due = plan.recordings.into_iter().collect();
    let live = &world.database.tables;
    if *live != rebuilt {
        return Err(format!(
            "the tables at {} are not those of a rebuild at {}",
            live.checkpoint, rebuilt.checkpoint
        ));
    }
    let expected: BTreeMap<ExecutionId, _> = (0..KEYS)
        .map(program::id)
        .filter(|id| !world.log.events(*id).is_empty())
        .map(|id| (id, world.log.execution(id)))
        .collect();
    let found: BTreeMap<ExecutionId, _> = live
        .rows
        .iter()
        .map(|(id, Row { execution, .. })| (*id, execution.clone()))
        .collect();
    if found == expected {
        Ok(())
    } else {
        Err("the rows are not the fold of the log".to_owned())
    }
}

/// Whether a worker that had lost its lease wrote more than the recording that somebody else had
/// closed. Output has no fence, so a viewer may see it; this is no promise.
fn has_late_output(world: &World, id: ExecutionId) -> bool {
    let execution = world.log.execution(id);
    let attempt = execution.recorded_attempt();
    let told = execution.end().and_then(|end| end.output.as_ref());
    let last = told.and_then(|it| it.last_sequence).unwrap_or(0);
    let output = world.log.read_output(id);
    output
        .iter()
        .any(|(sequence, batch)| *sequence > last && Some(batch.attempt) == attempt)
}

/// Whoever watched to the end has seen the one recording.
fn viewers(world: &World) -> Result<(), String> {
    for viewer in &world.viewers {
        let id = viewer.id;
        let events: Vec<_> = world.log.events(id).into_iter().map(|it| it.1).collect();
        if viewer.events != events {
            let seen: Vec<_> = viewer.events.iter().map(|it| it.change.name()).collect();
            let there: Vec<_> = events.iter().map(|it| it.change.name()).collect();
            return Err(format!(
                "a viewer of {id} saw {seen:?}, the log has {there:?}"
            ));
        }
        let execution = world.log.execution(id);
        let told = execution.end().and_then(|end| end.output.as_ref());
        let chunks = told.map_or(0, |it| it.chunks);
        let seen = viewer.chunks.len() as u64;
        let late = seen > chunks && has_late_output(world, id);
        if seen != chunks && !late {
            return Err(format!("a viewer of {id} saw {seen} chunks of {chunks}"));
        }
        let mut recording = Recording::new(1);
        let counted = viewer.chunks.iter().filter(|it| it.number < chunks);
        recording.push(&OutputBatch {
            attempt: 1,
            chunks: counted.cloned().collect(),
        });
        if let Some(violation) = told.and_then(|told| recording.finish(told)) {
            return Err(format!("a viewer of {id} saw: {}", violation.words));
        }
    }
    Ok(())
}
