//! What a step has left in the working directory can be taken out of the cell, and nothing else.

use std::collections::BTreeMap;

use runlog_sandbox::{Collect, CollectLimits, Collected, LeftReason};

use super::{Tested, cell, file, python, run_in, sh};

fn everything() -> Collect {
    Collect {
        paths: vec![".".into()],
        limits: CollectLimits {
            files: 20,
            bytes: 4 << 20,
            depth: 3,
        },
    }
}

fn contents(collected: &Collected) -> BTreeMap<&str, (u32, &[u8])> {
    let files = collected.files.iter();
    files
        .map(|it| (it.name.as_str(), (it.mode, &it.content[..])))
        .collect()
}

pub(crate) async fn what_a_step_made_comes_out_byte_for_byte(engine: Tested) {
    let mut cell = cell(&engine).await;
    cell.put_files(vec![file("source", "text")])
        .await
        .expect("a file");
    let program = "import os\n\
        os.makedirs('folder/deep')\n\
        open('folder/deep/bytes', 'wb').write(bytes(range(256)) * 4096)\n\
        open('program', 'w').write('#!/bin/sh\\n'); os.chmod('program', 0o751)\n\
        open('secret', 'w').close(); os.chmod('secret', 0)";
    run_in(&mut cell, python(program)).await;
    let collected = cell.collect(everything()).await.expect("files");
    let bytes: Vec<u8> = (0..=255).collect::<Vec<u8>>().repeat(4096);
    let expected: BTreeMap<&str, (u32, &[u8])> = [
        ("folder/deep/bytes", (0o644, &bytes[..])),
        ("program", (0o751, b"#!/bin/sh\n")),
        ("secret", (0, b"")),
        ("source", (0o755, b"text")),
    ]
    .into();
    assert!(contents(&collected) == expected, "{:?}", collected.left);
    assert_eq!(collected.left_count, 0);
}

pub(crate) async fn patterns_stand_for_what_fits_them(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "mkdir p; echo 1 > a.png; echo 2 > p/b.png; ln -s a.png c.png; echo 3 > .d.png; echo 4 > e.txt";
    run_in(&mut cell, sh(program)).await;
    let wanted = Collect {
        paths: ["*.png", "p/?.png", "*.gif", "../*"]
            .map(str::to_owned)
            .into(),
        ..everything()
    };
    let collected = cell.collect(wanted).await.expect("files");
    let names: Vec<_> = collected.files.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["a.png", "p/b.png"]);
    let left = collected.left.iter();
    let left: Vec<_> = left.map(|it| (it.path.as_str(), it.reason)).collect();
    let expected = [
        ("c.png", LeftReason::NotRegular),
        ("*.gif", LeftReason::Missing),
        ("../*", LeftReason::BadPath),
    ];
    assert_eq!(left, expected);
}

pub(crate) async fn what_came_out_can_be_put_into_another_cell(engine: Tested) {
    let mut first = cell(&engine).await;
    let program = "mkdir -p a/b; echo inner > a/b/file; printf '#!/bin/sh\\necho \"$0\"' > run; \
        chmod 755 run; echo wide > wide; chmod 666 wide";
    run_in(&mut first, sh(program)).await;
    let collected = first.collect(everything()).await.expect("files");
    let mut second = cell(&engine).await;
    second.put_files(collected.files).await.expect("files");
    let look = "cat a/b/file; ./run; stat -c %a a a/b/file run wide; echo more >> a/b/file";
    let ran = run_in(&mut second, sh(look)).await;
    assert_eq!(ran.text(), "inner\n./run\n755\n644\n755\n666\n");
}

pub(crate) async fn traps_stay_in_the_cell(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "ln -s /etc/passwd link; ln -s / root; ln -s /proc/self/environ magic; \
        mkfifo pipe; ln -s . again; echo fine > fine; \
        mkdir -p a/b/c/d; echo deep > a/b/c/d/file; truncate -s 40M large";
    run_in(&mut cell, sh(program)).await;
    let mut wanted = everything();
    let named = [
        "root/etc/passwd",
        "../etc/passwd",
        "/etc/passwd",
        "again/fine",
        "pipe",
    ];
    let first = named.map(str::to_owned);
    wanted.paths = first.into_iter().chain(wanted.paths).collect();
    let collected = cell
        .collect(wanted)
        .await
        .expect("what is there is no error");
    assert_eq!(contents(&collected).keys().collect::<Vec<_>>(), [&"fine"]);
    let left: BTreeMap<&str, LeftReason> = collected
        .left
        .iter()
        .map(|it| (it.path.as_str(), it.reason))
        .collect();
    let (trap, bad) = (LeftReason::NotRegular, LeftReason::BadPath);
    let expected: BTreeMap<&str, LeftReason> = [
        ("root/etc/passwd", trap),
        ("../etc/passwd", bad),
        ("/etc/passwd", bad),
        ("again/fine", trap),
        ("pipe", trap),
        ("link", trap),
        ("root", trap),
        ("magic", trap),
        ("again", trap),
        ("a/b/c/d", LeftReason::TooDeep),
        ("large", LeftReason::TooLarge),
    ]
    .into();
    assert_eq!(left, expected);
}

/// A process that outlives its step could still change a file while it is read.
pub(crate) async fn files_come_out_once_everything_is_dead(engine: Tested) {
    let mut cell = cell(&engine).await;
    let program = "(setsid sh -c 'trap \"\" TERM HUP; while :; do echo x >> growing; done' &); \
        while [ ! -s growing ]; do :; done; exec sleep 0.3";
    let process = cell.start(sh(program)).await.expect("a start");
    // Not waited for: the cell does.
    drop(process);
    let first = cell.collect(everything()).await.expect("files");
    let second = cell.collect(everything()).await.expect("files");
    assert_eq!(first, second);
    assert!(contents(&first)["growing"].1.ends_with(b"x\n"));
}
