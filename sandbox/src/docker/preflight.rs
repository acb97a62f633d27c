//! The proof, at every start, that a container holds what it promises.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::body::Body;
use super::cell::DockerCell;
use super::{DockerEngine, Runtime};
use crate::{Cause, Cell, Error, OutputStream, Step, StepLimits};

/// Disk of the container that is tried.
const DISK_BYTES: u64 = 8 << 20;

/// Shell built-ins only, so that nothing else need be in the image.
const PROBE: &str = r#"
while read -r line; do echo "status $line"; done < /proc/self/status
while read -r line; do echo "interface $line"; done < /proc/net/dev
for place in / /etc /usr /dev /dev/mqueue /proc/sys/kernel /run /var /opt; do
  if (: > "$place/runlog-probe") 2>/dev/null; then echo "writable $place"; fi
done
for place in /box /tmp /dev/shm; do
  if (: > "$place/probe") 2>/dev/null; then echo "disk $place"; fi
done
for entry in /sys/*; do if [ -e "$entry" ]; then echo "sys $entry"; fi; done
if (: < /proc/1/environ) 2>/dev/null; then echo "init readable"; fi
"#;

/// Asks for more and more memory.
const GROW: &str = "grown=x; while :; do grown=$grown$grown; done";

/// Starts more processes than the limit allows; a shell that cannot does not go on.
const CROWD: &str = "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do while :; do :; done & done; echo all";

const LIMITS: StepLimits = StepLimits {
    wall: Duration::from_secs(60),
    cpu: Duration::from_secs(20),
    memory_bytes: 32 << 20,
    processes: 8,
    file_bytes: 1 << 20,
};

/// Makes a container, runs the probes in it and checks what they saw.
pub(super) async fn check(engine: &DockerEngine) -> Result<(), Error> {
    let shared = &engine.shared;
    let body = Body::make(Arc::clone(shared), DISK_BYTES).await?;
    let mut cell = DockerCell::new(body, Arc::clone(shared), false);
    let (cause, seen) = run(&mut cell, PROBE).await?;
    if cause != (Cause::Exited { code: 0 }) {
        return Err(missing(
            "running a program",
            &format!("the probe ended with {cause:?}"),
        ));
    }
    judge(&seen, shared.config.runtime)?;
    let (cause, _) = run(&mut cell, CROWD).await?;
    let crowded = matches!(cause, Cause::Exited { code } if code != 0);
    if !crowded {
        let found = format!("more processes than the limit; it ended with {cause:?}");
        return Err(missing("process limit", &found));
    }
    let (cause, _) = run(&mut cell, GROW).await?;
    if cause != Cause::MemoryLimit {
        return Err(missing(
            "memory limit",
            &format!("growing ended with {cause:?}"),
        ));
    }
    Box::new(cell).destroy().await
}

/// Runs a shell program; gives how it ended and what it printed.
async fn run(cell: &mut DockerCell, program: &str) -> Result<(Cause, String), Error> {
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
        doing: format!("proving the layer \"{layer}\" in a first container"),
        source: std::io::Error::other(found.to_owned()),
    }
}

fn judge(seen: &str, runtime: Runtime) -> Result<(), Error> {
    let lines: Vec<_> = seen
        .lines()
        .filter_map(|line| line.split_once(' '))
        .collect();
    let all = |name: &str| -> Vec<&str> {
        let named = lines.iter().filter(|(found, _)| *found == name);
        named.map(|(_, value)| *value).collect()
    };
    let statuses = all("status");
    let status = |name: &str| -> Vec<&str> {
        let found = statuses
            .iter()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.unwrap_or_default().split_whitespace().collect()
    };
    let expect = |layer: &str, found: String, expected: &str| {
        if found == expected {
            Ok(())
        } else {
            Err(missing(layer, &format!("{found:?} and not {expected:?}")))
        }
    };
    for ids in ["Uid", "Gid"] {
        let different: BTreeSet<_> = status(ids).into_iter().collect();
        if different.len() != 1 || different.contains("0") {
            return Err(missing("own uid and gid", &format!("{ids} {different:?}")));
        }
    }
    for set in ["CapPrm", "CapEff", "CapBnd"] {
        expect("no capabilities", status(set).concat(), "0000000000000000")?;
    }
    expect("system call filter", status("Seccomp").concat(), "2")?;
    if runtime == Runtime::Runc {
        // gVisor's own `/proc` does not say.
        expect("no new privileges", status("NoNewPrivs").concat(), "1")?;
        expect("no machine in /sys", all("sys").join(" "), "")?;
    }
    // The first two lines are headings.
    let interfaces: Vec<_> = all("interface")
        .iter()
        .skip(2)
        .filter_map(|line| line.split(':').next())
        .collect();
    expect("no network", interfaces.join(" "), "lo")?;
    expect("read-only root", all("writable").join(" "), "")?;
    expect("own disk", all("disk").join(" "), "/box /tmp /dev/shm")?;
    expect("hidden init", all("init").join(" "), "")
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "status Uid:\t7\t7\t7\t7\nstatus Gid: 7 7 7 7\n\
        status CapPrm: 0000000000000000\nstatus CapEff: 0000000000000000\n\
        status CapBnd: 0000000000000000\nstatus NoNewPrivs: 1\nstatus Seccomp: 2\n\
        interface Inter-|\ninterface face |\ninterface lo: 0 0\n\
        disk /box\ndisk /tmp\ndisk /dev/shm\n";

    #[test]
    fn a_good_container_passes() {
        judge(GOOD, Runtime::Runc).unwrap();
        judge(GOOD, Runtime::Runsc).unwrap();
    }

    #[test]
    fn every_missing_layer_is_named() {
        for (from, to, layer) in [
            ("Uid:\t7\t7", "Uid:\t7\t0", "own uid"),
            ("Gid: 7 7 7 7", "Gid: 0 0 0 0", "own uid"),
            (
                "CapBnd: 0000000000000000",
                "CapBnd: 00000000a80425fb",
                "no capabilities",
            ),
            ("NoNewPrivs: 1", "NoNewPrivs: 0", "no new privileges"),
            ("Seccomp: 2", "Seccomp: 0", "system call filter"),
            (
                "interface lo: 0 0",
                "interface lo: 0 0\ninterface eth0: 0",
                "no network",
            ),
            ("disk /box", "writable /etc\ndisk /box", "read-only root"),
            ("disk /tmp\n", "", "own disk"),
            ("disk /box", "sys /sys/kernel\ndisk /box", "/sys"),
            ("disk /box", "init readable\ndisk /box", "hidden init"),
        ] {
            let error = judge(&GOOD.replace(from, to), Runtime::Runc).unwrap_err();
            assert!(error.to_string().contains(layer), "{error}");
        }
    }
}
