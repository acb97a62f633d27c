//! Programs that were shared, as the projector keeps them.

use runlog_schemas::{SnippetEvent, SnippetId, decode_snippet};
use uuid::Uuid;

use super::{History, HistoryError, LARGEST_SUBMISSION, get, unpack};

impl History {
    /// The event with which a snippet was shared.
    ///
    /// # Errors
    /// When the database does not answer, or has something unreadable.
    pub(crate) async fn snippet(
        &self,
        id: SnippetId,
    ) -> Result<Option<SnippetEvent>, HistoryError> {
        let sql = "SELECT body FROM snippets WHERE id = $1";
        let rows = self.query(sql, &[&Uuid::from_u128(id.bits())]).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let broken = |message: String| HistoryError::Broken {
            about: format!("snippet {id}"),
            message,
        };
        let body = get(row, 0, &format!("snippet {id}"))?;
        let event = unpack(body, LARGEST_SUBMISSION).map_err(broken)?;
        let event = decode_snippet(&event).map_err(|error| broken(error.to_string()))?;
        Ok(Some(event))
    }
}
