//! What goes wrong on a machine costs no run, and leaves nothing behind.

use std::process::Command;
use std::time::Duration;

use runlog_schemas::{Catalog, Outcome, OutputStream};

use crate::corpus::machine;
use crate::support::{self, Machine, Site, submission};

const PYTHON: &str = "/usr/bin/python3";

/// Kills what cells are forked from; gives how many those were.
fn kill_zygotes() -> usize {
    let zygotes = machine::children(PYTHON);
    let pids = zygotes.iter().map(u32::to_string);
    let killed = Command::new("kill").arg("-9").args(pids).status();
    assert!(killed.unwrap().success());
    zygotes.len()
}

fn has_parked(machine: &Machine) -> bool {
    let kinds = machine.engine.parked();
    kinds.iter().any(|it| it.warm.is_some() && it.cells > 0)
}

async fn until(mut is_so: impl FnMut() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Ends it, and waits until what its engine started is gone.
async fn until_only_these_are_left(site: Site) {
    site.stop().await;
    until(|| machine::children(PYTHON).is_empty() && machine::children("cell-spawner").is_empty())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interpreter_that_is_killed_costs_no_run() {
    let machine = Machine::start(&["python"]).await;
    until(|| has_parked(&machine) && machine::children(PYTHON).len() >= 3).await;
    let site = Site::on(machine).await;
    let program = "import time\nprint('up', flush=True)\ntime.sleep(1)\nprint('done')\n";
    let running = site.submit(&submission("python", "main.py", program)).await;
    site.until(running, "up").await;
    // While one runs and others wait.
    assert!(kill_zygotes() > 0);
    let after: Vec<_> = (0..4)
        .map(|nth| submission("python", "main.py", &format!("print({nth})")))
        .collect();
    let mut ids = Vec::new();
    for one in &after {
        ids.push(site.submit(one).await);
    }
    let ended = site.end(running).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    assert!(ended.text(OutputStream::Stdout).ends_with("up\ndone\n"));
    for (nth, id) in ids.into_iter().enumerate() {
        let ended = site.end(id).await;
        assert_eq!(ended.outcome, Outcome::Exited { code: 0 }, "{ended:?}");
        assert_eq!(ended.text(OutputStream::Stdout), format!("{nth}\n"));
    }
    until_only_these_are_left(site).await;
}

/// An interpreter that does not start as it should is none to fork from: programs start their own.
#[tokio::test(flavor = "multi_thread")]
async fn without_anything_to_fork_from_programs_run_all_the_same() {
    let text = support::definition_text("python");
    let (whole, broken) = (
        "def serve():\n",
        "raise SystemExit('broken')\ndef serve():\n",
    );
    assert!(text.contains(whole));
    let text = text.replacen(whole, broken, 1);
    let languages = Catalog::from_toml([("python", text.as_str())]).unwrap();
    let machine = Machine::with(languages, &support::tools()).await;
    let site = Site::on(machine).await;
    for nth in 0..3 {
        let program = format!("print('/box/warm' in open('/proc/self/environ').read(), {nth})");
        let id = site
            .submit(&submission("python", "main.py", &program))
            .await;
        let ended = site.end(id).await;
        assert_eq!(ended.outcome, Outcome::Exited { code: 0 }, "{ended:?}");
        assert_eq!(ended.text(OutputStream::Stdout), format!("False {nth}\n"));
    }
    until_only_these_are_left(site).await;
}
