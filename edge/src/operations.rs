//! How everything stands, for those who run it: looked at once for all who watch.

use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use runlog_nats::{QueueDepth, ReadError, Waiting};
use runlog_schemas::api::{DeadLettersMark, OperationsView, QueueView};
use runlog_schemas::{Priority, subject};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;

use crate::error::EdgeError;
use crate::state::Edge;

/// Time between two looks while somebody watches.
const WATCHED: Duration = Duration::from_secs(1);
/// Time between two looks for the metrics alone.
const UNWATCHED: Duration = Duration::from_secs(10);

/// What was seen at the last look; `None` before the first. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Operations {
    view: watch::Sender<Option<Arc<OperationsView>>>,
    watched: Arc<Notify>,
}

/// The submission that waited the longest in each queue at the last look: it is read once.
#[derive(Debug, Default)]
struct Oldest(HashMap<(String, Priority), Waiting>);

impl Operations {
    /// Hears of every look, beginning with the last one where somebody watches already, and
    /// otherwise with one that is done for it.
    pub(crate) fn watch(&self) -> watch::Receiver<Option<Arc<OperationsView>>> {
        let alone = self.view.receiver_count() == 0;
        let mut receiver = self.view.subscribe();
        if alone {
            self.watched.notify_one();
        } else {
            receiver.mark_changed();
        }
        receiver
    }

    /// Looks again and again until the edge closes.
    pub(crate) async fn follow(self, edge: Arc<Edge>) {
        let closing = edge.closing.clone();
        let mut oldest = Oldest::default();
        let mut looking = pin!(async {
            loop {
                self.look(&edge, &mut oldest).await;
                let pause = match self.view.receiver_count() {
                    0 => UNWATCHED,
                    _ => WATCHED,
                };
                let _ = timeout(pause, self.watched.notified()).await;
            }
        });
        tokio::select! {
            () = closing.cancelled() => {}
            () = &mut looking => {}
        }
    }

    async fn look(&self, edge: &Edge, oldest: &mut Oldest) {
        let looked = look(edge, oldest).await;
        self.view.send_modify(|view| {
            *view = Some(Arc::new(match looked {
                Ok(view) => view,
                Err(error) => {
                    tracing::debug!(%error, "cannot look at the queues");
                    let last = view.as_deref().cloned();
                    OperationsView {
                        stale_because: Some(error.to_string()),
                        ..last.unwrap_or_else(|| nothing(edge))
                    }
                }
            }));
        });
    }
}

impl Oldest {
    /// How long the oldest that waits in a queue has done so.
    async fn age_ms(
        &mut self,
        edge: &Edge,
        queue: (&str, Priority),
        depth: &QueueDepth,
    ) -> Result<Option<u64>, ReadError> {
        let (language, priority) = queue;
        let key = (language.to_owned(), priority);
        if depth.waiting == 0 {
            self.0.remove(&key);
            return Ok(None);
        }
        let known = self.0.get(&key).copied();
        let waiting = match known.filter(|it| it.sequence > depth.delivered_up_to) {
            Some(waiting) => Some(waiting),
            None => {
                let queues = edge.log.queue();
                let read = queues.oldest_waiting(language, priority, depth.delivered_up_to);
                read.await?
            }
        };
        let now_ms = edge.clock.now_ms();
        Ok(waiting.map(|waiting| {
            self.0.insert(key, waiting);
            now_ms.saturating_sub(waiting.at_ms)
        }))
    }
}

/// Before anything could be looked at.
fn nothing(edge: &Edge) -> OperationsView {
    OperationsView {
        at_ms: edge.clock.now_ms(),
        stale_because: None,
        queues: Vec::new(),
        workers: edge.fleet.all(),
        dead_letters: DeadLettersMark::default(),
    }
}

async fn look(edge: &Edge, oldest: &mut Oldest) -> Result<OperationsView, EdgeError> {
    let depths = edge.log.queue().depths().await.map_err(ReadError::from)?;
    let mut queues = Vec::new();
    for language in edge.catalog.iter() {
        for priority in Priority::ALL {
            let Some(depth) = depths.get(&subject::consumer(&language.id, priority)) else {
                continue;
            };
            let oldest_age_ms = oldest.age_ms(edge, (&language.id, priority), depth).await?;
            edge.metrics.queue(&language.id, priority, depth);
            edge.metrics.oldest(&language.id, priority, oldest_age_ms);
            queues.push(QueueView {
                language: language.id.clone(),
                priority,
                waiting: depth.waiting,
                leased: depth.leased,
                oldest_age_ms,
            });
        }
    }
    let bounds = edge.log.bounds(subject::DEAD_LETTERS).await;
    let bounds = bounds.map_err(ReadError::from)?;
    Ok(OperationsView {
        queues,
        dead_letters: DeadLettersMark {
            letters: bounds.messages,
            last_sequence: bounds.last_sequence,
        },
        ..nothing(edge)
    })
}
