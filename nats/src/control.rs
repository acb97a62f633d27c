//! What viewers say to a running program: requests to whichever worker runs it.

use async_nats::client::RequestErrorKind;
use async_nats::{Request, Subscriber};
use futures_util::StreamExt as _;
use runlog_schemas::control::{ControlReply, ControlRequest};
use runlog_schemas::{ExecutionId, subject};

use crate::{Log, RequestError};

/// Why a request got no answer of a worker.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// Nobody listens: the execution does not run, or its worker is cut off.
    #[error("no worker runs the execution")]
    NotRunning,
    /// Somebody listens and did not answer. It may have been applied.
    #[error("the worker did not answer in time")]
    TimedOut,
    /// No connection.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The worker's answer is none that we know.
    #[error("the worker's answer cannot be read")]
    Malformed(#[source] serde_json::Error),
}

/// A worker's ear for one execution; it listens until it is dropped.
pub struct ControlListener {
    log: Log,
    subscriber: Subscriber,
}

/// The way back to whoever asked. To be used once; dropped, the asker waits in vain.
pub struct Replier {
    log: Log,
    reply: Option<async_nats::Subject>,
}

impl Log {
    /// Asks the worker that runs the execution to do something.
    ///
    /// # Errors
    /// When nobody runs it, or no answer comes.
    pub async fn control_request(
        &self,
        id: ExecutionId,
        request: &ControlRequest,
    ) -> Result<ControlReply, ControlError> {
        if !self.is_connected() {
            return Err(ControlError::Unavailable("not connected".to_owned()));
        }
        let payload = serde_json::to_vec(request).map_err(ControlError::Malformed)?;
        let request = Request::new().payload(payload.into());
        let asked = self.client().send_request(subject::control(id), request);
        match self.unless_reconnected(asked).await {
            Ok(Ok(answer)) => {
                serde_json::from_slice(&answer.payload).map_err(ControlError::Malformed)
            }
            Ok(Err(error)) => Err(match error.kind() {
                RequestErrorKind::NoResponders => ControlError::NotRunning,
                RequestErrorKind::TimedOut => ControlError::TimedOut,
                _ => ControlError::Unavailable(error.to_string()),
            }),
            Err(_) => Err(ControlError::TimedOut),
        }
    }

    /// Listens for requests about an execution. When this returns, the server knows of it.
    ///
    /// # Errors
    /// When the log does not answer.
    pub async fn control_listen(&self, id: ExecutionId) -> Result<ControlListener, RequestError> {
        let subscriber = self.listen(subject::control(id)).await?;
        Ok(ControlListener {
            log: self.clone(),
            subscriber,
        })
    }
}

impl ControlListener {
    /// The next request; `None` when the client was closed. May be dropped and called again.
    pub async fn next(&mut self) -> Option<(ControlRequest, Replier)> {
        loop {
            let message = self.subscriber.next().await?;
            match serde_json::from_slice(&message.payload) {
                Ok(request) => {
                    let replier = Replier {
                        log: self.log.clone(),
                        reply: message.reply,
                    };
                    return Some((request, replier));
                }
                // From a newer edge; it hears nothing and tells its viewer so.
                Err(error) => {
                    tracing::warn!(%error, subject = %message.subject, "control request not understood");
                }
            }
        }
    }
}

impl Replier {
    /// Answers.
    ///
    /// # Errors
    /// When this client was closed.
    pub async fn reply(self, answer: &ControlReply) -> Result<(), RequestError> {
        let Some(reply) = self.reply else {
            return Ok(());
        };
        let payload = serde_json::to_vec(answer).map_err(RequestError::Malformed)?;
        self.log
            .client()
            .publish(reply, payload.into())
            .await
            .map_err(|error| RequestError::Unavailable(error.to_string()))
    }
}
