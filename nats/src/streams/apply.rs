//! Doing what was planned, and checking at start that it was done.

use std::collections::BTreeMap;
use std::time::Duration;

use runlog_schemas::subject;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::plan::{Change, Current, CurrentStream, Kind, ObjectKind, differences, plan};
use super::wanted::{Object, Replicas, Wanted};
use crate::request::{NO_STREAM, while_unavailable};
use crate::{Log, RequestError};

/// Why the streams are not as wanted.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// Doing it would lose something, so nothing was done.
    #[error("nothing was changed, since something would be lost:\n{}", lines(.0))]
    Refused(Vec<Change>),
    /// The server failed at one step; those before it are done.
    #[error("cannot {step}")]
    Step {
        /// What was being done.
        step: String,
        /// What the server said.
        #[source]
        source: RequestError,
    },
    /// The server took the settings and did not do as they say.
    #[error("the server did not take all settings of {target}: {}", .differences.join(", "))]
    NotTaken {
        /// The stream or consumer.
        target: String,
        /// The settings.
        differences: Vec<String>,
    },
}

/// Why this process must not start.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// Something is missing or different.
    #[error("the streams are not as this version needs them; run `runlog streams apply`:\n    {}", .0.join("\n    "))]
    Different(Vec<String>),
    /// The log did not say.
    #[error("cannot look at the streams")]
    Request(#[from] RequestError),
}

/// How long a process that starts waits until the log says how its streams are.
const PATIENCE: Duration = Duration::from_secs(30);

/// Settings that an operator may choose; a process starts whatever they are.
const TUNABLE: [&str; 9] = [
    "description",
    "num_replicas",
    "max_age",
    "max_msgs",
    "max_bytes",
    "max_msg_size",
    "duplicate_window",
    "max_ack_pending",
    "max_waiting",
];

#[derive(Deserialize)]
struct StreamInfo {
    config: Map<String, Value>,
    state: StreamState,
}

#[derive(Deserialize)]
struct StreamState {
    messages: u64,
    bytes: u64,
    first_ts: String,
}

impl StreamState {
    /// How old the oldest message is, in nanoseconds.
    fn oldest_ns(&self, now_ms: u64) -> u64 {
        if self.messages == 0 {
            return 0;
        }
        let now = i128::from(now_ms) * 1_000_000;
        match async_nats::datetime::parse_rfc3339(&self.first_ts) {
            Ok(first) => u64::try_from(now - first.unix_timestamp_nanos()).unwrap_or(0),
            // Better refuse a shorter age than lose something over a date.
            Err(_) => u64::MAX,
        }
    }
}

#[derive(Deserialize)]
struct ConsumerPage {
    total: u64,
    consumers: Option<Vec<ConsumerInfo>>,
}

#[derive(Deserialize)]
struct ConsumerInfo {
    name: String,
    config: Map<String, Value>,
}

#[derive(Deserialize)]
struct Echo {
    config: Map<String, Value>,
}

/// Makes the streams and consumers as wanted, or says what it would do. All or nothing where
/// something would be lost.
///
/// # Errors
/// When something would be lost, and when the server fails.
pub async fn apply(
    log: &Log,
    wanted: &Wanted,
    dry_run: bool,
    now_ms: u64,
) -> Result<Vec<Change>, ApplyError> {
    let current = current(log, wanted, now_ms)
        .await
        .map_err(|source| ApplyError::Step {
            step: "look at the streams".to_owned(),
            source,
        })?;
    let changes = plan(&current, wanted);
    if changes.iter().any(|change| change.kind == Kind::Refuse) && !dry_run {
        return Err(ApplyError::Refused(changes));
    }
    if !dry_run {
        for change in &changes {
            carry_out(log, change).await?;
        }
    }
    Ok(changes)
}

impl Log {
    /// Checks that the streams, and the queues of these languages, are there and as this version
    /// needs them. Sizes and copies are the operator's choice.
    ///
    /// # Errors
    /// When they are not, with words.
    pub async fn verify_streams(&self, languages: &[String]) -> Result<(), VerifyError> {
        let wanted = Wanted::of(languages, Replicas::One);
        let current = self.current_streams(&wanted).await?;
        let problems = problems(&current, &wanted);
        if problems.is_empty() {
            Ok(())
        } else {
            Err(VerifyError::Different(problems))
        }
    }

