//! What only the Docker engine promises: the daemon's side of it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use runlog_sandbox::docker::{DockerConfig, DockerEngine, Runtime};
use runlog_sandbox::{Cause, CellSpec, Engine};

use super::conformance::{self, DISK, Tested, finish, limited, read_until, run, run_in, sh, step};
use super::proxy::Proxy;
use super::{Daemon, daemon};

/// Waits for something that happens by itself.
async fn eventually<F: Future<Output = bool>>(what: &str, mut happened: impl FnMut() -> F) {
    let began = Instant::now();
    while !happened().await {
        assert!(began.elapsed() < Duration::from_secs(30), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Everything of one daemon, in this order: the daemon takes long to be ready.
#[tokio::test(flavor = "multi_thread")]
async fn the_machine_is_safe_from_containers() {
    let Some(mut daemon) = Daemon::start().await else {
        return;
    };
    every_setting_is_as_it_should_be(&daemon).await;
    nothing_fills_the_machines_disk(&daemon).await;
    old_versions_are_warned_of(&daemon).await;
    no_dangerous_endpoint_is_asked(&daemon).await;
    a_killed_workers_containers_are_removed(&daemon).await;
    a_daemon_that_dies_is_an_error_in_words(&mut daemon).await;
    daemon.stop().await;
}

/// T-J01. A change of this must be looked at by somebody.
async fn every_setting_is_as_it_should_be(daemon: &Daemon) {
    let engine = daemon.engine(daemon.config(Runtime::Runc)).await;
    let cell = conformance::cell(&(Arc::clone(&engine) as Tested)).await;
    let ids = daemon.containers().await;
    let inspected = daemon.inspect(&ids[0]).await;
    let host = &inspected["HostConfig"];
    let settings = [
        "AutoRemove",
        "CapAdd",
        "CapDrop",
        "CgroupnsMode",
        "Devices",
        "DeviceRequests",
        "IpcMode",
        "LogConfig",
        "Memory",
        "MemorySwap",
        "NetworkMode",
        "OomScoreAdj",
        "PidMode",
        "PidsLimit",
        "Privileged",
        "ReadonlyPaths",
        "ReadonlyRootfs",
        "RestartPolicy",
        "Runtime",
        "UTSMode",
        "UsernsMode",
        "VolumesFrom",
    ];
    let found: serde_json::Map<_, _> = settings
        .iter()
        .map(|&name| (name.to_owned(), host[name].clone()))
        .collect();
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden.json")).expect("JSON");
    assert_eq!(serde_json::Value::from(found), golden);
    let user = inspected["Config"]["User"].as_str().expect("a user");
    let uid: u32 = user
        .split(':')
        .next()
        .and_then(|it| it.parse().ok())
        .expect("a number");
    assert!(uid >= 1 << 28, "{user}");
    let options = host["SecurityOpt"].as_array().expect("options");
    assert_eq!(options[0], "no-new-privileges:true");
    let profile = options[1]
        .as_str()
        .and_then(|it| it.strip_prefix("seccomp="));
    let profile: serde_json::Value =
        serde_json::from_str(profile.expect("a profile")).expect("JSON");
    assert_eq!(profile["defaultAction"], "SCMP_ACT_ERRNO");
    assert!(profile["syscalls"].as_array().expect("rules").len() > 200);
    let binds = host["Binds"].as_array().expect("binds");
    assert!(
        binds
            .iter()
            .all(|it| it.as_str().is_some_and(|it| it.ends_with(":ro"))),
        "{binds:?}"
    );
    let masked = host["MaskedPaths"].as_array().expect("paths");
    assert!(masked.contains(&"/sys".into()) && masked.contains(&"/proc/kcore".into()));
    for place in ["/box", "/tmp"] {
        let options = host["Tmpfs"][place].as_str().expect("a disk");
        assert!(options.contains("nosuid,nodev,size="), "{options}");
    }
    cell.destroy().await.expect("a clean end");
    engine.close().await;
    assert_eq!(daemon.containers().await, Vec::<String>::new());
}

/// T-J03 and T-J04: neither by output nor by files.
async fn nothing_fills_the_machines_disk(daemon: &Daemon) {
    let engine = daemon.engine(daemon.config(Runtime::Runc)).await;
    let tested = Arc::clone(&engine) as Tested;
    let mut cell = conformance::cell(&tested).await;
    let flood = "head -c 20000000 /dev/zero; for f in / /usr /etc /var /run /opt; do \
        (: > $f/x) 2>&1 | grep -c 'Read-only' >&2; done";
    let ran = run_in(&mut cell, sh(flood)).await;
    assert_eq!(ran.stdout.len(), 20_000_000);
    assert_eq!(ran.stderr, b"1\n".repeat(6));
    let data = daemon
        .docker
        .socket()
        .with_file_name("data")
        .join("containers");
    let logs = Command::new("find")
        .arg(&data)
        .args(["-name", "*.log"])
        .output();
    assert_eq!(String::from_utf8_lossy(&logs.expect("find").stdout), "");
    cell.destroy().await.expect("a clean end");
    engine.close().await;
}

/// T-J10, with what this machine's Debian has.
async fn old_versions_are_warned_of(daemon: &Daemon) {
    let config = DockerConfig {
        packages: vec!["no-such-package".to_owned()],
        ..daemon.config(Runtime::Runc)
    };
    let engine = daemon.engine(config).await;
    let warnings = engine.warnings();
    let stale = warnings.iter().filter(|it| it.contains("no-such-package"));
    assert_eq!(stale.count(), 1, "{warnings:?}");
    engine.close().await;
    let nothing = DockerConfig {
        image: "no-such-image".to_owned(),
        ..daemon.config(Runtime::Runc)
    };
    let error = DockerEngine::start(nothing).await.expect_err("no image");
    let source = std::error::Error::source(&error)
        .expect("a source")
        .to_string();
    assert!(
        source.contains("no-such-image") && source.contains("make images"),
        "{source}"
    );
}

/// T-J09 and T-J07: every request of whole lives of cells passes by a recorder. A container whose
/// processes ignore every signal is gone as quickly.
async fn no_dangerous_endpoint_is_asked(daemon: &Daemon) {
    let proxy = Proxy::start(&daemon.docker.socket()).await;
    let config = DockerConfig {
        socket: proxy.socket(),
        ..daemon.config(Runtime::Runc)
    };
    let engine = daemon.engine(config).await;
    let tested = Arc::clone(&engine) as Tested;
    conformance::collect::what_came_out_can_be_put_into_another_cell(Arc::clone(&tested)).await;
    let stubborn = "trap '' TERM INT HUP QUIT; (setsid sh -c 'trap \"\" TERM; sleep 1000' &); \
        echo up; while :; do sleep 1000; done";
    let mut cell = conformance::cell(&tested).await;
    let mut process = cell.start(sh(stubborn)).await.expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    let began = Instant::now();
    cell.destroy().await.expect("a clean end");
    assert!(
        began.elapsed() < Duration::from_secs(3),
        "{:?}",
        began.elapsed()
    );
    let killed = limited(sh("sleep 1000"), |limits| {
        limits.wall = Duration::from_millis(100)
    });
    assert_eq!(run(&tested, killed).await.end.cause, Cause::WallLimit);
    engine.close().await;
    let asked = proxy.asked();
    let known = [
        "GET /version",
        "GET /info",
        "GET /images/*/json",
        "GET /containers/json",
        "POST /containers/create",
        "POST /containers/*/attach",
        "POST /containers/*/start",
        "GET /containers/*/json",
        "DELETE /containers/*",
    ];
    let known: BTreeSet<_> = known.iter().map(|&it| it.to_owned()).collect();
    assert_eq!(asked, known);
}

/// T-J12: fifty containers of a worker that is killed; another one removes them.
async fn a_killed_workers_containers_are_removed(daemon: &Daemon) {
    let mut worker = Command::new(std::env::current_exe().expect("a path"))
        .args([
            "--exact",
            "machine::worker_to_be_killed",
            "--ignored",
            "--nocapture",
        ])
        .env("RUNLOG_TEST_DOCKER_SOCKET", daemon.docker.socket())
        .stdout(Stdio::null())
        .spawn()
        .expect("a worker");
    let began = Instant::now();
    while daemon.running().await < CONTAINERS {
        assert!(
            began.elapsed() < Duration::from_secs(240),
            "not all were made"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    worker.kill().expect("it is there");
    worker.wait().expect("it ends");
    let config = daemon.config(Runtime::Runc);
    let began = Instant::now();
    let engine = daemon
        .engine(DockerConfig {
            parked_cells: 0,
            ..config
        })
        .await;
    assert_eq!(daemon.containers().await, Vec::<String>::new());
    eprintln!(
        "the orphans were gone after {:.1} s",
        began.elapsed().as_secs_f64()
    );
    engine.close().await;
}

const CONTAINERS: usize = 50;

/// Not a test: the worker that is killed above.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "is started by another test"]
#[expect(clippy::disallowed_methods, reason = "told by the test that starts it")]
async fn worker_to_be_killed() {
    let Some(socket) = std::env::var_os("RUNLOG_TEST_DOCKER_SOCKET") else {
        return;
    };
    let config = DockerConfig {
        parked_cells: 0,
        ..daemon::config(Path::new(&socket), Runtime::Runc)
    };
    let engine = DockerEngine::start(config).await.expect("an engine");
    let cells = (0..CONTAINERS).map(|_| engine.cell(spec()));
    let cells = futures_util::future::join_all(cells).await;
    let mut processes = Vec::new();
    for cell in cells {
        let mut cell = cell.expect("a cell");
        processes.push((cell.start(sh("sleep 1000")).await.expect("a start"), cell));
    }
    std::future::pending::<()>().await;
}

fn spec() -> CellSpec {
    CellSpec {
        disk_bytes: DISK,
        warm: None,
    }
}

/// The run ends in an error that says so, the engine lives on, and nothing is left behind.
async fn a_daemon_that_dies_is_an_error_in_words(daemon: &mut Daemon) {
    let engine = daemon.engine(daemon.config(Runtime::Runc)).await;
    let tested = Arc::clone(&engine) as Tested;
    let mut cell = conformance::cell(&tested).await;
    let mut process = cell
        .start(sh("echo up; sleep 1000"))
        .await
        .expect("a start");
    read_until(&mut process, &mut Vec::new(), "up").await;
    daemon.docker.kill().await.expect("it was there");
    let error = process
        .end
        .await
        .expect("an end")
        .expect_err("no end of the program's");
    assert!(error.to_string().contains("Docker"), "{error}");
    // It cannot be asked to remove it, but everything in the container is dead.
    assert!(cell.destroy().await.is_err());
    // One that was parked is of no use either, and says so.
    if let Ok(mut parked) = tested.cell(spec()).await {
        assert!(parked.start(sh("exit 8")).await.is_err());
    }
    daemon.docker.restart().await.expect("a restart");
    let began = Instant::now();
    let ran = loop {
        let mut cell = match tested.cell(spec()).await {
            Ok(cell) => cell,
            Err(error) => {
                assert!(began.elapsed() < Duration::from_secs(60), "{error}");
                continue;
            }
        };
        match cell.start(step(&["/bin/sh", "-c", "exit 8"])).await {
            Ok(process) => break finish(process).await,
            Err(error) => assert!(began.elapsed() < Duration::from_secs(60), "{error}"),
        }
    };
    assert_eq!(ran.end.cause, Cause::Exited { code: 8 });
    engine.close().await;
    let daemon = &*daemon;
    eventually("all containers are gone", || async {
        daemon.containers().await.is_empty()
    })
    .await;
}
