//! Every way in which an execution can end.

use bytes::Bytes;
use runlog_sandbox::fake::{Act, Script};
use runlog_sandbox::{Cause, OutputStream as Fd};
use runlog_schemas::{ChunkKind, Clock, Limits, Outcome, OutputStream, Phase};

use crate::support::{
    Bed, COMPILED, SCRIPT, compiles_and_runs, exit, plays, runs, submission, write,
};

#[tokio::test]
async fn a_program_runs_to_its_end() {
    let mut bed = Bed::start().await;
    let worker = bed
        .worker(runs(vec![
            write("out"),
            Act::Write(Fd::Stderr, Bytes::from_static(b"err")),
            exit(3),
        ]))
        .await;
    let id = bed.submit(&submission(SCRIPT)).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.names(), ["submitted", "started", "finished"]);
    assert_eq!(ended.end().outcome, Outcome::Exited { code: 3 });
    assert_eq!(ended.bytes(OutputStream::Stdout), b"out");
    assert_eq!(ended.bytes(OutputStream::Stderr), b"err");
    let used = ended.end().measurements.clone().unwrap();
    assert_eq!((used.engine.as_str(), used.warm), ("fake", true));
    assert!(used.first_output_us.is_some() && used.compile_us.is_none());
    let attempt = &ended.execution.attempts[0];
    assert_eq!((attempt.number, attempt.worker.as_str()), (1, "w1"));
    worker.stop().await;
}

/// What the engine reports, and what stands in the log.
async fn ends_as(language: &str, compiler: Vec<Act>, program: Vec<Act>) -> Outcome {
    let mut bed = Bed::start().await;
    let worker = bed.worker(compiles_and_runs(compiler, program)).await;
    let mut submission = submission(language);
    submission.limits = Limits {
        output_kb: 1,
        ..submission.limits
    };
    let id = bed.submit(&submission).await;
    let outcome = bed.end(id).await.end().outcome.clone();
    worker.stop().await;
    outcome
}

async fn runs_to(cause: Cause) -> Outcome {
    ends_as(SCRIPT, Vec::new(), vec![Act::End(cause)]).await
}

async fn compiles_to(cause: Cause) -> Outcome {
    ends_as(COMPILED, vec![Act::End(cause)], vec![exit(9)]).await
}

#[tokio::test]
async fn ends_of_the_run_step() {
    assert_eq!(
        runs_to(Cause::Signaled { signal: 11 }).await,
        Outcome::Signaled { signal: 11 }
    );
    let (wall, cpu, phase) = (Clock::Wall, Clock::Cpu, Phase::Run);
    assert_eq!(
        runs_to(Cause::WallLimit).await,
        Outcome::TimeLimit { clock: wall, phase }
    );
    assert_eq!(
        runs_to(Cause::CpuLimit).await,
        Outcome::TimeLimit { clock: cpu, phase }
    );
    assert_eq!(
        runs_to(Cause::MemoryLimit).await,
        Outcome::MemoryLimit { phase }
    );
}

#[tokio::test]
async fn ends_of_the_compile_step() {
    assert_eq!(
        compiles_to(Cause::Exited { code: 1 }).await,
        Outcome::CompileError { code: 1 }
    );
    assert_eq!(
        compiles_to(Cause::Exited { code: 0 }).await,
        Outcome::Exited { code: 9 }
    );
    let phase = Phase::Compile;
    assert_eq!(
        compiles_to(Cause::MemoryLimit).await,
        Outcome::MemoryLimit { phase }
    );
    let clock = Clock::Wall;
    assert_eq!(
        compiles_to(Cause::WallLimit).await,
        Outcome::TimeLimit { clock, phase }
    );
}

#[tokio::test]
async fn too_much_output_ends_it_in_either_phase() {
    let kib = |count: usize| Act::Write(Fd::Stderr, Bytes::from(vec![b'x'; count << 10]));
    assert_eq!(
        ends_as(SCRIPT, vec![], vec![kib(2), Act::Forever]).await,
        Outcome::OutputLimit { phase: Phase::Run }
    );
    let compiler = vec![kib(60); 5].into_iter().chain([Act::Forever]).collect();
    assert_eq!(
        ends_as(COMPILED, compiler, vec![]).await,
        Outcome::OutputLimit {
            phase: Phase::Compile
        }
    );
}

#[tokio::test]
async fn a_compilers_output_is_kept_apart_and_its_time_is_told() {
    let mut bed = Bed::start().await;
    let compiler = vec![
        write("note"),
        Act::Write(Fd::Stderr, Bytes::from_static(b" warning")),
    ];
    let worker = bed
        .worker(compiles_and_runs(compiler, vec![write("hi")]))
        .await;
    let id = bed.submit(&submission(COMPILED)).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.bytes(OutputStream::Compiler), b"note warning");
    assert_eq!(ended.bytes(OutputStream::Stdout), b"hi");
    let phases: Vec<_> = ended
        .chunks()
        .into_iter()
        .filter(|it| matches!(it, ChunkKind::Phase { .. }))
        .collect();
    let phase = |phase| ChunkKind::Phase { phase };
    assert_eq!(phases, [phase(Phase::Compile), phase(Phase::Run)]);
    let used = ended.end().measurements.clone().unwrap();
    assert!(used.compile_us.is_some());
    worker.stop().await;
}

#[tokio::test]
async fn a_library_is_a_compile_error_and_not_ours() {
    let mut bed = Bed::start().await;
    let engine = plays(|name| match name {
        "main.x" => Script::Run(Vec::new()),
        _ => Script::NoSuchProgram,
    });
    let worker = bed.worker(engine).await;
    let id = bed.submit(&submission(COMPILED)).await;
    let ended = bed.end(id).await;
    assert_eq!(ended.end().outcome, Outcome::CompileError { code: 0 });
    assert!(!ended.bytes(OutputStream::Compiler).is_empty());
    worker.stop().await;
}
