//! Elections in a cluster: until there is a new leader, nobody answers what only a leader may.
//!
//! A request that was sent in between is lost: whoever follows keeps silent, and the next leader
//! never hears of it. So we listen for elections and ask again at once, instead of waiting until
//! the time for an answer is over.

use async_nats::{Client, Subscriber};
use futures_util::StreamExt as _;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

/// What a new leader says of itself: `STREAM.LEADER_ELECTED.{stream}` and
/// `CONSUMER.LEADER_ELECTED.{stream}.{consumer}` behind this.
const ADVISORIES: &str = "$JS.EVENT.ADVISORY.*.LEADER_ELECTED.>";

/// How many tokens stand before the name of what has a new leader.
const BEFORE_NAME: usize = 5;

/// How many elections may be heard unread; a reader that missed some takes it that its own was
/// among them. Each queue of each language elects its own leader.
const CAPACITY: usize = 256;

/// Hears of elections for as long as it lives.
pub(crate) struct Elections {
    heard: broadcast::Sender<String>,
    /// Ends with this: the client's last holder closes the connection.
    _listening: JoinSet<()>,
}

impl Elections {
    /// Listens. A server that does not let us costs time after an election and nothing else.
    pub(crate) async fn hear(client: &Client) -> Result<Self, async_nats::SubscribeError> {
        let advisories = client.subscribe(ADVISORIES).await?;
        let heard = broadcast::Sender::new(CAPACITY);
        let mut listening = JoinSet::new();
        listening.spawn(listen(advisories, heard.clone()));
        Ok(Self {
            heard,
            _listening: listening,
        })
    }

    /// What is heard of from now on.
    pub(crate) fn listen(&self) -> ElectionListener {
        ElectionListener(self.heard.subscribe())
    }
}

async fn listen(mut advisories: Subscriber, heard: broadcast::Sender<String>) {
    while let Some(advisory) = advisories.next().await {
        let name: Vec<&str> = advisory.subject.split('.').skip(BEFORE_NAME).collect();
        tracing::debug!(subject = %advisory.subject, "a new leader");
        // An error says that nobody waits.
        let _ = heard.send(name.join("."));
    }
}

/// One who waits for an election.
pub(crate) struct ElectionListener(broadcast::Receiver<String>);

impl ElectionListener {
    /// Returns when something with that name has a new leader: a stream's name, or a stream's and
    /// a consumer's with a dot between.
    pub(crate) async fn of(&mut self, name: &str) {
        loop {
            match self.0.recv().await {
                Ok(elected) if elected == name => return,
                Ok(_) => {}
                Err(broadcast::error::RecvError::Lagged(_)) => return,
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}
