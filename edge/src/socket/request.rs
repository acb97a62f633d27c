//! What a viewer says, and what becomes of it.

use std::sync::Arc;

use runlog_nats::ControlError;
use runlog_schemas::api::{ViewerMessage, ViewerRequest};
use runlog_schemas::control::{ControlRefusal, ControlReply, ControlRequest};
use runlog_schemas::{ExecutionId, State, TerminalSize};
use tokio_tungstenite::tungstenite::Message;

use super::signal;
use crate::body::from_json;
use crate::error::EdgeError;
use crate::record;
use crate::routes::cancel;
use crate::state::Edge;

/// Why a request was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    code: &'static str,
    message: String,
}

impl From<Trouble> for ViewerMessage {
    fn from(trouble: Trouble) -> Self {
        Self::Error {
            code: trouble.code.to_owned(),
            message: trouble.message,
        }
    }
}

impl From<EdgeError> for Trouble {
    fn from(error: EdgeError) -> Self {
        match error {
            EdgeError::AlreadyEnded(_) => ControlRefusal::Ended.into(),
            error => Self::new(error.status_and_code().1, error.to_string()),
        }
    }
}

impl From<ControlRefusal> for Trouble {
    fn from(refusal: ControlRefusal) -> Self {
        let code = match refusal {
            ControlRefusal::NotRunningYet => "not_running_yet",
            ControlRefusal::InputClosed => "input_closed",
            ControlRefusal::InputFull => "input_full",
            ControlRefusal::NoTerminal => "no_terminal",
            ControlRefusal::Ended => "ended",
        };
        Self::new(code, refusal.to_string())
    }
}

impl Trouble {
    fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(super) fn no_such_execution() -> Self {
        EdgeError::NoSuchExecution.into()
    }
}

/// Something that can be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// For the program.
    Control(ControlRequest),
    /// For the log.
    Cancel,
}

/// Reads what a viewer says.
pub(super) fn read(message: &Message) -> Result<Request, Trouble> {
    let Message::Text(text) = message else {
        let message = "messages must be text, with a JSON document in each";
        return Err(Trouble::new("malformed_request", message));
    };
    let request = from_json(text.as_bytes()).map_err(|error| {
        let fields = error.problem().fields;
        let details = fields
            .iter()
            .map(|it| format!("; {}: given {}, allowed {}", it.field, it.given, it.allowed));
        Trouble::new(
            "malformed_request",
            format!("{error}{}", details.collect::<String>()),
        )
    })?;
    Ok(Request::Control(match request {
        ViewerRequest::Stdin { data } => ControlRequest::Stdin { data },
        ViewerRequest::Eof {} => ControlRequest::Eof,
        ViewerRequest::Resize { columns, rows } => ControlRequest::Resize {
            size: size(columns, rows)?,
        },
        ViewerRequest::Signal { signal } => ControlRequest::Signal {
            signal: signal::number(&signal).ok_or_else(|| {
                let message = format!("unknown signal {signal:?}; allowed: {}", signal::ALLOWED);
                Trouble::new("unknown_signal", message)
            })?,
        },
        ViewerRequest::Cancel {} => return Ok(Request::Cancel),
    }))
}

fn size(columns: u16, rows: u16) -> Result<TerminalSize, Trouble> {
    let allowed = 1..=1_000;
    if allowed.contains(&columns) && allowed.contains(&rows) {
        return Ok(TerminalSize { columns, rows });
    }
    let message = format!("{columns} columns and {rows} rows; both may be 1 to 1000");
    Err(Trouble::new("invalid_size", message))
}

/// Does what a viewer asks for.
pub(super) async fn apply(
    edge: Arc<Edge>,
    id: ExecutionId,
    request: Request,
) -> Result<(), Trouble> {
    let control = match request {
        Request::Cancel => return Ok(cancel(&edge, id).await.map(|_| ())?),
        Request::Control(control) => control,
    };
    match edge.log.control_request(id, &control).await {
        Ok(ControlReply::Applied) => Ok(()),
        Ok(ControlReply::Refused { reason }) => Err(reason.into()),
        Err(ControlError::NotRunning) => Err(why_not_running(&edge, id).await),
        Err(ControlError::TimedOut) => {
            let message = "the worker did not answer; it may have been applied";
            Err(Trouble::new("no_answer", message))
        }
        Err(error @ ControlError::Unavailable(_)) => {
            Err(EdgeError::LogUnavailable(error.into()).into())
        }
        Err(error @ ControlError::Malformed(_)) => Err(EdgeError::Broken(error.into()).into()),
    }
}

async fn why_not_running(edge: &Edge, id: ExecutionId) -> Trouble {
    match record::find(edge, id).await {
        Ok(execution) => match execution.state {
            State::Absent => Trouble::no_such_execution(),
            State::Queued { .. } => ControlRefusal::NotRunningYet.into(),
            State::Ended(_) => ControlRefusal::Ended.into(),
            State::Running { .. } => {
                Trouble::new("no_answer", "the worker that runs it does not listen")
            }
        },
        Err(error) => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use runlog_schemas::Data;

    use super::*;

    fn read_text(text: &str) -> Result<Request, Trouble> {
        read(&Message::text(text))
    }

    #[test]
    fn requests_are_read() {
        let stdin = Request::Control(ControlRequest::Stdin {
            data: Data::from("hi\n"),
        });
        assert_eq!(
            read_text(r#"{"type":"stdin","data":{"text":"hi\n"}}"#),
            Ok(stdin)
        );
        let size = TerminalSize {
            columns: 80,
            rows: 24,
        };
        assert_eq!(
            read_text(r#"{"type":"resize","columns":80,"rows":24}"#),
            Ok(Request::Control(ControlRequest::Resize { size }))
        );
        assert_eq!(
            read_text(r#"{"type":"signal","signal":"SIGINT"}"#),
            Ok(Request::Control(ControlRequest::Signal { signal: 2 }))
        );
        assert_eq!(
            read_text(r#"{"type":"eof"}"#),
            Ok(Request::Control(ControlRequest::Eof))
        );
        assert_eq!(read_text(r#"{"type":"cancel"}"#), Ok(Request::Cancel));
    }

    #[test]
    fn what_makes_no_sense_is_told() {
        for (text, code) in [
            ("", "malformed_request"),
            ("hi", "malformed_request"),
            (r#"{"type":"format_disk"}"#, "malformed_request"),
            (r#"{"type":"eof","x":1}"#, "malformed_request"),
            (
                r#"{"type":"stdin","data":{"base64":"?"}}"#,
                "malformed_request",
            ),
            (r#"{"type":"resize","columns":0,"rows":1}"#, "invalid_size"),
            (
                r#"{"type":"resize","columns":1,"rows":1001}"#,
                "invalid_size",
            ),
            (r#"{"type":"signal","signal":"SIGFOO"}"#, "unknown_signal"),
            (r#"{"type":"signal","signal":"0"}"#, "unknown_signal"),
        ] {
            assert_eq!(read_text(text).unwrap_err().code, code, "{text}");
        }
        assert!(read(&Message::binary(vec![0])).is_err());
    }
}
