//! A machine that lacks something. Where a layer of isolation does not hold nothing is run, unless
//! that is allowed, and then everybody is told; a disk without space costs no run.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::bed::{command_under, may_run, text, up_under};

/// Becomes the command that follows, on a kernel that says yes to whoever gives up a capability for
/// good (`PR_CAPBSET_DROP`) and does nothing.
const CARELESS: &str = r#"
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
load, equal, give = 0x20, 0x15, 0x06
program = [
    (load, 0, 0, 0), (equal, 0, 3, libc_number),
    (load, 0, 0, 16), (equal, 0, 1, 24),
    (give, 0, 0, 0x50000), (give, 0, 0, 0x7fff0000),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]
whole = Program(len(program), ctypes.addressof(code))
assert libc.prctl(22, 2, ctypes.byref(whole)) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
"#;

/// The number of `prctl` where this runs.
const PRCTL: i64 = if cfg!(target_arch = "x86_64") {
    157
} else {
    167
};

fn wrapper() -> Vec<String> {
    let program = CARELESS.replace("libc_number", &PRCTL.to_string());
    vec!["/usr/bin/python3".into(), "-c".into(), program]
}

/// What an address of the edge answers.
fn get(url: &str, path: &str) -> String {
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host.trim_end_matches('/')).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: runlog\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_worker_refuses_to_serve_without_a_layer_and_names_it() {
    if !may_run() {
        return;
    }
    let checked = command_under(&wrapper())
        .args(["worker", "--check"])
        .output()
        .unwrap();
    let told = text(&checked.stdout);
    assert_eq!(checked.status.code(), Some(1), "{told}");
    let line = told.lines().find(|line| line.contains("capabilities"));
    assert!(line.unwrap().contains("missing"), "{told}");
    let folder = tempfile::tempdir().unwrap();
    let up = command_under(&wrapper())
        .args(["up", "--port", "0", "--data"])
        .arg(folder.path())
        .output()
        .unwrap();
    let complaint = text(&up.stderr);
    assert!(!up.status.success(), "{complaint}");
    assert!(complaint.contains("capabilities"), "{complaint}");
}

#[test]
fn what_is_missing_and_allowed_is_told_to_everybody() {
    let wrapper = wrapper();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    let allowed = "--insecure-allow-missing=capabilities";
    let Some(up) = up_under(&wrapper, &[allowed]) else {
        return;
    };
    // It serves.
    up.program("main.py", "print('careless')\n");
    assert_eq!(up.answer(&["run", "main.py"]), "careless\n");
    assert!(get(&up.url, "/readyz").ends_with("ready, but degraded\n"));
    let ready = get(&up.url, "/readyz?verbose");
    let words = "INSECURE: programs run here without capabilities";
    assert!(ready.contains(words), "{ready}");
    let metrics = get(&up.url, "/metrics");
    for line in ["{layer=\"capabilities\"} 1", "{layer=\"seccomp\"} 0"] {
        let line = format!("sandbox_layer_missing{line}");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let log = fs::read_to_string(up.log()).unwrap();
    let loud = "INSECURE: programs run without the layer of isolation";
    let said = log.lines().find(|line| line.contains(loud));
    let said = said.unwrap_or_else(|| panic!("{log}"));
    assert!(
        said.contains("ERROR") && said.contains("capabilities"),
        "{said}"
    );
    // The worker says it of itself every few seconds.
    let says_so = || text(&up.run(&["workers"]).stderr).contains("runs without capabilities");
    while !says_so() {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Nothing of a run is on the machine's disk, so one without space costs none.
#[test]
fn a_full_disk_is_nothing_to_a_worker() {
    let folder = tempfile::tempdir().unwrap();
    let fill = "mount -t tmpfs -o size=64k full \"$0\" && cd \"$0\" && \
        ! head -c 1000000 /dev/zero 2> /dev/null > all && \
        TMPDIR=$0 HOME=$0 XDG_CACHE_HOME=$0 XDG_STATE_HOME=$0 exec \"$@\"";
    let place = folder.path().to_str().unwrap();
    let wrapper = ["unshare", "--mount", "sh", "-c", fill, place];
    let Some(up) = up_under(&wrapper, &[]) else {
        return;
    };
    up.program(
        "main.py",
        "open('x', 'w').write('x' * 100000)\nprint('python')\n",
    );
    assert_eq!(up.answer(&["run", "main.py"]), "python\n");
    let c = "#include <stdio.h>\nint main(void) { puts(\"c\"); }\n";
    up.program("main.c", c);
    assert_eq!(up.answer(&["run", "main.c"]), "c\n");
}
