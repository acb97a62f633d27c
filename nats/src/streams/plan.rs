//! The way from what is there to what is wanted. Pure.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::wanted::{Object, Wanted};

/// What is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// Streams by name.
    pub streams: BTreeMap<String, CurrentStream>,
    /// Settings of the consumers of `EXECUTIONS` by name.
    pub consumers: BTreeMap<String, Map<String, Value>>,
}

/// A stream that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CurrentStream {
    /// Its settings, as the server tells them.
    pub config: Map<String, Value>,
    /// How many messages it holds.
    pub messages: u64,
    /// What they take, in bytes.
    pub bytes: u64,
    /// How old the oldest message is, in nanoseconds.
    pub oldest_ns: u64,
}

/// What is to be done with one stream or consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which of the two it is.
    pub object: ObjectKind,
    /// Made, changed, or refused.
    pub kind: Kind,
    /// What is wanted.
    pub wanted: Object,
    /// What changes, or why not; one line each.
    pub words: Vec<String>,
    /// The settings to send to the server: what is wanted, and what the operator chose.
    pub(crate) config: Map<String, Value>,
}

/// What a [`Change`] is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A stream.
    Stream,
    /// A consumer of `EXECUTIONS`.
    Consumer,
}

/// What a [`Change`] does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes what is not there.
    Create,
    /// Changes what is there, without losing anything.
    Update,
    /// Would lose something, so nothing at all is done.
    Refuse,
}

impl Change {
    /// `stream EXECUTIONS` or `consumer python-api`.
    #[must_use]
    pub fn target(&self) -> String {
        let object = match self.object {
            ObjectKind::Stream => "stream",
            ObjectKind::Consumer => "consumer",
        };
        format!("{object} {}", self.wanted.name)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "create",
            Self::Update => "change",
            Self::Refuse => "refuse to change",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.target())?;
        for word in &self.words {
            write!(f, "\n    {word}")?;
        }
        Ok(())
    }
}

/// What has to be done, and what must not be.
#[must_use]
pub fn plan(current: &Current, wanted: &Wanted) -> Vec<Change> {
    let streams =
        wanted
            .streams
            .iter()
            .filter_map(|stream| match current.streams.get(&stream.name) {
                Some(there) => {
                    changed(ObjectKind::Stream, &there.config, stream, |field, value| {
                        stream_refusal(there, field, value)
                    })
                }
                None => Some(made_stream(stream, current)),
            });
    let consumers = wanted.consumers.iter().filter_map(|consumer| {
        match current.consumers.get(&consumer.name) {
            Some(there) => changed(ObjectKind::Consumer, there, consumer, |field, _| {
                consumer_refusal(field)
            }),
            None => Some(made(ObjectKind::Consumer, consumer)),
        }
    });
    streams.chain(consumers).collect()
}

fn made(object: ObjectKind, wanted: &Object) -> Change {
    Change {
        object,
        kind: Kind::Create,
        wanted: wanted.clone(),
        words: Vec::new(),
        config: wanted.config.clone(),
    }
}

/// A new stream counts from 1. Where others still hold what refers to the old one's sequences,
/// that would quietly mix two histories.
fn made_stream(wanted: &Object, current: &Current) -> Change {
    let mut change = made(ObjectKind::Stream, wanted);
    let orphans: Vec<String> = current
        .streams
        .iter()
        .filter(|(name, stream)| stream.messages > 0 && !name.starts_with("KV_"))
        .map(|(name, stream)| format!("{name} ({} messages)", stream.messages))
        .collect();
    if wanted.name == runlog_schemas::subject::EXECUTIONS && !orphans.is_empty() {
        change.kind = Kind::Refuse;
        change.words.push(format!(
            "it is gone, but there is still {}: restore it from a backup, or remove those too",
            orphans.join(", ")
        ));
    }
    change
}

