//! What a cell shows of itself, and what that says about its layers.

use std::collections::HashMap;

use super::super::layer::Layer;
#[cfg(target_arch = "x86_64")]
use super::program::Call;
use super::report::Report;

/// Shell built-ins only: this is a shell without any other program.
pub(super) const PROBE: &str = r#"
while read -r line; do echo "status $line"; done < /proc/self/status
for entry in /proc/[0-9]*; do echo "pid ${entry#/proc/}"; done
echo "self $$"
while read -r line; do echo "uid_map $line"; done < /proc/self/uid_map
while read -r line; do echo "cgroup $line"; done < /proc/self/cgroup
while read -r line; do echo "interface $line"; done < /proc/net/dev
read -r name < /proc/sys/kernel/hostname; echo "name $name"
for path in /etc/shadow /root /home /sys/fs/cgroup /sys/kernel/security /var/lib /var/log /dev/mem /dev/kmsg; do
  if [ -e "$path" ]; then echo "there $path"; fi
done
for place in / /etc /usr /dev /opt; do
  said=$( (: > "$place/runlog-probe") 2>&1 ) && echo "writable $place"
  case "$said" in *'Read-only file system'*) ;; *) echo "unlocked $place" ;; esac
done
(: > /proc/sys/kernel/runlog-probe) 2> /dev/null && echo "writable /proc/sys/kernel"
(: >> /etc/passwd) 2> /dev/null && echo "writable /etc/passwd"
(: > /proc/self/comm) 2> /dev/null && echo "proc /proc/self/comm is writable"
(read -r line < /proc/cmdline && [ -n "$line" ]) 2> /dev/null && echo "proc /proc/cmdline is readable"
if (: > /box/probe) 2> /dev/null; then echo "writable /box"; fi
:
"#;

/// The cell's init must be in other namespaces than we are.
pub(super) fn namespaces(init: i32, report: &mut Report) {
    for (name, layer) in [
        ("user", Layer::UserNamespace),
        ("pid", Layer::PidNamespace),
        ("mnt", Layer::MountNamespace),
        ("net", Layer::NetworkNamespace),
        ("ipc", Layer::IpcNamespace),
        ("uts", Layer::UtsNamespace),
        ("cgroup", Layer::CgroupNamespace),
    ] {
        let read = |process: &str| std::fs::read_link(format!("/proc/{process}/ns/{name}"));
        let found = match (read("self"), read(&init.to_string())) {
            (Ok(ours), Ok(theirs)) if ours != theirs => Ok(()),
            (Ok(_), Ok(_)) => Err("it is the worker's own".to_owned()),
            (Err(error), _) | (_, Err(error)) => Err(format!("it cannot be looked at: {error}")),
        };
        report.expect(layer, found);
    }
}

/// System calls and what they must answer, by layer. `init` is the cell's, by its number outside:
/// as a container's first process the worker itself has the number that each init has inside.
#[cfg(target_arch = "x86_64")]
pub(super) fn calls(init: i32) -> Vec<(Layer, Call)> {
    const X32: i64 = 0x4000_0000;
    let call = |number, arguments, expected| Call {
        number,
        arguments,
        expected,
    };
    let (user, vsock) = (libc::CLONE_NEWUSER as u64, libc::AF_VSOCK as u64);
    let sys_admin = 21;
    let outside = u64::from(init.unsigned_abs());
    vec![
        (
            Layer::Seccomp,
            call(libc::SYS_unshare, [user, 0, 0], -libc::EPERM),
        ),
        (
            Layer::Seccomp,
            call(libc::SYS_socket, [vsock, 1, 0], -libc::EAFNOSUPPORT),
        ),
        (
            Layer::Seccomp,
            call(libc::SYS_io_uring_setup, [8, 0, 0], -libc::ENOSYS),
        ),
        (
            Layer::SeccompArchitecture,
            call(X32 | libc::SYS_getpid, [0; 3], -libc::ENOSYS),
        ),
        (
            Layer::Capabilities,
            call(libc::SYS_setuid, [0; 3], -libc::EPERM),
        ),
        (
            Layer::Capabilities,
            call(
                libc::SYS_prctl,
                [libc::PR_CAPBSET_READ as u64, sys_admin, 0],
                0,
            ),
        ),
        (
            Layer::NoNewPrivileges,
            call(libc::SYS_prctl, [libc::PR_GET_NO_NEW_PRIVS as u64, 0, 0], 1),
        ),
        (
            Layer::PidNamespace,
            call(libc::SYS_kill, [outside, 0, 0], -libc::ESRCH),
        ),
    ]
}

/// What [`PROBE`] printed: values by name.
struct Facts<'a>(HashMap<&'a str, Vec<&'a str>>);

impl<'a> Facts<'a> {
    fn read(seen: &'a str) -> Self {
        let mut facts: HashMap<&str, Vec<&str>> = HashMap::new();
        for (name, value) in seen.lines().filter_map(|line| line.split_once(' ')) {
            facts.entry(name).or_default().push(value);
        }
        Self(facts)
    }

    fn all(&self, name: &str) -> &[&'a str] {
        self.0.get(name).map_or(&[][..], Vec::as_slice)
    }

    fn joined(&self, name: &str) -> String {
        self.all(name).join(" ")
    }

