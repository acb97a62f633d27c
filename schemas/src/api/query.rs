//! What stands behind the `?` of an address.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::Status;
use crate::OutputStream;

/// Of `POST /v1/executions`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct SubmitQuery {
    /// Wait for the end that long, at most one minute: `10s`, `500ms`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "10s")]
    pub wait: Option<String>,
}

/// Of `GET /v1/executions`. What is left out filters nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HistoryQuery {
    /// Only of this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// Only in this language, by id or alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Only where they stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub status: Option<Status>,
    /// Only with an outcome of this kind, for example `exited` or `time_limit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// Only submitted at or after, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since_ms: Option<u64>,
    /// Only submitted before, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
    /// Go on behind a page: its `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, 1 to 200, default 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Of `GET /v1/executions/{id}/events` and `/ws`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StreamQuery {
    /// Go on behind this cursor instead of at the beginning. The header `Last-Event-ID` counts
    /// before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(example = "12-345")]
    pub from: Option<String>,
}

/// Of `GET /v1/executions/{id}/output`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OutputQuery {
    /// Answer with the bytes of this stream alone, as a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(inline)]
    pub stream: Option<OutputStream>,
}

/// Of `GET /v1/executions/{id}/recording`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordingQuery {
    /// `json`, which is the default, or `cast` for asciinema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
}