fn changed(
    object: ObjectKind,
    there: &Map<String, Value>,
    wanted: &Object,
    refusal: impl Fn(&str, &Value) -> Option<String>,
) -> Option<Change> {
    let differences = differences(there, &wanted.config);
    if differences.is_empty() {
        return None;
    }
    let refusals: Vec<String> = differences
        .iter()
        .filter_map(|(field, value)| refusal(field, value))
        .collect();
    let (kind, words) = if refusals.is_empty() {
        let words = differences
            .iter()
            .map(|(field, value)| format!("{field}: {} becomes {value}", shown(there, field)));
        (Kind::Update, words.collect())
    } else {
        (Kind::Refuse, refusals)
    };
    // What we have no opinion on stays as its operator set it.
    let mut config = there.clone();
    config.extend(wanted.config.clone());
    Some(Change {
        object,
        kind,
        wanted: wanted.clone(),
        words,
        config,
    })
}

/// The wanted settings that are not so.
pub(crate) fn differences<'a>(
    there: &Map<String, Value>,
    wanted: &'a Map<String, Value>,
) -> Vec<(&'a str, &'a Value)> {
    wanted
        .iter()
        .filter(|(field, value)| !same(there.get(*field), value))
        .map(|(field, value)| (field.as_str(), value))
        .collect()
}

/// Whether a setting is as wanted. The server leaves out what is zero, false or empty, and adds
/// to objects what we do not name.
fn same(there: Option<&Value>, wanted: &Value) -> bool {
    match (there, wanted) {
        (None | Some(Value::Null), Value::Bool(false)) => true,
        (None | Some(Value::Null), Value::Number(number)) => number.as_i64() == Some(0),
        (Some(Value::Object(there)), Value::Object(wanted)) => {
            differences(there, wanted).is_empty()
        }
        (Some(Value::Array(there)), Value::Array(wanted)) => {
            there.len() == wanted.len() && wanted.iter().all(|it| there.contains(it))
        }
        (there, wanted) => there == Some(wanted),
    }
}

fn shown(there: &Map<String, Value>, field: &str) -> String {
    there
        .get(field)
        .map_or_else(|| "nothing".to_owned(), Value::to_string)
}

fn stream_refusal(there: &CurrentStream, field: &str, wanted: &Value) -> Option<String> {
    let now = there.config.get(field);
    let lost = |words: &str| Some(format!("{field}: {words}"));
    match field {
        "subjects" => {
            let wanted: Vec<&Value> = wanted.as_array().into_iter().flatten().collect();
            let gone: Vec<String> = now
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter(|subject| !wanted.contains(subject))
                .map(Value::to_string)
                .collect();
            let list = gone.join(", ");
            (!gone.is_empty()).then(|| format!("subjects: {list} would no longer be stored"))
        }
        "retention" => lost("another retention would remove messages"),
        "storage" => lost("moving messages between disk and memory is not possible"),
        "discard" if wanted == "old" => lost("a full stream would drop its oldest messages"),
        "num_replicas" if wanted.as_u64() < now.and_then(Value::as_u64) => lost(
            "fewer copies would survive less; do it with the server's own tools if you mean it",
        ),
        "max_msgs" => beyond(field, wanted, there.messages, "messages"),
        "max_bytes" => beyond(field, wanted, there.bytes, "bytes"),
        "max_age" => beyond(field, wanted, there.oldest_ns, "nanoseconds of history"),
        "max_msgs_per_subject" if there.messages > 0 && limited_more(now, wanted) => {
            lost("messages beyond it would be removed")
        }
        _ => None,
    }
}

/// Refuses a limit that is below what is stored.
fn beyond(field: &str, wanted: &Value, stored: u64, what: &str) -> Option<String> {
    let limit = wanted.as_u64().filter(|limit| *limit > 0)?;
    (stored > limit).then(|| {
        format!("{field}: it holds {stored} {what}, and beyond {limit} they would be removed")
    })
}

/// Whether the wanted limit is tighter than the one that holds; zero and less are none.
fn limited_more(now: Option<&Value>, wanted: &Value) -> bool {
    let limit = |value: &Value| value.as_u64().filter(|limit| *limit > 0);
    match (now.and_then(limit), limit(wanted)) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(now), Some(wanted)) => wanted < now,
    }
}

fn consumer_refusal(field: &str) -> Option<String> {
    let fixed = [
        "filter_subject",
        "deliver_policy",
        "ack_policy",
        "durable_name",
        "replay_policy",
    ];
    fixed
        .contains(&field)
        .then(|| format!("{field}: cannot be changed without forgetting what was acknowledged"))
}

#[cfg(test)]
mod tests;
