//! One entry on trial: its runs, its neighbour, and the machine before and after.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::case::Case;
use super::ground::Ground;
use super::run::{self, Seen};
use super::{judge, machine, metronome};

/// How many run at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Company {
    Alone,
    EightAtOnce,
}

/// Within this, and what the machine takes for itself, nothing of a run is left.
const TO_BE_GONE: Duration = Duration::from_secs(1);

/// After this it is told, whatever the machine does.
const LOST: Duration = Duration::from_secs(60);

/// How much the worker's memory may have grown.
const GROWTH: u64 = 64 << 20;

/// Tries all entries; gives every breach, with the entry that it is of.
pub(crate) async fn hold(ground: &Ground, cases: Vec<Case>, company: Company) -> Vec<String> {
    let mut breaches = Vec::new();
    for case in cases {
        let id = case.id.clone();
        let case = match case.on(ground.name()) {
            Ok(case) => case,
            Err(why) => {
                tell(&format!("{id}: does not apply: {why}"));
                continue;
            }
        };
        let began = Instant::now();
        let found = attack(ground, &case, company).await;
        let verdict = if found.is_empty() { "held" } else { "BROKEN" };
        tell(&format!(
            "{id} {:?} {company:?}: {verdict} after {:.1?}",
            case.class,
            began.elapsed()
        ));
        breaches.extend(
            found
                .into_iter()
                .map(|breach| format!("{id} {company:?}: {breach}")),
        );
    }
    breaches
}

/// Says how far it is.
#[expect(clippy::print_stderr, reason = "who waits for a trial reads it")]
pub(crate) fn tell(words: &str) {
    eprintln!("{words}");
}

/// Tries one entry.
pub(crate) async fn attack(ground: &Ground, case: &Case, company: Company) -> Vec<String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let mark = format!(
        "{}-{}-{}",
        case.id,
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    );
    let before = Before::now();
    let (lanes, rounds) = match company {
        Company::Alone => (case.copies, case.runs),
        Company::EightAtOnce => (case.at_once.max(case.copies), (case.runs / 8).max(1)),
    };
    let lane = |lane: usize| {
        let mark = format!("{mark}-{lane}");
        async move {
            let mut all = Vec::new();
            for _ in 0..rounds {
                all.push(run::run(ground, case, &mark).await);
            }
            all
        }
    };
    let runs = join_all((0..lanes).map(lane));
    let (runs, mut breaches) = metronome::beside(ground, &mark, runs).await;
    let runs: Vec<Seen> = runs.into_iter().flatten().collect();
    breaches.extend(
        runs.iter()
            .flat_map(|seen| judge::judge(ground, case, seen)),
    );
    if case.expect.distinct {
        let different: BTreeSet<_> = runs.iter().map(|seen| &seen.stdout).collect();
        if different.len() != runs.len() {
            breaches.push("two copies said the same".to_owned());
        }
    }
    breaches.extend(gone(ground, &mark, &before).await);
    breaches.extend(ground.site.canaries.check());
    // Many copies break the same promise in the same words.
    breaches.sort();
    breaches.dedup();
    breaches
}

/// The worker and its machine before an entry.
struct Before {
    descriptors: usize,
    resident_bytes: u64,
    mounts: BTreeSet<String>,
}

impl Before {
    fn now() -> Self {
        Self {
            descriptors: machine::descriptors(),
            resident_bytes: machine::resident_bytes(),
            mounts: machine::mounts(),
        }
    }
}

/// Waits until nothing of an entry is left; what is then still there is a breach.
async fn gone(ground: &Ground, mark: &str, before: &Before) -> Vec<String> {
    let (began, stalls) = (Instant::now(), ground.site.stalls.total());
    loop {
        let mut left = left(ground, mark, before);
        let opened = machine::descriptors().saturating_sub(before.descriptors);
        let is_gone = left.is_empty() && opened == 0;
        let stalled = ground.site.stalls.total().saturating_sub(stalls);
        let late = began.elapsed() > TO_BE_GONE + stalled;
        // A runtime that is being started for the next run has some, however long that takes.
        let may_wait = left.is_empty() && ground.host.is_some();
        if is_gone || (late && !may_wait) || began.elapsed() > LOST {
            left.extend((opened > 0).then(|| format!("{opened} descriptors more are open")));
            return left;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn left(ground: &Ground, mark: &str, before: &Before) -> Vec<String> {
    let mut left = (ground.leftovers)(ground);
    let processes = machine::marked(&format!("{}={mark}", machine::MARK));
    left.extend(
        processes
            .iter()
            .map(|pid| format!("the process {pid} is left")),
    );
    left.extend(machine::ipc_objects());
    left.extend(machine::planted_files());
    let mounts = machine::mounts();
    left.extend(
        mounts
            .difference(&before.mounts)
            .map(|mount| format!("the mount {mount} is left")),
    );
    let grown = machine::resident_bytes().saturating_sub(before.resident_bytes);
    if grown > GROWTH {
        left.push(format!("the worker's memory grew by {grown} bytes"));
    }
    left
}