    /// A cluster that elects leaders, or is busy, is waited for.
    async fn current_streams(&self, wanted: &Wanted) -> Result<Current, RequestError> {
        while_unavailable(Instant::now() + PATIENCE, || current(self, wanted, 0)).await
    }
}

fn problems(current: &Current, wanted: &Wanted) -> Vec<String> {
    let streams = wanted.streams.iter().flat_map(|stream| {
        let there = current.streams.get(&stream.name).map(|it| &it.config);
        problem("stream", stream, there)
    });
    let consumers = wanted
        .consumers
        .iter()
        .flat_map(|consumer| problem("consumer", consumer, current.consumers.get(&consumer.name)));
    streams.chain(consumers).collect()
}

fn problem(kind: &str, wanted: &Object, there: Option<&Map<String, Value>>) -> Vec<String> {
    let name = &wanted.name;
    let Some(there) = there else {
        return vec![format!("{kind} {name} is missing")];
    };
    differences(there, &wanted.config)
        .into_iter()
        .filter(|(field, _)| !TUNABLE.contains(field))
        .map(|(field, value)| format!("{kind} {name}: {field} is not {value}"))
        .collect()
}

async fn current(log: &Log, wanted: &Wanted, now_ms: u64) -> Result<Current, RequestError> {
    let mut current = Current::default();
    for stream in &wanted.streams {
        let subject = format!("STREAM.INFO.{}", stream.name);
        match log
            .read_api::<StreamInfo>(&stream.name, &subject, &())
            .await
        {
            Ok(info) => {
                let there = CurrentStream {
                    config: info.config,
                    messages: info.state.messages,
                    bytes: info.state.bytes,
                    oldest_ns: info.state.oldest_ns(now_ms),
                };
                current.streams.insert(stream.name.clone(), there);
            }
            Err(RequestError::Refused { code, .. }) if code == NO_STREAM => {}
            Err(error) => return Err(error),
        }
    }
    if current.streams.contains_key(subject::EXECUTIONS) {
        current.consumers = consumers(log).await?;
    }
    Ok(current)
}

async fn consumers(log: &Log) -> Result<BTreeMap<String, Map<String, Value>>, RequestError> {
    let subject = format!("CONSUMER.LIST.{}", subject::EXECUTIONS);
    let mut consumers = BTreeMap::new();
    let mut offset = 0;
    loop {
        let of = subject::EXECUTIONS;
        let page: ConsumerPage = log
            .read_api(of, &subject, &json!({ "offset": offset }))
            .await?;
        let infos = page.consumers.unwrap_or_default();
        offset += infos.len() as u64;
        let empty = infos.is_empty();
        consumers.extend(infos.into_iter().map(|info| (info.name, info.config)));
        if empty || offset >= page.total {
            return Ok(consumers);
        }
    }
}

async fn carry_out(log: &Log, change: &Change) -> Result<(), ApplyError> {
    let failed = |source| ApplyError::Step {
        step: format!("{} {}", change.kind, change.target()),
        source,
    };
    let (subject, request) = request(change);
    let echo: Echo = log.api(&subject, &request).await.map_err(failed)?;
    let differences: Vec<String> = differences(&echo.config, &change.wanted.config)
        .into_iter()
        .map(|(field, value)| format!("{field} {value}"))
        .collect();
    if differences.is_empty() {
        Ok(())
    } else {
        Err(ApplyError::NotTaken {
            target: change.target(),
            differences,
        })
    }
}

fn request(change: &Change) -> (String, Value) {
    let name = &change.wanted.name;
    let config = &change.config;
    match change.object {
        ObjectKind::Stream => {
            let verb = match change.kind {
                Kind::Create => "CREATE",
                Kind::Update | Kind::Refuse => "UPDATE",
            };
            (format!("STREAM.{verb}.{name}"), json!(config))
        }
        ObjectKind::Consumer => {
            let stream = subject::EXECUTIONS;
            let action = match change.kind {
                Kind::Create => "create",
                Kind::Update | Kind::Refuse => "update",
            };
            let request = json!({ "stream_name": stream, "action": action, "config": config });
            (format!("CONSUMER.CREATE.{stream}.{name}"), request)
        }
    }
}

fn lines(changes: &[Change]) -> String {
    changes
        .iter()
        .filter(|change| change.kind == Kind::Refuse)
        .map(Change::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}
