//! The proof, at every start, that a cell holds what it promises.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::NativeEngine;
use super::cell::NativeCell;
use super::flavour::Flavour;
use crate::{Cause, Cell, Error, OutputStream, Step, StepLimits};

/// Disk of the cell that is tried.
const DISK_BYTES: u64 = 8 << 20;

/// Shell built-ins only: this is a shell without any other program.
const PROBE: &str = r#"
while read -r line; do echo "status $line"; done < /proc/self/status
for entry in /proc/[0-9]*; do echo "pid ${entry#/proc/}"; done
echo "self $$"
while read -r line; do echo "uid_map $line"; done < /proc/self/uid_map
while read -r line; do echo "interface $line"; done < /proc/net/dev
for place in / /etc /usr /dev /proc/sys/kernel /opt; do
  if (: > "$place/runlog-probe") 2>/dev/null; then echo "writable $place"; fi
done
if (: > /proc/self/comm) 2>/dev/null; then echo "writable /proc"; fi
if (: > /box/probe) 2>/dev/null; then echo "writable /box"; fi
"#;

/// Asks for more and more memory.
const GROW: &str = "grown=x; while :; do grown=$grown$grown; done";

/// Starts more processes than the limit allows; a shell that cannot does not go on.
const CROWD: &str = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do while :; do :; done & done; echo all";

const LIMITS: StepLimits = StepLimits {
    wall: Duration::from_secs(30),
    cpu: Duration::from_secs(10),
    memory_bytes: 32 << 20,
    processes: 8,
    file_bytes: 1 << 20,
};

/// Makes a cell, runs the probes in it and checks what they saw.
pub(super) async fn check(engine: &NativeEngine) -> Result<(), Error> {
    let shared = &engine.shared;
    let mut body = Flavour::make(shared, shared.plain(), DISK_BYTES).await?;
    namespaces(body.parts().init)?;
    let mut cell = NativeCell::new(body, Arc::clone(shared), false);
    let (cause, seen) = run(&mut cell, PROBE).await?;
    if cause != (Cause::Exited { code: 0 }) {
        return Err(missing(
            "running a program",
            &format!("the probe ended with {cause:?}"),
        ));
    }
    judge(&seen)?;
    let (cause, _) = run(&mut cell, GROW).await?;
    if cause != Cause::MemoryLimit {
        return Err(missing(
            "memory limit",
            &format!("growing ended with {cause:?}"),
        ));
    }
    let (_, seen) = run(&mut cell, CROWD).await?;
    if !seen.is_empty() {
        return Err(missing("process limit", "more processes than the limit"));
    }
    Box::new(cell).destroy().await
}

/// Runs a shell program; gives how it ended and what it printed.
async fn run(cell: &mut NativeCell, program: &str) -> Result<(Cause, String), Error> {
    let argv = ["/bin/sh", "-c", program].map(str::to_owned).into();
    let step = Step {
        argv,
        env: Vec::new(),
        limits: LIMITS,
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
    let end = end.map_err(|_| missing("supervision", "the probe's end was lost"))??;
    Ok((end.cause, String::from_utf8_lossy(&seen).into_owned()))
}

fn missing(layer: &str, found: &str) -> Error {
    Error::System {
        doing: format!("proving the layer \"{layer}\" in a first cell"),
        source: std::io::Error::other(found.to_owned()),
    }
}

/// The cell's init must be in other namespaces than we are.
fn namespaces(init: i32) -> Result<(), Error> {
    for name in ["user", "pid", "mnt", "net", "ipc", "uts", "cgroup"] {
        let read = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/{name}"));
        // The kernel shows the pid namespace that a process is in under this name.
        let (ours, theirs) = (read("self"), read(&init.to_string()));
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) if ours != theirs => {}
            (_, theirs) => {
                return Err(missing(
                    &format!("{name} namespace"),
                    &format!("{theirs:?}"),
                ));
            }
        }
    }
    Ok(())
}

fn judge(seen: &str) -> Result<(), Error> {
    let mut facts: HashMap<&str, Vec<&str>> = HashMap::new();
    for (name, value) in seen.lines().filter_map(|line| line.split_once(' ')) {
        facts.entry(name).or_default().push(value);
    }
    let all = |name: &str| facts.get(name).map_or(&[][..], Vec::as_slice);
    let status = |name: &str| {
        let found = all("status")
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found
            .unwrap_or_default()
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    let expect = |layer: &str, found: String, expected: &str| {
        if found == expected {
            Ok(())
        } else {
            Err(missing(layer, &format!("{found:?} and not {expected:?}")))
        }
    };
    expect("own uid", status("Uid"), "1000 1000 1000 1000")?;
    expect("own gid", status("Gid"), "1000 1000 1000 1000")?;
    expect("no further groups", status("Groups"), "")?;
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        expect("no capabilities", status(set), "0000000000000000")?;
    }
    expect("no new privileges", status("NoNewPrivs"), "1")?;
    expect("system call filter", status("Seccomp"), "2")?;
    let mapped: Vec<_> = all("uid_map")
        .iter()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    expect("uid mapping", mapped.join(" "), "0 1000")?;
    expect(
        "pid namespace",
        all("pid").join(" "),
        &all("self").join(" "),
    )?;
    // The first two lines are headings.
    let interfaces: Vec<_> = all("interface")
        .iter()
        .skip(2)
        .filter_map(|line| line.split(':').next())
        .collect();
    expect("no network", interfaces.join(" "), "lo")?;
    expect("read-only root", all("writable").join(" "), "/box")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "status Uid:\t1000\t1000\t1000\t1000\nstatus Gid: 1000 1000 1000 1000\n\
        status Groups:\t \nstatus CapInh: 0000000000000000\nstatus CapPrm: 0000000000000000\n\
        status CapEff: 0000000000000000\nstatus CapBnd: 0000000000000000\n\
        status CapAmb: 0000000000000000\nstatus NoNewPrivs: 1\nstatus Seccomp: 2\npid 2\nself 2\n\
        uid_map 0 5 1\nuid_map 1000 6 1\ninterface Inter-|\ninterface face |\n\
        interface lo: 0 0\nwritable /box\n";

    #[test]
    fn a_good_cell_passes() {
        judge(GOOD).unwrap();
    }

    #[test]
    fn every_missing_layer_is_named() {
        for (from, to, layer) in [
            ("Uid:\t1000", "Uid:\t0", "own uid"),
            (
                "CapBnd: 0000000000000000",
                "CapBnd: 00000000a80425fb",
                "no capabilities",
            ),
            ("NoNewPrivs: 1", "NoNewPrivs: 0", "no new privileges"),
            ("Seccomp: 2", "Seccomp: 0", "system call filter"),
            ("pid 2\n", "pid 1\npid 2\n", "pid namespace"),
            (
                "uid_map 0 5 1\nuid_map 1000 6 1",
                "uid_map 0 0 4294967295",
                "uid mapping",
            ),
            (
                "interface lo: 0 0",
                "interface lo: 0 0\ninterface eth0: 0",
                "no network",
            ),
            (
                "writable /box",
                "writable /etc\nwritable /box",
                "read-only root",
            ),
        ] {
            let error = judge(&GOOD.replace(from, to)).unwrap_err();
            assert!(error.to_string().contains(layer), "{error}");
        }
    }
}
