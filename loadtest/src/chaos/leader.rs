//! The death of the server that leads the log, and how long nothing is accepted after it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use runlog_client::Client;
use tokio::time::sleep;

use super::driver::{ACCEPTED, pause_after};
use super::program::Kind;
use super::stage::Stage;
use super::tally::{Tally, Wrong};
use super::words;

/// Between two tries of one who submits.
const BETWEEN: Duration = Duration::from_millis(20);

/// How long they submit before the death, so that all is well then.
const BEFORE: Duration = Duration::from_millis(300);

/// How long a cluster may take to be whole again, many times over.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tells submissions apart.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Kills the leader of the log while somebody submits at each edge, and starts it again.
pub(crate) async fn kill(stage: &Stage, tally: &Tally) -> anyhow::Result<()> {
    until_whole(stage, tally).await;
    let one = find(stage).await?;
    let died_at = Mutex::new(None);
    let death = async {
        sleep(BEFORE).await;
        let mut nats = stage.nats[one].lock().await;
        nats.kill().await?;
        *died_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        anyhow::Ok(nats)
    };
    let (nats, first, second) = tokio::join!(
        death,
        accepted_after(&stage.clients[0], tally, &died_at),
        accepted_after(&stage.clients[1], tally, &died_at),
    );
    tally.took(
        "leader killed: until a submission is accepted",
        first.min(second),
    );
    tally.took("leader killed: until both edges accept", first.max(second));
    nats?.restart().await?;
    until_whole(stage, tally).await;
    Ok(())
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

/// Submits again and again; the time from the death to the first answer to a submission that was
/// sent after it.
async fn accepted_after(
    client: &Client,
    tally: &Tally,
    died_at: &Mutex<Option<Instant>>,
) -> Duration {
    loop {
        let sent = Instant::now();
        accept(client, tally).await;
        let died_at = *died_at.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(died_at) = died_at.filter(|it| *it <= sent) {
            return died_at.elapsed();
        }
        sleep(BETWEEN).await;
    }
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
