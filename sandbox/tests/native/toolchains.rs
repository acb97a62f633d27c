//! The toolchains of the usual languages work under every restriction.

use std::path::Path;
use std::time::Duration;

use runlog_sandbox::CellSpec;
use runlog_sandbox::native::{Mount, NativeConfig, NativeEngine};

use super::conformance::{Tested, file, limited, run_in, sh};

/// Tool, file name, program, command.
const CASES: &[(&str, &str, &str, &str)] = &[
    (
        "node",
        "m.js",
        "new Promise(r => setTimeout(r, 5)).then(() => console.log('hi'))",
        "node m.js",
    ),
    ("php", "m.php", "<?php echo \"hi\\n\";", "php m.php"),
    ("ruby", "m.rb", "Thread.new { puts 'hi' }.join", "ruby m.rb"),
    ("perl", "m.pl", "print \"hi\\n\";", "perl m.pl"),
    ("bash", "m.sh", "x=$(echo hi | cat); echo $x", "bash m.sh"),
    (
        "sqlite3",
        "m.sql",
        "create table t(x); insert into t values('hi'); select x from t;",
        "sqlite3 db < m.sql",
    ),
    (
        "gcc",
        "m.c",
        "#include <stdio.h>\nint main(){puts(\"hi\");}",
        "gcc -O2 m.c -o m && ./m",
    ),
    (
        "mold",
        "n.c",
        "#include <stdio.h>\nint main(){puts(\"hi\");}",
        "gcc -fuse-ld=mold n.c -o n && ./n",
    ),
    (
        "g++",
        "m.cpp",
        "#include <iostream>\nint main(){std::cout<<\"hi\\n\";}",
        "g++ m.cpp -o mm && ./mm",
    ),
    (
        "go",
        "main.go",
        "package main\nimport \"fmt\"\nfunc main(){c:=make(chan string);go func(){c<-\"hi\"}();fmt.Println(<-c)}",
        "GOCACHE=/tmp/go GO111MODULE=off GOFLAGS=-p=2 go run main.go",
    ),
    (
        "javac",
        "M.java",
        "public class M { public static void main(String[] a) throws Exception {\n\
         Thread t = new Thread(() -> System.out.println(\"hi\")); t.start(); t.join(); } }",
        "javac M.java && java -Xmx128m M",
    ),
    (
        "rustc",
        "m.rs",
        "fn main() { std::thread::spawn(|| println!(\"hi\")).join().unwrap(); }",
        "/opt/rust/bin/rustc m.rs && ./m",
    ),
];

/// Where the Rust that builds this test has its toolchain.
fn rust() -> Option<Mount> {
    let output = std::process::Command::new("rustc")
        .args(["--print", "sysroot"])
        .output()
        .ok()?;
    let host = String::from_utf8(output.stdout).ok()?.trim().into();
    Some(Mount {
        host,
        inside: "/opt/rust".into(),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_usual_toolchains_work() {
    let config = NativeConfig {
        mounts: rust().into_iter().collect(),
        ..super::config()
    };
    let engine = NativeEngine::start(config)
        .await
        .expect("every layer is there");
    let engine: Tested = std::sync::Arc::new(engine);
    let mut tried = 0;
    for &(tool, name, program, command) in CASES {
        let here = match tool {
            "rustc" => rust().is_some(),
            tool => Path::new("/usr/bin").join(tool).exists(),
        };
        if !here {
            eprintln!("not tried, as it is not here: {tool}");
            continue;
        }
        tried += 1;
        let mut cell = engine
            .cell(CellSpec {
                disk_bytes: 1 << 30,
                warm: None,
            })
            .await
            .expect("a cell");
        cell.put_files(vec![file(name, program)])
            .await
            .expect("a file");
        let step = limited(sh(command), |limits| {
            limits.memory_bytes = 2 << 30;
            limits.file_bytes = 256 << 20;
            limits.processes = 256;
            limits.cpu = Duration::from_secs(120);
            limits.wall = Duration::from_secs(300);
        });
        let ran = run_in(&mut cell, step).await;
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.text(), "hi\n", "{tool}: {:?} {said}", ran.end);
        eprintln!("{tool}: {:?}", ran.end.usage.wall);
    }
    assert!(tried > 0);
    engine.close().await;
}
