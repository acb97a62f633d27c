//! The name of an execution.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Names one execution, and with it its subjects in the log. New ones are UUIDv7, so they sort by
/// time, but for those of an idempotency key, which are UUIDv8 and sort nowhere; written in lower case with hyphens, 36 characters.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = String, format = Uuid, example = "01941f29-7c00-7000-8000-000000000001")]
pub struct ExecutionId(Uuid);

/// A text that is not an execution id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an execution id: {0:?}; expected a UUID such as 01941f29-7c00-7000-8000-000000000001")]
pub struct MalformedId(String);

impl ExecutionId {
    /// Wraps a UUID.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID inside.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ExecutionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl FromStr for ExecutionId {
    type Err = MalformedId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Other spellings that the parser knows (braced, URN, without hyphens) would give one
        // execution several addresses.
        if text.len() != 36 {
            return Err(MalformedId(text.chars().take(64).collect()));
        }
        Uuid::try_parse(text)
            .map(Self)
            .map_err(|_| MalformedId(text.chars().take(64).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_an_id() {
        let text = "01941f29-7c00-7000-8000-000000000001";
        assert_eq!(text.parse::<ExecutionId>().unwrap().to_string(), text);
        for bad in [
            "",
            "x",
            "01941f297c0070008000000000000001",
            "{01941f29-7c00-7000-8000-000000000001}",
        ] {
            assert!(bad.parse::<ExecutionId>().is_err(), "{bad}");
        }
    }
}
