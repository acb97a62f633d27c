//! What is wanted: `streams.toml`, with the languages and the number of replicas filled in.

use runlog_schemas::{Priority, subject};
use serde::Deserialize;
use serde_json::{Value, json};

/// The data, as it stands in the repository.
const STREAMS: &str = include_str!("../../streams.toml");

/// How many servers keep a copy of every message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Replicas {
    /// One server: survives the kill of any process and the loss of power, not the loss of its
    /// disk.
    #[default]
    One,
    /// A cluster of three or more: survives the loss of any one server.
    Three,
}

impl Replicas {
    /// As a number.
    #[must_use]
    pub const fn count(self) -> u64 {
        match self {
            Self::One => 1,
            Self::Three => 3,
        }
    }
}

/// A stream or consumer and the settings that matter to us, under the names of the server's API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its settings. What is not named here is left to the server and its operator.
    pub config: serde_json::Map<String, Value>,
}

/// All streams and consumers that there shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The streams.
    pub streams: Vec<Object>,
    /// The consumers of [`subject::EXECUTIONS`].
    pub consumers: Vec<Object>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    stream: Vec<StreamEntry>,
    queue: QueueEntry,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StreamEntry {
    name: String,
    description: String,
    subjects: Vec<String>,
    discard: String,
    max_age_s: u64,
    max_messages: i64,
    #[serde(default)]
    max_messages_per_subject: Option<i64>,
    max_bytes: i64,
    max_message_bytes: i64,
    duplicate_window_s: u64,
    republish_from: Option<String>,
    republish_to: Option<String>,
    #[serde(default)]
    rollup: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct QueueEntry {
    ack_wait_s: u64,
    max_ack_pending: u64,
    max_waiting: u64,
}

impl Wanted {
    /// What Runlog needs for these languages.
    #[must_use]
    pub fn of(languages: &[String], replicas: Replicas) -> Self {
        let file: File = toml::from_str(STREAMS).expect("streams.toml is tested to be readable");
        let streams = file
            .stream
            .into_iter()
            .map(|entry| entry.object(replicas))
            .collect();
        let consumers = languages
            .iter()
            .flat_map(|language| {
                Priority::ALL.map(|priority| file.queue.object(language, priority))
            })
            .collect();
        Self { streams, consumers }
    }

    /// The same on a disk that is too small for all of it: together the streams hold no more than so
    /// many bytes. The small ones keep their bounds, and the large ones share what is left alike.
    #[must_use]
    pub fn within(mut self, bytes: u64) -> Self {
        let mut bounds: Vec<u64> = self.streams.iter().map(Object::max_bytes).collect();
        bounds.sort_unstable();
        let (mut left, mut most) = (bytes, u64::MAX);
        for (place, bound) in bounds.iter().enumerate() {
            let share = left / (bounds.len() - place) as u64;
            if *bound > share {
                most = share;
                break;
            }
            left -= bound;
        }
        for stream in &mut self.streams {
            let bound = stream.max_bytes().min(most);
            stream.config.insert("max_bytes".to_owned(), bound.into());
        }
        self
    }

    /// How much all streams may hold together, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.streams.iter().map(Object::max_bytes).sum()
    }
}

impl Object {
    fn max_bytes(&self) -> u64 {
        self.config
            .get("max_bytes")
            .and_then(Value::as_u64)
            .unwrap_or(0)
    }
}

impl StreamEntry {
    fn object(self, replicas: Replicas) -> Object {
        let config = json!({
            "name": self.name,
            "description": self.description,
            "subjects": self.subjects,
            "retention": "limits",
            "storage": "file",
            "discard": self.discard,
            "num_replicas": replicas.count(),
            "max_age": nanoseconds(self.max_age_s),
            "max_msgs": self.max_messages,
            "max_msgs_per_subject": self.max_messages_per_subject.unwrap_or(-1),
            "max_bytes": self.max_bytes,
            "max_msg_size": self.max_message_bytes,
            "duplicate_window": nanoseconds(self.duplicate_window_s),
            // Batched reads, and no way to take a single event out of the log.
            "allow_direct": true,
            "deny_delete": true,
            "deny_purge": false,
            "allow_rollup_hdrs": self.rollup,
        });
        let mut config = object(config);
        if let (Some(from), Some(to)) = (self.republish_from, self.republish_to) {
            config.insert("republish".to_owned(), json!({ "src": from, "dest": to }));
        }
        Object {
            name: self.name,
            config,
        }
    }
}

