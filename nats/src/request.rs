//! Requests to the server, and what can go wrong with them.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use async_nats::{Message, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::Log;

/// Why a request came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// No connection, or nobody who answers; worth another try later.
    #[error("the log is unavailable: {0}")]
    Unavailable(String),
    /// The server understood and said no.
    #[error("the log refused: {description} (error {code})")]
    Refused {
        /// The server's error code.
        code: u64,
        /// Its words.
        description: String,
    },
    /// The server's answer is not one that we know.
    #[error("the log's answer cannot be read")]
    Malformed(#[source] serde_json::Error),
}

/// A new leader says so just before it answers.
const TAKES_OFFICE: Duration = Duration::from_millis(20);

/// How long an answer is waited for before the question is asked again; doubles each time.
const PATIENCE: Duration = Duration::from_millis(500);

/// No leader now, the stream is offline, or too much at once.
const TEMPORARY: [u64; 5] = [10_008, 10_009, 10_118, 10_167, 10_194];

/// No message under that sequence or subject.
pub(crate) const NO_MESSAGE: u64 = 10_037;
/// No such stream.
pub(crate) const NO_STREAM: u64 = 10_059;

/// An error as the `JetStream` API tells it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ApiError {
    #[serde(default)]
    pub(crate) err_code: u64,
    #[serde(default)]
    pub(crate) description: String,
}

impl From<ApiError> for RequestError {
    fn from(error: ApiError) -> Self {
        if TEMPORARY.contains(&error.err_code) {
            return Self::Unavailable(error.description);
        }
        Self::Refused {
            code: error.err_code,
            description: error.description,
        }
    }
}

#[derive(Deserialize)]
struct Failure {
    error: Option<ApiError>,
}

/// Reads an answer of the `JetStream` API.
pub(crate) fn read_answer<T: DeserializeOwned>(payload: &[u8]) -> Result<T, RequestError> {
    let failure: Failure = serde_json::from_slice(payload).map_err(RequestError::Malformed)?;
    match failure.error {
        Some(error) => Err(error.into()),
        None => serde_json::from_slice(payload).map_err(RequestError::Malformed),
    }
}

/// Pause before a server is asked again.
const RETRY_PAUSE: Duration = Duration::from_millis(250);

/// Asks again as long as nobody answers, until that time.
pub(crate) async fn while_unavailable<T, A>(
    until: Instant,
    ask: impl Fn() -> A,
) -> Result<T, RequestError>
where
    A: Future<Output = Result<T, RequestError>>,
{
    loop {
        match ask().await {
            Err(RequestError::Unavailable(_)) if Instant::now() < until => sleep(RETRY_PAUSE).await,
            answered => return answered,
        }
    }
}

impl Log {
    /// A request to the `JetStream` API; `subject` stands behind `$JS.API.`.
    pub(crate) async fn api<T: DeserializeOwned>(
        &self,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        let body = serde_json::to_vec(body).map_err(RequestError::Malformed)?;
        // The API takes an empty body where there is nothing to say, and no JSON null.
        let body = if body == b"null" { Vec::new() } else { body };
        let request = Request::new().payload(body.into());
        let answer = self.request(format!("$JS.API.{subject}"), request).await?;
        read_answer(&answer.payload)
    }

    /// The same for what only reads, and what the leader of `of` answers; see
    /// [`Log::through_elections`].
    pub(crate) async fn read_api<T: DeserializeOwned>(
        &self,
        of: &str,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<T, RequestError> {
        self.through_elections(of, || self.api(subject, body)).await
    }

    /// Asks, and asks again when `of` has a new leader, which knows nothing of a request that came
    /// before it, or when no answer comes for long. `of` is a stream, or a stream and a consumer
    /// with a dot between.
    pub(crate) async fn through_elections<T, A>(
        &self,
        of: &str,
        ask: impl Fn() -> A,
    ) -> Result<T, RequestError>
    where
        A: Future<Output = Result<T, RequestError>>,
    {
        let mut elections = self.elections();
        let mut over = pin!(sleep(self.config().request_timeout));
        let mut patience = PATIENCE;
        loop {
            tokio::select! {
                biased;
                answer = ask() => return answer,
                () = elections.of(of) => {
                    sleep(TAKES_OFFICE).await;
                    patience = PATIENCE;
                }
                () = &mut over => {
                    return Err(RequestError::Unavailable("request timed out".to_owned()));
                }
                () = sleep(patience) => patience *= 2,
            }
        }
    }

    pub(crate) async fn request(
        &self,
        subject: String,
        request: Request,
    ) -> Result<Message, RequestError> {
        if !self.is_connected() {
            // It would be kept, and sent later when nobody waits for it any more.
            return Err(RequestError::Unavailable("not connected".to_owned()));
        }
        self.unless_reconnected(self.client().send_request(subject, request))
            .await?
            .map_err(|error| RequestError::Unavailable(error.to_string()))
    }

    /// Awaits an answer that a lost connection would take with it.
    pub(crate) async fn unless_reconnected<T>(
        &self,
        answer: impl Future<Output = T>,
    ) -> Result<T, RequestError> {
        let mut state = self.state();
        let generation = state.borrow_and_update().generation;
        let reconnected = async {
            let lost = state.wait_for(|now| now.generation != generation);
            if lost.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            answer = answer => Ok(answer),
            () = reconnected => Err(RequestError::Unavailable("the connection was lost".to_owned())),
        }
    }

    /// One round trip to the server: it has taken everything that this client sent before. A
    /// flush would not say that.
    pub(crate) async fn round_trip(&self) -> Result<(), RequestError> {
        if !self.is_connected() {
            return Err(RequestError::Unavailable("not connected".to_owned()));
        }
        // To ourselves: a subject without listeners would be answered as well, but not on a
        // server where somebody listens to everything.
        let inbox = self.client().new_inbox();
        let mut echo = self.subscribe(inbox.clone()).await?;
        self.client()
            .publish(inbox, Bytes::new())
            .await
            .map_err(|error| RequestError::Unavailable(error.to_string()))?;
        self.unless_reconnected(self.answer(&mut echo)).await??;
        Ok(())
    }
}
