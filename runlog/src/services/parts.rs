//! The parts of one process, each one watched: the first that ends without being asked to takes
//! the others along.
//!
//! ```text
//! Parts
//!   ├─ nats-server, PostgreSQL   kept alive, for `up`
//!   └─ projector, worker, edge   told to end before what they need
//! ```

use futures_util::future::select_all;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::Shutdown;
use crate::failure::Failure;

/// The parts, in the order in which they were started; they end in the opposite one.
#[derive(Default)]
pub(crate) struct Parts {
    parts: Vec<Part>,
    tasks: TaskTracker,
}

struct Part {
    name: &'static str,
    stop: CancellationToken,
    task: JoinHandle<Result<(), Failure>>,
}

impl Parts {
    /// Starts a part. `run` is given the token by which it will be told to end.
    pub(crate) fn start<F>(&mut self, name: &'static str, run: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = self.tasks.spawn(run(stop.clone()));
        self.parts.push(Part { name, stop, task });
    }

    /// Waits until the end is asked for or a part ends by itself, then ends all that is left. A
    /// second request ends at once.
    ///
    /// # Errors
    /// Why the first part ended that did not end as it was asked to.
    pub(crate) async fn run(mut self, shutdown: &mut Shutdown) -> Result<(), Failure> {
        let result = tokio::select! {
            biased;
            () = shutdown.asked() => Ok(()),
            failure = self.first_failure() => Err(failure),
        };
        self.end(shutdown, result).await
    }

    /// Ends all parts, and hands on why.
    pub(crate) async fn end(
        mut self,
        shutdown: &mut Shutdown,
        mut result: Result<(), Failure>,
    ) -> Result<(), Failure> {
        tracing::info!("ending");
        for part in std::mem::take(&mut self.parts).into_iter().rev() {
            tracing::info!(part = part.name, "is told to end");
            part.stop.cancel();
            let ended = tokio::select! {
                ended = part.task => ended,
                () = shutdown.asked() => {
                    tracing::warn!(part = part.name, "is not waited for");
                    return result.and(Err(Failure::Left("ended at once".to_owned())));
                }
            };
            result = result.and(flatten(part.name, ended));
        }
        result
    }

    async fn first_failure(&mut self) -> Failure {
        if self.parts.is_empty() {
            return std::future::pending().await;
        }
        let tasks = self.parts.iter_mut().map(|it| &mut it.task);
        let (ended, index, _) = select_all(tasks).await;
        let part = self.parts.remove(index);
        match flatten(part.name, ended) {
            Err(failure) => failure,
            Ok(()) => Failure::Service(format!("{} ended although nobody asked", part.name)),
        }
    }
}

fn flatten(
    name: &'static str,
    ended: Result<Result<(), Failure>, JoinError>,
) -> Result<(), Failure> {
    match ended {
        Ok(Ok(())) => Ok(()),
        Ok(Err(failure)) => Err(Failure::Service(format!("{name}: {}", failure.words()))),
        Err(error) => Err(Failure::Service(format!("{name}: a bug: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::services::shutdown;

    fn part(
        parts: &mut Parts,
        name: &'static str,
        ended: &Arc<Mutex<Vec<&'static str>>>,
        fails: bool,
    ) {
        let ended = Arc::clone(ended);
        parts.start(name, async move |stop| {
            if fails {
                return Err(Failure::Service("no more disk".to_owned()));
            }
            stop.cancelled().await;
            ended.lock().unwrap().push(name);
            Ok(())
        });
    }

    #[tokio::test]
    async fn a_part_that_fails_takes_the_others_along_in_order() {
        let ended = Arc::default();
        let mut parts = Parts::default();
        part(&mut parts, "edge", &ended, false);
        part(&mut parts, "worker", &ended, true);
        part(&mut parts, "projector", &ended, false);
        let result = parts.run(&mut shutdown().unwrap()).await;
        assert_eq!(result.unwrap_err().words(), "worker: no more disk");
        assert_eq!(*ended.lock().unwrap(), ["projector", "edge"]);
    }

    #[tokio::test]
    async fn a_part_that_panics_is_named() {
        let mut parts = Parts::default();
        parts.start("edge", async |_| panic!("oh"));
        let result = parts.run(&mut shutdown().unwrap()).await;
        assert!(result.unwrap_err().words().starts_with("edge: a bug"));
    }
}
