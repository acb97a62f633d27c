//! The corpus tested: with one deliberate weakness at a time, a named entry must turn red. Needs
//! root and the feature `weaken`.

#[expect(
    dead_code,
    reason = "runtimes that have waited are attacked by the worker's tests"
)]
#[path = "../corpus/mod.rs"]
mod corpus;
#[path = "../attacks/native.rs"]
mod native;

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use corpus::trial::{self, Company};
use corpus::{Case, Ground, Site};
use runlog_sandbox::native::Weakening as W;
use runlog_sandbox::native::{Layer, NativeConfig, NativeEngine, Weakening};

/// A weakness, the entry that it turns red, and the layer that the proof at the start misses.
struct Mutation {
    weakening: Weakening,
    entry: &'static str,
    layer: Option<Layer>,
    company: Company,
}

const fn alone(weakening: Weakening, entry: &'static str) -> Mutation {
    Mutation {
        weakening,
        entry,
        layer: None,
        company: Company::Alone,
    }
}

const fn proven(weakening: Weakening, entry: &'static str, layer: Layer) -> Mutation {
    let mutation = alone(weakening, entry);
    Mutation {
        layer: Some(layer),
        ..mutation
    }
}

/// All weaknesses.
const MUTATIONS: [Mutation; 28] = [
    proven(W::Network, "T-C18", Layer::NetworkNamespace),
    proven(W::Ipc, "T-D12", Layer::IpcNamespace),
    proven(W::Uts, "T-D10", Layer::UtsNamespace),
    proven(W::CgroupNamespace, "T-D10", Layer::CgroupNamespace),
    proven(W::NewNamespaces, "T-C03", Layer::Seccomp),
    proven(W::Filter, "T-C09", Layer::Seccomp),
    proven(W::FilterArchitecture, "T-C12b", Layer::SeccompArchitecture),
    proven(W::SocketFamilies, "T-C11", Layer::Seccomp),
    alone(W::Ioctls, "T-C32"),
    proven(W::BoundingSet, "T-C02", Layer::Capabilities),
    proven(W::Uid, "T-C02", Layer::Uid),
    Mutation {
        company: Company::EightAtOnce,
        ..alone(W::OneUid, "T-D16b")
    },
    proven(W::Memory, "T-A07b", Layer::Memory),
    proven(W::MemoryVerdict, "T-A07b", Layer::Memory),
    proven(W::Processes, "T-A05", Layer::Processes),
    proven(W::CpuTime, "T-B03", Layer::CpuTime),
    alone(W::LateClock, "T-B02"),
    proven(W::DiskSize, "T-A10", Layer::Disk),
    alone(W::Inodes, "T-A13"),
    alone(W::FileSize, "T-A11"),
    proven(W::Writable, "T-D01", Layer::ReadOnlyRoot),
    proven(W::ProcCovers, "T-C33", Layer::Proc),
    proven(W::ProcWritable, "T-C27", Layer::Proc),
    proven(W::ProcOthers, "T-D09", Layer::Proc),
    alone(W::HostEtc, "T-G03"),
    alone(W::Unveiled, "T-C33b"),
    alone(W::Descriptor, "T-C26"),
    alone(W::Orphans, "T-E10"),
];

/// Where a weakness would keep a run alive, it does so no longer than this.
const WALL_MS: u64 = 3000;

async fn weakened(site: Site, weakening: Option<Weakening>) -> (Ground, Arc<NativeEngine>) {
    let config = NativeConfig {
        weaken: weakening,
        allow_missing: Layer::ALL.to_vec(),
        ..native::config(&site)
    };
    let engine = NativeEngine::start(config).await;
    let engine = engine.unwrap_or_else(|error| panic!("{weakening:?}: {error}"));
    let engine = Arc::new(engine);
    (native::ground_of(Arc::clone(&engine), site), engine)
}

fn missing(engine: &NativeEngine) -> Vec<Layer> {
    let missing = engine.findings().iter().filter(|it| it.missing().is_some());
    missing
        .map(|it| it.layer)
        .filter(|it| it.is_required())
        .collect()
}

/// The entry with a shorter wall clock, so that nothing runs for long.
fn shortened(mut case: Case) -> Case {
    case.limits.wall_ms = case.limits.wall_ms.min(WALL_MS);
    case
}

/// Everything is tried that does not hold; says what holds although it must not.
#[tokio::test(flavor = "multi_thread")]
async fn every_weakness_turns_its_entry_red() {
    let mut unnoticed = Vec::new();
    for mutation in MUTATIONS {
        let Mutation {
            weakening,
            entry: id,
            layer,
            company,
        } = mutation;
        let case = shortened(Case::read(id));
        let site = Site::prepare(std::slice::from_ref(&case));
        let (ground, engine) = weakened(site, Some(weakening)).await;
        let found = missing(&engine);
        if layer.is_some_and(|layer| !found.contains(&layer)) {
            unnoticed.push(format!(
                "{weakening:?}: the start misses {found:?} and not {layer:?}"
            ));
        }
        let breaches = trial::attack(&ground, &case, company).await;
        match breaches.first() {
            Some(breach) => trial::tell(&format!("{weakening:?} turns {id} red: {breach}")),
            None => unnoticed.push(format!("{weakening:?}: {id} still holds")),
        }
        ground.engine.close().await;
        sweep();
    }
    assert!(unnoticed.is_empty(), "{}", unnoticed.join("\n"));
}

/// The same entries under the same conditions, but without a weakness.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_weakness_they_are_green() {
    let named = |case: &Case| MUTATIONS.iter().any(|mutation| mutation.entry == case.id);
    let cases = Case::read_all("T-").into_iter().filter(named);
    let cases: Vec<_> = cases.map(shortened).collect();
    let (ground, engine) = weakened(Site::prepare(&cases), None).await;
    assert_eq!(missing(&engine), []);
    let breaches = trial::hold(&ground, cases, Company::Alone).await;
    ground.engine.close().await;
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

/// The words by which other tests know that a program is *not* weakened are in this one.
#[test]
fn a_weakened_program_can_be_told() {
    let program = std::fs::read(env!("CARGO_BIN_EXE_cell-spawner")).expect("a program");
    let mark = b"runlog is weakened on purpose";
    assert!(program.windows(mark.len()).any(|part| part == mark));
}

/// Takes away what a weakness has let out.
fn sweep() {
    let key = "0x52554e4c";
    let swept = Command::new("ipcrm")
        .args(["-M", key, "-S", key, "-Q", key])
        .output();
    // What is not there cannot be removed.
    drop(swept);
    std::thread::sleep(Duration::from_millis(20));
}
