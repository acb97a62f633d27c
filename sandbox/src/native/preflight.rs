//! The proof, at every start, that a cell holds what it promises.

use std::collections::HashMap;
use std::time::Duration;

use super::NativeEngine;
use super::body::Body;
use crate::{Cause, CellSpec, Engine, Error, Step, StepLimits};

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

/// Makes a cell, runs the probe in it and checks what it saw.
pub(super) async fn check(engine: &NativeEngine) -> Result<(), Error> {
    let mut body = Body::make(std::sync::Arc::clone(&engine.shared), DISK_BYTES).await?;
    namespaces(body.parts().init)?;
    body.destroy().await?;
    let mut cell = engine
        .cell(CellSpec {
            disk_bytes: DISK_BYTES,
        })
        .await?;
    let step = Step {
        argv: ["/bin/sh", "-c", PROBE].map(str::to_owned).into(),
        env: Vec::new(),
        limits: StepLimits {
            wall: Duration::from_secs(30),
            cpu: Duration::from_secs(10),
            memory_bytes: 64 << 20,
            processes: 8,
            file_bytes: 1 << 20,
        },
        terminal: None,
    };
    let mut process = cell.start(step).await?;
    let mut seen = Vec::new();
    while let Some(output) = process.output.recv().await {
        seen.extend_from_slice(&output.bytes);
    }
    let end = process
        .end
        .await
        .map_err(|_| missing("supervision", "the probe's end was lost"))??;
    cell.destroy().await?;
    if end.cause != (Cause::Exited { code: 0 }) {
        return Err(missing(
            "running a program",
            &format!("the probe ended with {:?}", end.cause),
        ));
    }
    judge(&String::from_utf8_lossy(&seen))
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
