//! Questions to an edge, one method for each.

use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use runlog_schemas::api::{
    Accepted, BatchReply, BatchRequest, Completed, ExecutionPage, ExecutionView, FileView,
    FilesView, HistoryQuery, Languages, OutputQuery, OutputView, Readiness, RecordingQuery,
    RecordingView, RerunRequest, SnippetCreated, SnippetRequest, SnippetView, SubmitQuery,
    SubmitRequest, Version, Workers,
};
use runlog_schemas::{ExecutionId, OutputStream, SnippetId};
use serde::de::DeserializeOwned;

use crate::error::{excerpt, retry_after};
use crate::{BaseUrl, Error, Events, Frames, Session, Socket};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take, beside what it was asked to wait for.
const ANSWER: Duration = Duration::from_secs(30);

/// Talks to one edge. Cheap to clone; clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    base: BaseUrl,
    http: reqwest::Client,
}

/// The answer to a submission that was waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Waited {
    /// It ended in time.
    Completed(Box<Completed>),
    /// It goes on.
    Accepted(Accepted),
}

impl Client {
    /// A client of the edge at that address. Connects to nothing yet.
    #[must_use]
    pub fn new(base: BaseUrl) -> Self {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            // A proxy from the environment would stand between us and our own machine.
            .no_proxy()
            .build()
            .expect("without TLS there is nothing to fail");
        Self { base, http }
    }

    /// Where the edge is.
    #[must_use]
    pub const fn base(&self) -> &BaseUrl {
        &self.base
    }

    /// Sends a program. With a `key`, the same submission under the same key is accepted once,
    /// however often it is sent.
    ///
    /// # Errors
    /// See [`Error`]. Where the edge was unreachable, the program may have been accepted.
    pub async fn submit(
        &self,
        request: &SubmitRequest,
        key: Option<&str>,
    ) -> Result<Accepted, Error> {
        let mut builder = self.request(Method::POST, "/v1/executions").json(request);
        if let Some(key) = key {
            builder = builder.header("idempotency-key", key);
        }
        self.json(builder).await
    }

    /// Sends a program and waits for its end, at most that long.
    ///
    /// # Errors
    /// As [`Client::submit`].
    pub async fn submit_and_wait(
        &self,
        request: &SubmitRequest,
        wait: Duration,
    ) -> Result<Waited, Error> {
        let query = SubmitQuery {
            wait: Some(format!("{}ms", wait.as_millis())),
        };
        let builder = self
            .request(Method::POST, "/v1/executions")
            .query(&query)
            .json(request)
            .timeout(ANSWER + wait);
        let (url, response) = self.send(builder).await?;
        if response.status() == StatusCode::OK {
            let completed = read_json(&url, response).await?;
            return Ok(Waited::Completed(Box::new(completed)));
        }
        read_json(&url, response).await.map(Waited::Accepted)
    }

    /// Sends many programs; each is accepted or refused by itself.
    ///
    /// # Errors
    /// See [`Error`]; refusals of single programs are in the answer.
    pub async fn batch(&self, request: &BatchRequest) -> Result<BatchReply, Error> {
        let builder = self.request(Method::POST, "/v1/executions/batch");
        self.json(builder.json(request)).await
    }

