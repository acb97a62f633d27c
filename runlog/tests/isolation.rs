//! What `runlog` says about this machine, and that it is not one of the weakened programs that
//! test the tests. Needs root.

use std::path::Path;
use std::process::{Command, Output};

fn runlog(args: &[&str]) -> Output {
    let program = Command::new(env!("CARGO_BIN_EXE_runlog"))
        .args(args)
        .output();
    program.expect("it runs")
}

#[test]
fn a_check_tells_of_every_layer() {
    let told = runlog(&["worker", "--check", "--json"]);
    let complaints = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{complaints}");
    let document: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(document["serves"], true);
    let layers = document["layers"].as_array().expect("layers");
    assert!(layers.len() > 15, "{document}");
    for layer in layers {
        let holds = layer["state"] == "holds" || layer["required"] == false;
        assert!(holds, "{layer}");
    }
}

#[test]
fn a_check_is_a_table_for_people() {
    let told = runlog(&["worker", "--check"]);
    let text = String::from_utf8_lossy(&told.stdout);
    assert!(told.status.success(), "{text}");
    for words in ["seccomp-architecture", "required", "a worker serves here"] {
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_layer_that_is_not_one_is_refused_with_those_that_are() {
    let told = runlog(&["worker", "--check", "--insecure-allow-missing=selinux"]);
    let complaints = String::from_utf8_lossy(&told.stderr);
    assert_eq!(told.status.code(), Some(2), "{complaints}");
    assert!(
        complaints.contains("\"selinux\" is no layer"),
        "{complaints}"
    );
    assert!(complaints.contains("no-new-privileges"), "{complaints}");
}

/// `sandbox/tests/mutations` proves that these words are in a program that is weakened. In a
/// release build the feature does not even compile.
#[test]
fn this_program_cannot_be_weakened() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_runlog")).expect("a program");
    let mark = b"runlog is weakened on purpose";
    assert!(!program.windows(mark.len()).any(|part| part == mark));
}

/// Nobody turns the feature on but who names it on the command line.
#[test]
fn no_manifest_turns_the_weakness_on() {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folders = std::fs::read_dir(workspace).expect("a workspace").flatten();
    let manifests = folders.map(|folder| folder.path().join("Cargo.toml"));
    let mut naming = Vec::new();
    for manifest in manifests.filter(|manifest| manifest.is_file()) {
        let text = std::fs::read_to_string(&manifest).expect("a manifest");
        let lines = text
            .lines()
            .filter(|line| line.contains("weaken") && !line.starts_with('#'));
        naming.extend(lines.map(str::to_owned));
    }
    assert_eq!(naming, ["weaken = []", "required-features = [\"weaken\"]"]);
}
