//! Beside traffic.

use std::sync::atomic::{AtomicBool, Ordering};

use prometheus::Registry;
use runlog_projector::{Clock, Config};
use tokio_util::sync::CancellationToken;

use crate::bed::{Bed, assert_found};

#[tokio::test]
async fn traffic_a_projector_and_a_rebuild_are_no_damage() {
    let bed = Bed::start().await;
    let mut config = Config::new(&bed.address);
    config.clock = Clock::new(|| 0);
    runlog_projector::migrate(&bed.address).await.unwrap();
    let stop = CancellationToken::new();
    let checked = AtomicBool::new(false);
    let registry = Registry::new();
    let projecting =
        runlog_projector::run(config.clone(), bed.log.clone(), &registry, stop.clone());
    let writing = async {
        let mut number = 1_000;
        while !checked.load(Ordering::Relaxed) {
            let bed = &bed;
            let some = (number..number + 8).map(async |number| {
                bed.submit(number).await;
                bed.finish(number, 0, 1).await;
            });
            futures_util::future::join_all(some).await;
            number += 8;
        }
        stop.cancel();
        number - 1_000
    };
    let checking = async {
        for round in 0..6 {
            let report = bed.check().await;
            assert_found(&report, &[]);
            if round == 2 {
                runlog_projector::rebuild(&config, &bed.log, |_| {})
                    .await
                    .unwrap();
            }
        }
        checked.store(true, Ordering::Relaxed);
    };
    let (projected, written, ()) = tokio::join!(projecting, writing, checking);
    projected.unwrap();
    bed.fold().await;
    let report = bed.check().await;
    assert_found(&report, &[]);
    assert_eq!(u128::from(report.checked.executions), written + 9);
    assert_eq!(report.checked.rows, report.checked.executions);
}
