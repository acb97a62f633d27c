//! Which of the machine's users programs run as.

use std::collections::BTreeSet;
use std::sync::Arc;

use runlog_sandbox::native::{NativeConfig, NativeEngine, UidRange};

use super::conformance::{self, Tested, run, run_in, sh};

async fn engine(uids: UidRange) -> Tested {
    let config = NativeConfig {
        parked_cells: 0,
        uids,
        ..super::config()
    };
    let engine = NativeEngine::start(config).await;
    Arc::new(engine.expect("every layer is there"))
}

#[tokio::test(flavor = "multi_thread")]
async fn living_cells_have_different_users_on_the_host() {
    let engine = engine(UidRange::default()).await;
    let mut cells = Vec::new();
    for _ in 0..4 {
        let mut cell = conformance::cell(&engine).await;
        let ran = run_in(&mut cell, sh("cat /proc/self/uid_map")).await.text();
        let lines = ran
            .lines()
            .map(|line| line.split_whitespace().map(str::to_owned).collect());
        let lines: Vec<Vec<String>> = lines.collect();
        assert_eq!((lines[0][0].as_str(), lines[1][0].as_str()), ("0", "1000"));
        assert!(lines.iter().all(|line| line[2] == "1"), "{ran}");
        cells.push((lines[0][1].clone(), lines[1][1].clone(), cell));
    }
    let uids: BTreeSet<_> = cells
        .iter()
        .flat_map(|(root, own, _)| [root, own])
        .collect();
    assert_eq!(uids.len(), 8);
    assert!(!uids.contains(&"0".to_owned()));
}

#[tokio::test(flavor = "multi_thread")]
async fn cells_have_users_of_the_range_that_is_set() {
    let engine = engine("1500000000".parse().expect("a range")).await;
    let ran = run(&engine, sh("cat /proc/self/uid_map /proc/self/gid_map")).await;
    let text = ran.text();
    let lines: Vec<Vec<_>> = text
        .lines()
        .map(|it| it.split_whitespace().collect())
        .collect();
    for (line, inside) in lines.iter().zip(["0", "1000", "0", "1000"]) {
        assert_eq!(line[0], inside, "{text}");
        let host: u32 = line[1].parse().expect("a number");
        assert!((1_500_000_000..1_500_001_024).contains(&host), "{text}");
    }
    assert_eq!(lines.len(), 4, "{text}");
    engine.close().await;
}
