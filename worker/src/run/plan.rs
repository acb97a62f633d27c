//! What has to be done in the cell for a submission. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use runlog_sandbox::{CellFile, CellSpec, Collect, CollectLimits, Step, StepLimits};
use runlog_schemas::{
    DEEPEST_OUTPUT_FILE, LanguageDefinition, Limits, MOST_OUTPUT_BYTES, MOST_OUTPUT_FILES,
    Priority, Program, Submission,
};

use super::recorder::Caps;
use crate::warm::warm_step;

/// What the cell must be like, and its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) cell: CellSpec,
    /// Whether its programs have the CPU only where nobody else wants it.
    pub(crate) gives_way: bool,
    pub(crate) files: Vec<CellFile>,
    pub(crate) compile: Option<Step>,
    /// Without its terminal, whose size may change until the step starts.
    pub(crate) run: Step,
    pub(crate) caps: Caps,
    /// The files that are given back.
    pub(crate) collect: Option<Collect>,
    /// Whether the compile step makes the same each time.
    pub(crate) is_repeatable: bool,
}

/// All that a compile step sees, and whether it makes the same of it each time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompilePlan<'a> {
    pub(crate) step: &'a Step,
    pub(crate) files: &'a [CellFile],
    pub(crate) disk_bytes: u64,
    pub(crate) is_repeatable: bool,
}

/// A file takes whole pages of the cell's disk.
const PAGE: u64 = 4096;

/// The terminal that browsers and our own command line show programs on.
const TERMINAL: (&str, &str) = ("TERM", "xterm-256color");

impl Plan {
    pub(crate) fn new(language: &LanguageDefinition, submission: &Submission) -> Self {
        let names: Vec<&str> = submission
            .files
            .iter()
            .map(|file| file.name.as_str())
            .collect();
        let program = Program {
            entry: &submission.entry,
            files: &names,
            args: &submission.args,
            options: &submission.compiler_options,
        };
        let limits = &submission.limits;
        let compile_limits = language.compile.as_ref().map(|step| step.limits);
        let compile = language
            .compile_argv(&program)
            .zip(compile_limits)
            .map(|(argv, limits)| Step {
                argv,
                env: language.compile_environment(),
                limits: step_limits(&limits),
                terminal: None,
                warm: language.compile_words(&program).map(warm_step),
            });
        let on_terminal = submission.terminal.is_some();
        let submitted = submitted_variables(submission);
        let run = Step {
            argv: language.run_argv(&program, limits),
            env: language.run_environment(&submitted),
            limits: step_limits(limits),
            terminal: None,
            warm: language
                .run_words(&program, &submitted, (limits.memory_mb, on_terminal))
                .map(warm_step),
        };
        let first = compile.as_ref().unwrap_or(&run);
        Self {
            gives_way: submission.priority == Priority::Background,
            cell: CellSpec {
                disk_bytes: disk_bytes(submission, compile_limits.as_ref()),
                warm: first.warm.as_ref().map(|_| language.id.clone()),
            },
            files: submission
                .files
                .iter()
                .map(|file| CellFile::new(&file.name, Bytes::copy_from_slice(&file.content.0)))
                .collect(),
            compile,
            run,
            caps: Caps {
                compiler: compile_limits.map_or(0, |it| kib(it.output_kb)),
                program: kib(limits.output_kb),
            },
            collect: collect(submission),
            is_repeatable: language
                .compiles_repeatably(submission.files.iter().map(|file| &file.content.0[..])),
        }
    }

    /// The compile step, where there is one.
    pub(crate) fn compile_plan(&self) -> Option<CompilePlan<'_>> {
        Some(CompilePlan {
            step: self.compile.as_ref()?,
            files: &self.files,
            disk_bytes: self.cell.disk_bytes,
            is_repeatable: self.is_repeatable,
        })
    }
}

fn collect(submission: &Submission) -> Option<Collect> {
    let paths = submission.output_files.clone();
    (!paths.is_empty()).then_some(Collect {
        paths,
        limits: CollectLimits {
            files: MOST_OUTPUT_FILES,
            bytes: MOST_OUTPUT_BYTES,
            depth: DEEPEST_OUTPUT_FILE,
        },
    })
}

/// The variables of the submission. On a terminal they tell what kind it is, unless the submission
/// does: without it programs that draw cannot begin.
fn submitted_variables(submission: &Submission) -> BTreeMap<String, String> {
    let mut variables = submission.env.clone();
    if submission.terminal.is_some() {
        let (name, value) = TERMINAL;
        variables
            .entry(name.to_owned())
            .or_insert_with(|| value.to_owned());
    }
    variables
}

/// The disk that the steps may fill. The files of the submission are not the program's doing: where
/// they would take a good part of it, they come on top.
fn disk_bytes(submission: &Submission, compile: Option<&Limits>) -> u64 {
    let run = mib(submission.limits.disk_mb);
    let disk = compile.map_or(run, |limits| run.max(mib(limits.disk_mb)));
    let files: u64 = submission
        .files
        .iter()
        .map(|file| (file.content.0.len() as u64).next_multiple_of(PAGE))
        .sum();
    // Another size than the usual costs a system call, so a few pages are not worth it.
    if files > disk / 16 {
        disk + files
    } else {
        disk
    }
}

pub(crate) fn step_limits(limits: &Limits) -> StepLimits {
    StepLimits {
        wall: Duration::from_millis(limits.wall_ms),
        cpu: Duration::from_millis(limits.cpu_ms),
        memory_bytes: mib(limits.memory_mb),
        processes: u32::try_from(limits.processes).unwrap_or(u32::MAX),
        file_bytes: mib(limits.file_mb),
    }
}

const fn mib(mib: u64) -> u64 {
    mib.saturating_mul(1 << 20)
}

fn kib(kib: u64) -> usize {
    usize::try_from(kib.saturating_mul(1 << 10)).unwrap_or(usize::MAX)
}
