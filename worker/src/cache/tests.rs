//! The cache on a real store.

use bytes::Bytes;
use prometheus::{IntCounterVec, Opts};
use runlog_local::Testbed;
use runlog_nats::streams::{self, Replicas, Wanted};
use runlog_nats::{Log, LogConfig};
use runlog_sandbox::CellFile;

use super::key::tests::{any_key, numbered_key};
use super::*;

struct Bed {
    log: Log,
    _servers: Testbed,
}

async fn bed() -> Bed {
    let mut servers = Testbed::start().await.expect("nats-server starts");
    let config = LogConfig::new(servers.nats().url(), "test");
    let log = Log::connect(&config).await.unwrap();
    let wanted = Wanted::of(&[], Replicas::One);
    streams::apply(&log, &wanted, false, 0).await.unwrap();
    Bed {
        log,
        _servers: servers,
    }
}

/// A worker's cache, which remembers nothing yet.
fn cache(bed: &Bed) -> Cache {
    let lookups = IntCounterVec::new(Opts::new("found", "where"), &["found"]).unwrap();
    Cache::new(1 << 20, bed.log.artifacts(), "native", None, lookups)
}

fn looked(cache: &Cache, place: &str) -> u64 {
    cache.lookups.with_label_values(&[place]).get()
}

fn compiled() -> Compiled {
    Compiled {
        said: Bytes::from_static(b"a warning"),
        files: vec![CellFile::new("program", vec![7; 300_000])],
    }
}

#[tokio::test]
async fn workers_share_what_one_of_them_made() {
    let bed = bed().await;
    let (here, there) = (cache(&bed), cache(&bed));
    let key = any_key();
    assert_eq!(there.find(&key).await, None);
    here.keep(key.clone(), compiled()).await;
    assert_eq!(here.find(&key).await.as_deref(), Some(&compiled()));
    assert_eq!(there.find(&key).await.as_deref(), Some(&compiled()));
    assert_eq!(there.find(&key).await.as_deref(), Some(&compiled()));
    assert_eq!(there.find(&numbered_key(1)).await, None);
    let places = ["none", "shared", "memory"].map(|place| looked(&there, place));
    assert_eq!(places, [2, 1, 1]);
}

#[tokio::test]
async fn a_poisoned_or_cut_entry_is_dropped_and_compiled_anew() {
    let bed = bed().await;
    let artifacts = bed.log.artifacts();
    let key = any_key();
    let whole = compiled().encode(&key);
    let mut poisoned = whole.to_vec();
    poisoned[200_000] ^= 1;
    let other = compiled().encode(&numbered_key(1));
    for bad in [whole.slice(..200_000), poisoned.into(), other, Bytes::new()] {
        artifacts.put(key.name(), &bad).await.unwrap();
        let one = cache(&bed);
        assert_eq!(one.find(&key).await, None);
        assert_eq!((looked(&one, "damaged"), looked(&one, "none")), (1, 1));
        assert_eq!(
            artifacts.get(key.name()).await.unwrap(),
            None,
            "it is dropped"
        );
        one.keep(key.clone(), compiled()).await;
        assert_eq!(cache(&bed).find(&key).await.as_deref(), Some(&compiled()));
    }
}

#[tokio::test]
async fn without_a_store_there_is_the_memory() {
    let bed = bed().await;
    let cache = cache(&bed);
    drop(bed);
    let key = any_key();
    assert_eq!(cache.find(&key).await, None);
    cache.keep(key.clone(), compiled()).await;
    assert_eq!(cache.find(&key).await.as_deref(), Some(&compiled()));
}