    /// An execution as it is now.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn get(&self, id: ExecutionId) -> Result<ExecutionView, Error> {
        self.json(self.request(Method::GET, &of(id, ""))).await
    }

    /// A page of the history.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn list(&self, query: &HistoryQuery) -> Result<ExecutionPage, Error> {
        let builder = self.request(Method::GET, "/v1/executions");
        self.json(builder.query(query)).await
    }

    /// What a program has written so far.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn output(&self, id: ExecutionId) -> Result<OutputView, Error> {
        self.json(self.request(Method::GET, &of(id, "/output")))
            .await
    }

    /// The bytes of one stream, as they were written.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn output_bytes(
        &self,
        id: ExecutionId,
        stream: OutputStream,
    ) -> Result<Bytes, Error> {
        let query = OutputQuery {
            stream: Some(stream),
        };
        let builder = self.request(Method::GET, &of(id, "/output"));
        self.bytes(builder.query(&query)).await
    }

    /// What happened while a program ran, with its timing.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn recording(&self, id: ExecutionId) -> Result<RecordingView, Error> {
        self.json(self.request(Method::GET, &of(id, "/recording")))
            .await
    }

    /// The recording as a file for asciinema.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn recording_cast(&self, id: ExecutionId) -> Result<Bytes, Error> {
        let query = RecordingQuery {
            format: Some("cast".to_owned()),
        };
        let builder = self.request(Method::GET, &of(id, "/recording"));
        self.bytes(builder.query(&query)).await
    }

    /// The files that a program gave back.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn files(&self, id: ExecutionId) -> Result<FilesView, Error> {
        self.json(self.request(Method::GET, &of(id, "/files")))
            .await
    }

    /// The bytes of one of them.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn file(&self, file: &FileView) -> Result<Bytes, Error> {
        self.bytes(self.request(Method::GET, &file.link)).await
    }

    /// Shares a program.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn share(&self, request: &SnippetRequest) -> Result<SnippetCreated, Error> {
        let builder = self.request(Method::POST, "/v1/snippets");
        self.json(builder.json(request)).await
    }

    /// A program that was shared.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn snippet(&self, id: SnippetId) -> Result<SnippetView, Error> {
        let path = format!("/v1/snippets/{id}");
        self.json(self.request(Method::GET, &path)).await
    }

    /// The languages.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn languages(&self) -> Result<Languages, Error> {
        self.json(self.request(Method::GET, "/v1/languages")).await
    }

    /// Runs an execution again; the answer names the new one.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn rerun(&self, id: ExecutionId, request: &RerunRequest) -> Result<Accepted, Error> {
        let builder = self.request(Method::POST, &of(id, "/rerun"));
        self.json(builder.json(request)).await
    }

    /// The workers.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn workers(&self) -> Result<Workers, Error> {
        self.json(self.request(Method::GET, "/v1/workers")).await
    }

    /// Ends an execution, in the queue or while it runs.
    ///
    /// # Errors
    /// See [`Error`]; one that has ended is refused with its outcome.
    pub async fn cancel(&self, id: ExecutionId) -> Result<ExecutionView, Error> {
        self.json(self.request(Method::POST, &of(id, "/cancel")))
            .await
    }

    /// What runs there.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn version(&self) -> Result<Version, Error> {
        self.json(self.request(Method::GET, "/version")).await
    }

    /// Whether the edge can do its work. One that cannot answers too.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn readiness(&self) -> Result<Readiness, Error> {
        let builder = self.request(Method::GET, "/readyz");
        let (url, response) = self.answer(builder).await?;
        read_json(&url, response).await
    }

    /// Watches an execution from its beginning, or from behind a cursor.
    #[must_use]
    pub fn events(&self, id: ExecutionId, from: Option<String>) -> Events {
        Events::new(self.clone(), id, from)
    }

    /// Takes part in an execution from its beginning, or from behind a cursor.
    #[must_use]
    pub fn session(&self, id: ExecutionId, from: Option<String>) -> Session {
        Session::new(self.clone(), id, from)
    }

    /// One connection with events, which does not come back by itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn frames(&self, id: ExecutionId, from: Option<&str>) -> Result<Frames, Error> {
        let mut builder = self
            .http
            .get(self.base.http(&of(id, "/events")))
            .header("accept", "text/event-stream");
        if let Some(from) = from {
            builder = builder.header("last-event-id", from);
        }
        let connecting = self.send(builder);
        let url = self.base.http(&of(id, "/events"));
        match tokio::time::timeout(ANSWER, connecting).await {
            Err(late) => Err(Error::unreachable(&url, late)),
            Ok(answer) => answer.map(|(url, response)| Frames::new(url, response)),
        }
    }

    /// One WebSocket, which does not come back by itself.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn socket(&self, id: ExecutionId, from: Option<&str>) -> Result<Socket, Error> {
        // A cursor is made of digits and hyphens, so it needs no escaping.
        let query = from.map_or_else(String::new, |from| format!("?from={from}"));
        Socket::connect(self.base.ws(&of(id, &format!("/ws{query}")))).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, self.base.http(path))
            .timeout(ANSWER)
    }

    /// The answer, whatever its status.
    async fn answer(&self, builder: RequestBuilder) -> Result<(String, Response), Error> {
        let request = builder
            .build()
            .map_err(|error| Error::protocol(&self.base.to_string(), error.to_string()))?;
        let url = request.url().to_string();
        match self.http.execute(request).await {
            Ok(response) => Ok((url, response)),
            Err(error) => Err(Error::unreachable(&url, error.without_url())),
        }
    }

    /// The answer, if it is a success.
    pub(crate) async fn send(&self, builder: RequestBuilder) -> Result<(String, Response), Error> {
        let (url, response) = self.answer(builder).await?;
        if response.status().is_success() {
            return Ok((url, response));
        }
        let status = response.status().as_u16();
        let later = response.headers().get("retry-after");
        let later = retry_after(later.and_then(|it| it.to_str().ok()));
        let body = read(&url, response).await?;
        Err(Error::from_answer(&url, status, later, &body))
    }

    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        builder: RequestBuilder,
    ) -> Result<T, Error> {
        let (url, response) = self.send(builder).await?;
        read_json(&url, response).await
    }

    async fn bytes(&self, builder: RequestBuilder) -> Result<Bytes, Error> {
        let (url, response) = self.send(builder).await?;
        read(&url, response).await
    }
}

fn of(id: ExecutionId, rest: &str) -> String {
    format!("/v1/executions/{id}{rest}")
}

async fn read(url: &str, response: Response) -> Result<Bytes, Error> {
    response
        .bytes()
        .await
        .map_err(|error| Error::unreachable(url, error.without_url()))
}

async fn read_json<T: DeserializeOwned>(url: &str, response: Response) -> Result<T, Error> {
    let body = read(url, response).await?;
    serde_json::from_slice(&body)
        .map_err(|error| Error::protocol(url, format!("{error}, in {}", excerpt(&body))))
}
