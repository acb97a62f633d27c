//! Runtimes that are started in the cells, one for each of two steps. Here they are shells.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use runlog_sandbox::native::{NativeConfig, NativeEngine, WarmHost, WarmRuntime, WarmWay};
use runlog_sandbox::{Cause, Cell, CellSpec, Engine, Step, Terminal, WarmStep, WindowSize};

use super::conformance::{DISK, Ran, run_in, sh};

/// Waits as a runtime does, then does what the first word says.
const RUNTIME: &str = r#"
echo >&4
exec 4>&-
mapfile -d '' -t -u 3 told
exec 3<&-
eval "${told[1]}"
"#;

/// How many processes there are that a program sees.
const ALONE: &str = "set -- /proc/[0-9]*; echo $#";

async fn engine(mark: &str) -> Arc<NativeEngine> {
    engine_with(mark, (1, 1)).await
}

/// With so many cells that wait, at the least and at the most.
async fn engine_with(mark: &str, (least, most): (usize, usize)) -> Arc<NativeEngine> {
    let runtime = |number: usize| WarmRuntime {
        argv: vec!["/bin/bash".into(), "/opt/warm/shells/host.sh".into()],
        env: vec![
            ("PATH".into(), "/usr/bin:/bin".into()),
            ("NUMBER".into(), number.to_string()),
            ("MARK".into(), mark.to_owned()),
        ],
    };
    let host = WarmHost {
        name: "shells".into(),
        way: WarmWay::Start,
        runtimes: vec![runtime(0), runtime(1)],
        files: vec![("host.sh".into(), Bytes::from_static(RUNTIME.as_bytes()))],
        least_parked: least,
        most_parked: most,
    };
    let config = NativeConfig {
        warm_hosts: vec![host],
        ..super::config()
    };
    let engine = NativeEngine::start(config).await;
    Arc::new(engine.expect("every layer is there"))
}

/// How many cells wait in which both do.
fn parked(engine: &NativeEngine) -> usize {
    let all = engine.parked();
    let ours = all.iter().find(|it| it.warm.as_deref() == Some("shells"));
    ours.expect("the host is known").cells
}

/// A cell in which both wait.
async fn cell(engine: &NativeEngine) -> Box<dyn Cell> {
    while parked(engine) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let spec = CellSpec {
        disk_bytes: DISK,
        warm: Some("shells".into()),
    };
    let cell = engine.cell(spec).await.expect("a cell");
    assert!(cell.was_parked());
    cell
}

/// Kills the second runtimes of an engine.
fn kill_second(mark: &str) {
    let mut killed = 0;
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let has = |variable: &str| {
            environment
                .split(|&byte| byte == 0)
                .any(|it| it == variable.as_bytes())
        };
        let pid = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        if let (true, true, Some(pid)) = (has("NUMBER=1"), has(&format!("MARK={mark}")), pid) {
            let pid = rustix::process::Pid::from_raw(pid).expect("not 0");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("root may");
            let environment = entry.path().join("environ");
            // What is dead has none.
            while std::fs::read(&environment).is_ok_and(|it| !it.is_empty()) {
                std::thread::sleep(Duration::from_millis(1));
            }
            killed += 1;
        }
    }
    assert!(killed > 0);
}

/// For a runtime; by itself it says so.
fn told(runtime: usize, word: &str) -> Step {
    Step {
        warm: Some(WarmStep {
            runtime,
            words: vec![word.to_owned()],
        }),
        ..sh(&format!("echo cold; {word}"))
    }
}

async fn ran(cell: &mut Box<dyn Cell>, step: Step) -> String {
    let Ran { end, stdout, .. } = run_in(cell, step).await;
    assert_eq!(end.cause, Cause::Exited { code: 0 });
    String::from_utf8(stdout).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_has_its_runtime() {
    let engine = engine("").await;
    let mut cell = cell(&engine).await;
    assert_eq!(
        ran(&mut cell, told(0, "echo $NUMBER > x; echo $NUMBER")).await,
        "0\n"
    );
    let step = told(1, &format!("echo $NUMBER; cat x; {ALONE}"));
    assert_eq!(ran(&mut cell, step).await, "1\n0\n1\n");
    assert_eq!(ran(&mut cell, told(1, "echo $NUMBER")).await, "cold\n\n");
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_step_can_be_left_out() {
    let engine = engine("").await;
    let mut cell = cell(&engine).await;
    assert_eq!(
        ran(&mut cell, told(1, &format!("echo $NUMBER; {ALONE}"))).await,
        "1\n1\n"
    );
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_is_for_none_has_no_company() {
    let engine = engine("").await;
    for terminal in [false, true] {
        let mut cell = cell(&engine).await;
        let size = WindowSize {
            columns: 80,
            rows: 24,
        };
        let mut step = if terminal { told(0, ALONE) } else { sh(ALONE) };
        step.terminal = terminal.then_some(Terminal { size });
        let text = ran(&mut cell, step).await.replace("cold\r\n", "");
        assert_eq!(text.trim(), "1", "on a terminal: {terminal}");
        cell.destroy().await.expect("a clean end");
    }
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_first_step_left_is_gone_and_the_second_runtime_is_not() {
    let engine = engine("").await;
    let mut cell = cell(&engine).await;
    let leave = "for i in 1 2 3 4 5; do setsid sh -c 'trap \"\" TERM HUP; sleep 1000 & sleep 1000' & done; echo left";
    assert_eq!(ran(&mut cell, told(0, leave)).await, "left\n");
    assert_eq!(
        ran(&mut cell, told(1, &format!("echo $NUMBER; {ALONE}"))).await,
        "1\n1\n"
    );
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_runtime_that_is_killed_is_done_without() {
    let engine = engine("killed").await;
    let mut cell = cell(&engine).await;
    assert_eq!(ran(&mut cell, told(0, "echo $NUMBER")).await, "0\n");
    kill_second("killed");
    let second = ran(&mut cell, told(1, ALONE)).await;
    assert_eq!(second, "cold\n1\n");
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_never_stops_forking_ends_with_everything() {
    let engine = engine("").await;
    let mut cell = cell(&engine).await;
    // Soon the shell itself could fork no more.
    let bomb = "bomb() { while :; do bomb & done; }; bomb & \
                i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo over";
    assert_eq!(ran(&mut cell, told(0, bomb)).await, "over\n");
    let second = ran(&mut cell, told(1, ALONE)).await;
    assert_eq!(second.trim_start_matches("cold\n"), "1\n");
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

/// How many processes of an engine's runtimes there are.
fn count(mark: &str) -> usize {
    let mark = format!("MARK={mark}");
    let has_it = |entry: &std::fs::DirEntry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        let mut variables = environment.split(|&byte| byte == 0);
        variables.any(|it| it == mark.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    entries.filter(has_it).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_that_nobody_wants_any_more_are_removed() {
    let mark = format!("surplus-{}", std::process::id());
    let engine = engine_with(&mark, (0, 3)).await;
    let spec = || CellSpec {
        disk_bytes: DISK,
        warm: Some("shells".into()),
    };
    // Wanted at once, so that as many wait from then on.
    let wanted = (0..3).map(|_| engine.cell(spec()));
    for cell in futures_util::future::join_all(wanted).await {
        cell.expect("a cell").destroy().await.expect("a clean end");
    }
    while parked(&engine) < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (most, processes) = (parked(&engine), count(&mark));
    assert!(processes >= 2 * most, "{processes} of {most} cells");
    // Within minutes all of them are too many.
    while parked(&engine) >= most || count(&mark) >= processes {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    engine.close().await;
    assert_eq!(count(&mark), 0);
}
