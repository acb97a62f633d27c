//! What only the native engine promises: the machine's side of it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::config;
use super::conformance::{self, DISK, Tested, finish, python, read_until, run, run_in, sh, step};
use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine, SpawnerCommand};
use runlog_sandbox::{Cause, CellSpec, Engine};

async fn start(config: NativeConfig) -> Arc<NativeEngine> {
    Arc::new(
        NativeEngine::start(config)
            .await
            .expect("every layer is there"),
    )
}

/// Waits for something that happens by itself.
async fn eventually(what: &str, mut happened: impl FnMut() -> bool) {
    let began = Instant::now();
    while !happened() {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All processes of the machine: number, parent, command line.
fn processes() -> Vec<(u32, u32, String)> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let of = |entry: std::fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(entry.path().join("stat")).ok()?;
        let parent = stat
            .rsplit_once(')')?
            .1
            .split_whitespace()
            .nth(1)?
            .parse()
            .ok()?;
        let command = std::fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, parent, String::from_utf8_lossy(&command).into_owned()))
    };
    entries.filter_map(of).collect()
}

/// The spawners that a process started.
fn spawners(parent: u32) -> Vec<u32> {
    let all = processes().into_iter();
    all.filter(|(_, of, command)| *of == parent && command.contains("cell-spawner"))
        .map(|(pid, ..)| pid)
        .collect()
}

/// The spawner of the cell in which a process has this in its command line. Other tests of this
/// program have spawners, too.
fn spawner_of(mark: &str) -> u32 {
    let all = processes();
    let find = |wanted: u32| all.iter().find(|(pid, ..)| *pid == wanted);
    let marked = all.iter().find(|(.., command)| command.contains(mark));
    let mut found = marked.expect("a process with that mark");
    while found.1 != std::process::id() {
        found = find(found.1).expect("a parent");
    }
    found.0
}

/// The control groups of a process's engines, in every hierarchy.
fn groups(pid: u32) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::new();
    let mut look = vec![PathBuf::from("/sys/fs/cgroup")];
    while let Some(folder) = look.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry
                .file_name()
                .to_string_lossy()
                .starts_with(&format!("runlog-{pid}-"))
            {
                found.insert(path);
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                look.push(path);
            }
        }
    }
    found
}