    /// A line of `/proc/self/status`.
    fn status(&self, name: &str) -> String {
        let mut lines = self.all("status").iter();
        let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        let words: Vec<_> = found.unwrap_or("nothing").split_whitespace().collect();
        words.join(" ")
    }

    /// Control groups whose names tell about the machine.
    fn groups(&self) -> String {
        let lines = self.all("cgroup").iter().copied();
        let named = lines.filter(|line| line.contains("runlog-") || line.contains("cell-"));
        named.collect::<Vec<_>>().join(" ")
    }

    /// What stands before a character in each line of a table, without its headings.
    fn column(&self, name: &str, headings: usize, end: char) -> String {
        let lines = self.all(name).iter().skip(headings);
        let words: Vec<_> = lines
            .filter_map(|line| line.trim().split(end).next())
            .collect();
        words.join(" ")
    }
}

/// Judges what [`PROBE`] printed.
pub(super) fn judge(seen: &str, report: &mut Report) {
    let facts = Facts::read(seen);
    let status = |name| facts.status(name);
    let sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"].map(status);
    let (own, none) = ("1000 1000 1000 1000", ["0000000000000000"; 5].join(" "));
    for (layer, what, found, expected) in [
        (Layer::Uid, "its uids", status("Uid"), own),
        (Layer::Uid, "its gids", status("Gid"), own),
        (Layer::Uid, "its groups", status("Groups"), ""),
        (Layer::Capabilities, "its sets", sets.join(" "), &none),
        (
            Layer::NoNewPrivileges,
            "NoNewPrivs",
            status("NoNewPrivs"),
            "1",
        ),
        (Layer::Seccomp, "Seccomp", status("Seccomp"), "2"),
        (
            Layer::UserNamespace,
            "its ids",
            facts.column("uid_map", 0, ' '),
            "0 1000",
        ),
        (
            Layer::Proc,
            "processes",
            facts.joined("pid"),
            &facts.joined("self"),
        ),
        (Layer::Proc, "openings", facts.joined("proc"), ""),
        (
            Layer::NetworkNamespace,
            "interfaces",
            facts.column("interface", 2, ':'),
            "lo",
        ),
        (
            Layer::UtsNamespace,
            "its name",
            facts.joined("name"),
            "runlog",
        ),
        (
            Layer::MountNamespace,
            "the machine's paths",
            facts.joined("there"),
            "",
        ),
        (
            Layer::ReadOnlyRoot,
            "not read-only",
            facts.joined("unlocked"),
            "",
        ),
        (
            Layer::ReadOnlyRoot,
            "writable",
            facts.joined("writable"),
            "/box",
        ),
        (Layer::CgroupNamespace, "groups", facts.groups(), ""),
    ] {
        let found = match found == expected {
            true => Ok(()),
            false => Err(format!("{what}: {found:?} and not {expected:?}")),
        };
        report.expect(layer, found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "status Uid:\t1000\t1000\t1000\t1000\nstatus Gid: 1000 1000 1000 1000\n\
        status Groups:\t \nstatus CapInh: 0000000000000000\nstatus CapPrm: 0000000000000000\n\
        status CapEff: 0000000000000000\nstatus CapBnd: 0000000000000000\n\
        status CapAmb: 0000000000000000\nstatus NoNewPrivs: 1\nstatus Seccomp: 2\npid 2\nself 2\n\
        uid_map 0 5 1\nuid_map 1000 6 1\ncgroup 1:memory:/\ninterface Inter-|\ninterface face |\n\
        interface lo: 0 0\nname runlog\nwritable /box\n";

    fn missing(seen: &str) -> Vec<Layer> {
        let mut report = Report::default();
        judge(seen, &mut report);
        let findings = report.findings();
        findings
            .iter()
            .filter(|finding| finding.missing().is_some())
            .map(|finding| finding.layer)
            .collect()
    }

    #[test]
    fn a_good_cell_passes() {
        assert_eq!(missing(GOOD), []);
    }

    #[test]
    fn every_missing_layer_is_named() {
        for (from, to, layer) in [
            ("Uid:\t1000", "Uid:\t0", Layer::Uid),
            (
                "CapBnd: 0000000000000000",
                "CapBnd: 00000000a80425fb",
                Layer::Capabilities,
            ),
            ("NoNewPrivs: 1", "NoNewPrivs: 0", Layer::NoNewPrivileges),
            ("Seccomp: 2", "Seccomp: 0", Layer::Seccomp),
            ("pid 2\n", "pid 1\npid 2\n", Layer::Proc),
            ("name runlog", "name host", Layer::UtsNamespace),
            (
                "memory:/",
                "memory:/runlog-1-2/cell-3",
                Layer::CgroupNamespace,
            ),
            (
                "uid_map 0 5 1\nuid_map 1000 6 1",
                "uid_map 0 0 4294967295",
                Layer::UserNamespace,
            ),
            (
                "interface lo: 0 0",
                "interface lo: 0 0\ninterface eth0: 0",
                Layer::NetworkNamespace,
            ),
            (
                "writable /box",
                "writable /etc\nwritable /box",
                Layer::ReadOnlyRoot,
            ),
            (
                "writable /box",
                "unlocked /etc\nwritable /box",
                Layer::ReadOnlyRoot,
            ),
            (
                "writable /box",
                "there /etc/shadow\nwritable /box",
                Layer::MountNamespace,
            ),
        ] {
            assert_eq!(missing(&GOOD.replace(from, to)), [layer]);
        }
    }
}