impl QueueEntry {
    fn object(&self, language: &str, priority: Priority) -> Object {
        let name = subject::consumer(language, priority);
        let config = json!({
            "name": name,
            "durable_name": name,
            "filter_subject": subject::queue(language, priority),
            "deliver_policy": "all",
            "replay_policy": "instant",
            "ack_policy": "explicit",
            "ack_wait": nanoseconds(self.ack_wait_s),
            // The worker counts; the server would give up without a word.
            "max_deliver": -1,
            "max_ack_pending": self.max_ack_pending,
            "max_waiting": self.max_waiting,
        });
        Object {
            name,
            config: object(config),
        }
    }
}

fn object(value: Value) -> serde_json::Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => serde_json::Map::new(),
    }
}

fn nanoseconds(seconds: u64) -> u64 {
    seconds * 1_000_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> Wanted {
        Wanted::of(&["python".to_owned(), "c".to_owned()], Replicas::Three)
    }

    #[test]
    fn the_file_agrees_with_the_language_of_the_log() {
        let wanted = wanted();
        let subjects = |name: &str| -> Vec<String> {
            let stream = wanted.streams.iter().find(|it| it.name == name).unwrap();
            serde_json::from_value(stream.config["subjects"].clone()).unwrap()
        };
        assert_eq!(subjects(subject::EXECUTIONS), subject::EXECUTIONS_SUBJECTS);
        assert_eq!(subjects(subject::OUTPUT), subject::OUTPUT_SUBJECTS);
        assert_eq!(
            subjects(subject::DEAD_LETTERS),
            subject::DEAD_LETTERS_SUBJECTS
        );
        assert_eq!(subjects(crate::objects::STREAM), crate::objects::SUBJECTS);
        assert_eq!(subjects(subject::SNIPPETS), subject::SNIPPETS_SUBJECTS);
        assert_eq!(subjects("KV_LANGUAGES"), ["$KV.LANGUAGES.>"]);
        assert_eq!(subjects("KV_WORKERS"), ["$KV.WORKERS.>"]);
        let parts = ["$O.ARTIFACTS.C.>", "$O.ARTIFACTS.M.>"];
        assert_eq!(subjects(crate::artifacts::STREAM), parts);
    }

    #[test]
    fn there_is_a_queue_for_each_language_and_priority() {
        let names: Vec<String> = wanted().consumers.into_iter().map(|it| it.name).collect();
        assert_eq!(
            names,
            [
                "python-interactive",
                "python-api",
                "python-background",
                "c-interactive",
                "c-api",
                "c-background"
            ]
        );
    }

    #[test]
    fn a_small_disk_is_shared_by_the_large_streams() {
        let full = wanted();
        assert!(full.bytes() > 180_000_000_000, "{}", full.bytes());
        assert_eq!(full.clone().within(full.bytes()), full);
        let small = full.clone().within(2 << 30);
        let bytes = small.bytes();
        assert!(bytes <= 2 << 30 && bytes > (2 << 30) - 100, "{bytes}");
        let bound = |wanted: &Wanted, name: &str| {
            let stream = wanted.streams.iter().find(|it| it.name == name);
            stream.unwrap().max_bytes()
        };
        assert_eq!(bound(&small, "KV_WORKERS"), bound(&full, "KV_WORKERS"));
        assert_eq!(bound(&small, "EXECUTIONS"), bound(&small, "OUTPUT"));
        assert!(bound(&small, "EXECUTIONS") > 200 << 20);
    }

    #[test]
    fn no_submission_ages_away_before_it_expires() {
        let age = wanted().streams[0].config["max_age"].as_u64().unwrap();
        for priority in Priority::ALL {
            assert!(priority.default_queue_limit_ms() * 1_000_000 * 2 < age);
        }
    }
}
