//! A cell as its user holds it.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;

use super::body::{Body, aside, failed};
use super::{Shared, collect, run};
use crate::{Cell, CellFile, Collect, Collected, Error, KillHandle, Process, Step};

/// A cell of the native engine.
pub(super) struct NativeCell {
    state: State,
    shared: Arc<Shared>,
    was_parked: bool,
    /// For the working directory, with the next step.
    files: Vec<CellFile>,
}

enum State {
    Idle(Body),
    Running {
        body: oneshot::Receiver<Body>,
        kill: KillHandle,
    },
    /// A step could not be supervised to its end.
    Lost,
}

impl NativeCell {
    pub(super) fn new(body: Body, shared: Arc<Shared>, was_parked: bool) -> Self {
        Self {
            state: State::Idle(body),
            shared,
            was_parked,
            files: Vec::new(),
        }
    }

    /// The body, once a step that runs is over.
    async fn body(&mut self) -> Result<&mut Body, Error> {
        if let State::Running { body, .. } = &mut self.state {
            self.state = body.await.map_or(State::Lost, State::Idle);
        }
        match &mut self.state {
            State::Idle(body) => Ok(body),
            State::Running { .. } | State::Lost => Err(lost()),
        }
    }
}

fn lost() -> Error {
    Error::CellGone("a step was not supervised to its end".into())
}

impl Cell for NativeCell {
    fn was_parked(&self) -> bool {
        self.was_parked
    }

    fn put_files(&mut self, files: Vec<CellFile>) -> BoxFuture<'_, Result<(), Error>> {
        // They go with the next step: one message less on the way to its start.
        self.files.extend(files);
        async { Ok(()) }.boxed()
    }

    fn collect(&mut self, wanted: Collect) -> BoxFuture<'_, Result<Collected, Error>> {
        async move {
            let folder = self.body().await?.parts().folder.as_ref();
            let folder = folder.ok_or_else(lost)?;
            let folder = folder
                .try_clone()
                .map_err(failed("taking files out of the cell"))?;
            aside(move || collect::collect(&folder, &wanted)).await
        }
        .boxed()
    }

    fn give_way(&mut self) -> Result<(), Error> {
        let State::Idle(body) = &mut self.state else {
            return Err(lost());
        };
        body.parts().group.give_way();
        Ok(())
    }

    fn start(&mut self, step: Step) -> BoxFuture<'_, Result<Process, Error>> {
        async move {
            self.body().await?;
            let files = std::mem::take(&mut self.files);
            let State::Idle(body) = std::mem::replace(&mut self.state, State::Lost) else {
                return Err(lost());
            };
            match run::start(&self.shared.tasks, body, files, step).await {
                Ok((process, body)) => {
                    self.state = State::Running {
                        body,
                        kill: process.kill.clone(),
                    };
                    Ok(process)
                }
                Err((body, error)) => {
                    self.state = State::Idle(body);
                    Err(error)
                }
            }
        }
        .boxed()
    }

    fn destroy(mut self: Box<Self>) -> BoxFuture<'static, Result<(), Error>> {
        let state = std::mem::replace(&mut self.state, State::Lost);
        end(state).boxed()
    }
}

async fn end(state: State) -> Result<(), Error> {
    match state {
        State::Idle(body) => body.destroy().await,
        State::Running { body, kill } => {
            kill.kill();
            match body.await {
                Ok(body) => body.destroy().await,
                Err(_) => Err(lost()),
            }
        }
        State::Lost => Ok(()),
    }
}

impl Drop for NativeCell {
    fn drop(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Lost);
        if matches!(state, State::Lost) {
            return;
        }
        self.shared.in_background(async move {
            if let Err(error) = end(state).await {
                tracing::warn!(%error, "a cell could not be removed");
            }
        });
    }
}
