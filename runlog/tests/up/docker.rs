//! A whole Runlog whose sandboxes are containers of a Docker daemon.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::Stdio;

use runlog_local::{Docker, Error, Tools};

use crate::bed::{Up, command, text, up_with};

const IMAGE: &str = "runlog-test";

/// A daemon with an image; `None`, said loudly, where that is impossible.
async fn daemon() -> Option<Docker> {
    let started = async {
        let tools = Tools::default();
        let docker = Docker::start(&tools).await?;
        docker.import(&tools.docker_image()?, IMAGE).await?;
        Ok::<_, Error>(docker)
    };
    match started.await {
        Ok(docker) => Some(docker),
        Err(error) => {
            // Not `println!`, which the test runner would keep to itself.
            let words = format!("\n*** SKIPPED: no Docker daemon can run here: {error} ***\n");
            std::io::stderr().write_all(words.as_bytes()).unwrap();
            None
        }
    }
}

fn hello(up: &Up) {
    up.program("hello.py", "print('Hello, world')\n");
    assert_eq!(up.answer(&["run", "--quiet", "hello.py"]), "Hello, world\n");
}

/// What `runlog worker --check` says with a daemon and without.
fn checks(options: &[&str]) {
    let check = |options: &[&str]| {
        let mut check = command();
        check.args(["worker", "--check"]).args(options);
        check.output().unwrap()
    };
    let checked = check(options);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let words = text(&checked.stdout);
    assert!(words.ends_with("a worker serves here.\n"), "{words}");
    let refused = check(&["--engine", "docker", "--docker-socket", "/none/docker.sock"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused.stderr).contains("programs cannot be run in containers here"),
        "{}",
        text(&refused.stderr)
    );
}

#[tokio::test]
async fn programs_run_in_containers_and_a_daemon_may_die() {
    let Some(mut docker) = daemon().await else {
        return;
    };
    let socket = docker.socket();
    let socket = socket.to_str().unwrap();
    let options = [
        "--engine",
        "docker",
        "--docker-socket",
        socket,
        "--docker-image",
        IMAGE,
    ];

    checks(&options);
    let Some(up) = up_with(&options) else { return };
    hello(&up);
    up.program(
        "where.py",
        "print(open('/proc/1/cgroup').read().count('docker') >= 0, __file__)\n",
    );
    assert_eq!(
        up.answer(&["run", "--quiet", "where.py"]),
        "True /box/where.py\n"
    );
    let measured = up.answer(&["history", "--json"]);
    assert!(measured.contains("docker"), "{measured}");

    up.program(
        "slow.py",
        "import time\nprint('up', flush=True)\ntime.sleep(4)\nprint('done')\n",
    );
    let mut run = up.command(&["run", "slow.py"]);
    let mut run = run
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdout = BufReader::new(run.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert_eq!(first, "up\n");
    docker.kill().await.unwrap();
    docker.restart().await.unwrap();
    let (mut rest, mut told) = (String::new(), String::new());
    stdout.read_to_string(&mut rest).unwrap();
    run.stderr
        .take()
        .unwrap()
        .read_to_string(&mut told)
        .unwrap();
    let code = run.wait().unwrap().code();
    // Its program may have ended before anybody missed the daemon, or a later attempt of it has; else
    // the cause is told.
    let ended = code == Some(0) && rest.ends_with("done\n");
    assert!(
        ended || told.to_lowercase().contains("docker"),
        "{code:?} {rest} {told}"
    );
    hello(&up);
    drop(up);
    docker.stop().await.unwrap();
}