/// The namespaces that any process of the machine is in.
fn namespaces() -> BTreeSet<PathBuf> {
    let all = processes().into_iter();
    all.flat_map(|(pid, ..)| {
        ["mnt", "net", "pid", "user", "ipc", "uts"]
            .map(|name| std::fs::read_link(format!("/proc/{pid}/ns/{name}")))
    })
    .flatten()
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_cells_are_used_once_and_replaced() {
    let engine = start(NativeConfig {
        parked_cells: 3,
        ..config()
    })
    .await;
    eventually("three cells are parked", || engine.parked_cells() == 3).await;
    let tested: Tested = Arc::clone(&engine) as Tested;
    let mut cell = conformance::cell(&tested).await;
    assert!(cell.was_parked());
    let seen = run_in(&mut cell, sh("echo x > /tmp/x")).await;
    assert_eq!(seen.end.cause, Cause::Exited { code: 0 });
    cell.destroy().await.expect("a clean end");
    eventually("it was replaced", || engine.parked_cells() == 3).await;
    for _ in 0..10 {
        assert_eq!(run(&tested, sh("ls /tmp")).await.text(), "");
    }
    engine.close().await;
    assert!(
        engine
            .cell(CellSpec {
                disk_bytes: DISK,
                warm: None
            })
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_parked_cells_each_is_made_when_asked_for() {
    let engine = start(NativeConfig {
        parked_cells: 0,
        ..config()
    })
    .await;
    let tested: Tested = Arc::clone(&engine) as Tested;
    let mut cell = conformance::cell(&tested).await;
    assert!(!cell.was_parked());
    assert_eq!(
        run_in(&mut cell, sh("exit 5")).await.end.cause,
        Cause::Exited { code: 5 }
    );
    drop(cell);
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_engine_leaves_nothing_on_the_machine() {
    let own = std::process::id();
    let before = namespaces();
    let engine = start(config()).await;
    let tested: Tested = Arc::clone(&engine) as Tested;
    let runs = (0..20).map(|_| run(&tested, sh("sleep 1000 & echo hi")));
    futures_util::future::join_all(runs).await;
    // One cell is in the middle of a step when it is let go.
    let mut cell = conformance::cell(&tested).await;
    let mut process = cell
        .start(sh("echo up; sleep 1000"))
        .await
        .expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    assert!(!groups(own).is_empty() && !spawners(own).is_empty());
    drop((cell, process));
    engine.close().await;
    assert_eq!(groups(own), BTreeSet::new());
    assert_eq!(spawners(own), Vec::<u32>::new());
    let left: Vec<_> = namespaces().difference(&before).cloned().collect();
    let ours = |namespace: &PathBuf| {
        processes().iter().any(|(pid, parent, _)| {
            *parent == own
                && std::fs::read_link(format!("/proc/{pid}/ns/mnt"))
                    .ok()
                    .as_ref()
                    == Some(namespace)
        })
    };
    assert!(!left.iter().any(ours), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_spawner_that_dies_is_replaced_and_its_cells_die_with_it() {
    let engine = start(NativeConfig {
        parked_cells: 2,
        ..config()
    })
    .await;
    let tested: Tested = Arc::clone(&engine) as Tested;
    eventually("cells are parked", || engine.parked_cells() == 2).await;
    let mut cell = conformance::cell(&tested).await;
    let mut process = cell
        .start(sh("echo up; sleep 1000; echo of-a-spawner-that-dies"))
        .await
        .expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    let spawner = spawner_of("of-a-spawner-that-dies");
    let killed = Command::new("kill")
        .args(["-9", &spawner.to_string()])
        .status();
    assert!(killed.expect("kill").success());
    // Our fault, and told as such.
    assert!(process.end.await.expect("an end").is_err());
    cell.destroy().await.expect("a clean end");
    // A parked cell may be found dying still; its user tries again, as with any fault of ours.
    let began = Instant::now();
    let ran = loop {
        let mut cell = conformance::cell(&tested).await;
        match cell.start(sh("exit 8")).await {
            Ok(process) => break finish(process).await,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(30), "{error}"),
        }
    };
    assert_eq!(ran.end.cause, Cause::Exited { code: 8 });
    assert!(!spawners(std::process::id()).contains(&spawner));
    engine.close().await;
}

/// Not a test: the worker that [`a_killed_worker_leaves_nothing`] kills.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by another test"]
async fn victim() {
    let engine: Tested = start(config()).await;
    let mut cell = conformance::cell(&engine).await;
    let mark = format!("runlog-victim-{}", std::process::id());
    let program =
        format!("(trap '' TERM HUP; sleep 1000; echo {mark}) & echo up; sleep 1000; echo {mark}");
    let mut process = cell.start(sh(&program)).await.expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    println!("ready");
    finish(process).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_leaves_nothing() {
    use std::io::{BufRead, BufReader};
    let this = std::env::current_exe().expect("a path");
    let mut worker = Command::new(this)
        .args(["--exact", "machine::victim", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("a worker");
    let output = BufReader::new(worker.stdout.take().expect("a pipe"));
    let ready = output
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains("ready"));
    assert!(ready, "the worker ended early");
    let mark = format!("runlog-victim-{}", worker.id());
    let spawner = spawners(worker.id());
    assert!(
        processes()
            .iter()
            .any(|(.., command)| command.contains(&mark))
    );
    worker.kill().expect("a kill");
    worker.wait().expect("a death");
    eventually("everything of the dead worker is gone", || {
        let all = processes();
        !all.iter()
            .any(|(pid, _, command)| command.contains(&mark) || spawner.contains(pid))
    })
    .await;
    // Its control groups are empty now; the next engine to start removes them.
    let engine = start(NativeConfig {
        parked_cells: 0,
        ..config()
    })
    .await;
    assert_eq!(groups(worker.id()), BTreeSet::new());
    engine.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn further_mounts_are_there_read_only_with_all_below() {
    let host = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(host.path().join("inner")).expect("a folder");
    std::fs::write(host.path().join("tool"), "content").expect("a file");
    let mounts = vec![
        Mount {
            host: host.path().into(),
            inside: "/opt/tools/deep".into(),
        },
        Mount {
            host: host.path().join("tool"),
            inside: "/etc/one-file".into(),
        },
    ];
    let engine: Tested = start(NativeConfig { mounts, ..config() }).await;
    let program = "cat /opt/tools/deep/tool /etc/one-file; \
        for place in /opt/tools/deep /opt/tools/deep/inner; do \
          (: > $place/new) 2>/dev/null && echo WRITABLE; done; ls /opt";
    assert_eq!(
        run(&engine, sh(program)).await.text(),
        "contentcontenttools\n"
    );
    engine.close().await;
    assert!(Path::new(host.path()).join("tool").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_layer_is_named() {
    let no_groups = tempfile::tempdir().expect("a folder");
    let mistaken = [
        (
            NativeConfig {
                cgroup_root: no_groups.path().into(),
                ..config()
            },
            "memory cgroup controller",
        ),
        (
            NativeConfig {
                spawner: SpawnerCommand {
                    program: "/no/such/program".into(),
                    args: Vec::new(),
                },
                ..config()
            },
            "/no/such/program",
        ),
        (
            NativeConfig {
                mounts: vec![Mount {
                    host: "/no/such/folder".into(),
                    inside: "/opt/x".into(),
                }],
                ..config()
            },
            "/no/such/folder",
        ),
    ];
    for (config, named) in mistaken {
        let error = NativeEngine::start(config).await.expect_err("an error");
        assert!(error.to_string().contains(named), "{error}");
    }
}

/// As a busy worker does it: many at once, each ends right.
#[tokio::test(flavor = "multi_thread")]
async fn many_runs_at_once_all_end_right() {
    let engine: Tested = start(NativeConfig {
        parked_cells: 4,
        ..config()
    })
    .await;
    let one = async |i: u32| {
        for round in 0..5 {
            let code = ((i + round) % 256) as i32;
            let ran = run(&engine, sh(&format!("echo {i}; exit {code}"))).await;
            assert_eq!(
                (ran.text(), ran.end.cause),
                (format!("{i}\n"), Cause::Exited { code })
            );
        }
    };
    futures_util::future::join_all((0..32).map(one)).await;
    let ran = run(&engine, python("print('end')")).await;
    assert_eq!(ran.text(), "end\n");
    let absent = conformance::cell(&engine)
        .await
        .start(step(&["/absent"]))
        .await;
    assert!(absent.is_err());
    engine.close().await;
}

/// Two programs want the same processor, whatever else the machine does.
#[tokio::test(flavor = "multi_thread")]
async fn who_gives_way_leaves_the_processor_to_others() {
    let engine: Tested = start(config()).await;
    let spin = || {
        let mut step = sh("taskset -p -c 0 $$ > /dev/null && while :; do :; done");
        step.limits.wall = Duration::from_secs(2);
        step.limits.cpu = Duration::from_secs(60);
        step
    };
    let mut modest = conformance::cell(&engine).await;
    modest.give_way().expect("the machine can do that");
    let mut other = conformance::cell(&engine).await;
    let (modest_ran, other_ran) =
        tokio::join!(run_in(&mut modest, spin()), run_in(&mut other, spin()));
    let used = |seen: &conformance::Ran| {
        assert_eq!(seen.end.cause, Cause::WallLimit, "{}", seen.text());
        seen.end.usage.cpu_user + seen.end.usage.cpu_system
    };
    let (modest_used, other_used) = (used(&modest_ran), used(&other_ran));
    println!("{modest_used:?} beside {other_used:?}");
    assert!(
        modest_used * 3 < other_used,
        "{modest_used:?} beside {other_used:?}"
    );
    for cell in [modest, other] {
        cell.destroy().await.expect("a clean end");
    }
    engine.close().await;
}
