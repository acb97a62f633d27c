//! The server that leads the log goes, and how long nothing is accepted after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use runlog_client::Client;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::driver::{ACCEPTED, pause_after};
use super::program::Kind;
use super::stage::Stage;
use super::tally::{Tally, Wrong};
use super::words;

/// Between two new submissions at one edge.
const CADENCE: Duration = Duration::from_millis(100);

/// Between two tries of one submission.
const BETWEEN: Duration = Duration::from_millis(250);

/// How long all goes well before the server goes, and again before it is believed to be over.
const CALM: Duration = Duration::from_secs(1);

/// How long a cluster may take to be whole again, many times over.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tells submissions apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// How the server goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Going {
    /// As in a crash.
    Killed,
    /// As for an upgrade; it hands over what it leads.
    Stopped,
}

/// What the table calls the times.
struct Names {
    /// Between two answers with 2xx, whichever edge gave them.
    nothing: &'static str,
    /// The same at one edge, the worse of two.
    one_edge: &'static str,
    elected: &'static str,
    then: &'static str,
    /// The last of those that were sent while there was no leader.
    waited: &'static str,
}

/// One submission.
#[derive(Clone, Copy, Debug)]
struct Submitted {
    sent: Instant,
    accepted: Instant,
}

impl Going {
    /// What the table calls the fault.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Killed => "fault: leader of the log killed",
            Self::Stopped => "fault: leader of the log stopped",
        }
    }

    const fn names(self) -> Names {
        match self {
            Self::Killed => Names {
                nothing: "leader killed: without an accepted submission",
                one_edge: "leader killed: the same at one edge",
                elected: "leader killed: until the servers have another",
                then: "leader killed: from then to an accepted submission",
                waited: "leader killed: from then to the last that waited",
            },
            Self::Stopped => Names {
                nothing: "leader stopped: without an accepted submission",
                one_edge: "leader stopped: the same at one edge",
                elected: "leader stopped: until the servers have another",
                then: "leader stopped: from then to an accepted submission",
                waited: "leader stopped: from then to the last that waited",
            },
        }
    }
}

/// Takes the leader of the log away while somebody submits at each edge, and starts it again.
pub(crate) async fn lose(stage: &Stage, tally: &Tally, going: Going) -> anyhow::Result<()> {
    until_whole(stage, tally).await;
    let one = find(stage).await?;
    let mut nats = stage.nats[one].lock().await;
    let survivor = stage.nats[(one + 1) % stage.nats.len()].lock().await.port();
    let gone_at = Mutex::new(None);
    let election = async {
        sleep(CALM).await;
        let began = Instant::now();
        *gone_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(began);
        let name = format!("runlog-{}", one + 1);
        let (gone, elected) = tokio::join!(
            async {
                match going {
                    Going::Killed => nats.kill().await,
                    Going::Stopped => nats.stop().await,
                }
            },
            words::successor(survivor, &name),
        );
        gone?;
        anyhow::Ok((began, elected))
    };
    let (election, first, second) = tokio::join!(
        election,
        submit_steadily(&stage.clients[0], tally, &gone_at),
        submit_steadily(&stage.clients[1], tally, &gone_at),
    );
    let (began, elected_at) = election?;
    let names = going.names();
    let all = [first.as_slice(), second.as_slice()].concat();
    tally.took(names.nothing, longest_gap(&all));
    tally.took(
        names.one_edge,
        longest_gap(&first).max(longest_gap(&second)),
    );
    tally.took(names.elected, elected_at - began);
    let late = all.iter().filter(|it| it.accepted >= elected_at);
    let next = late.clone().map(|it| it.accepted).min();
    let next = next.context("submissions are accepted until it is over")?;
    tally.took(names.then, next - elected_at);
    let waited = late.filter(|it| it.sent < elected_at).map(|it| it.accepted);
    tally.took(
        names.waited,
        waited.max().unwrap_or(elected_at) - elected_at,
    );
    nats.restart().await?;
    drop(nats);
    until_whole(stage, tally).await;
    Ok(())
}

/// The longest time between two that were accepted.
fn longest_gap(submitted: &[Submitted]) -> Duration {
    let mut accepted: Vec<Instant> = submitted.iter().map(|it| it.accepted).collect();
    accepted.sort_unstable();
    let gaps = accepted.windows(2).map(|pair| pair[1] - pair[0]);
    gaps.max().unwrap_or_default()
}

/// Waits until any one server may be taken away.
pub(crate) async fn until_whole(stage: &Stage, tally: &Tally) {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        let mut whole = true;
        for nats in &stage.nats {
            // One that is being broken now makes it less than whole.
            let port = nats.try_lock().ok().map(|it| it.port());
            whole &= match port {
                Some(port) => words::is_whole(port).await,
                None => false,
            };
        }
        if whole {
            return;
        }
        sleep(Duration::from_millis(100)).await;
    }
    tally.wrong(Wrong::Lost, "the cluster does not become whole".to_owned());
}

/// Which server leads.
async fn find(stage: &Stage) -> anyhow::Result<usize> {
    let mut last = None;
    for nats in &stage.nats {
        let port = nats.lock().await.port();
        match words::leader(port).await {
            // `runlog-1` and so on.
            Ok(name) => {
                let number = name.rsplit('-').next().and_then(|it| it.parse().ok());
                let number: usize = number.with_context(|| format!("a server named {name}"))?;
                return number.checked_sub(1).context("servers count from 1");
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.context("there are no servers")?)
}

/// Submits again and again until all goes well behind the server's end; when each was accepted.
async fn submit_steadily(
    client: &Client,
    tally: &Tally,
    gone_at: &Mutex<Option<Instant>>,
) -> Vec<Submitted> {
    let mut ticks = interval(CADENCE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut asked = FuturesUnordered::new();
    let mut all = Vec::new();
    let mut well_since = None;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                if well_since.is_some_and(|it: Instant| it.elapsed() >= CALM) {
                    break;
                }
                asked.push(async {
                    let sent = Instant::now();
                    accept(client, tally).await;
                    Submitted { sent, accepted: Instant::now() }
                });
            }
            Some(one) = asked.next() => {
                all.push(one);
                let gone_at = *gone_at.lock().unwrap_or_else(PoisonError::into_inner);
                if gone_at.is_some_and(|it| it <= one.sent) {
                    well_since.get_or_insert(one.accepted);
                }
            }
        }
    }
    all.extend(asked.collect::<Vec<_>>().await);
    all
}

/// Submits until it is accepted, faster than Retry-After asks for.
async fn accept(client: &Client, tally: &Tally) {
    let key = format!("leader-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let request = Kind::Hello.request(0, "leader");
    loop {
        match client.submit(&request, Some(&key)).await {
            Ok(_) => return tally.count(ACCEPTED, 1),
            Err(error) => {
                if pause_after(tally, &error).is_none() {
                    return;
                }
                sleep(BETWEEN).await;
            }
        }
    }
}
