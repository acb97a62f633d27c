//! Questions about dead letters.

use reqwest::Method;
use runlog_schemas::ExecutionId;
use runlog_schemas::api::{
    Accepted, DeadLetterPage, DeadLetterQuery, DeadLetterReport, DeadLetterSelection,
    DeadLetterView,
};

use crate::{Client, Error};

const LETTERS: &str = "/v1/dead-letters";

impl Client {
    /// A page of dead letters, the oldest first.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn dead_letters(&self, query: &DeadLetterQuery) -> Result<DeadLetterPage, Error> {
        let builder = self.request(Method::GET, LETTERS);
        self.json(builder.query(query)).await
    }

    /// One dead letter, with every attempt.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn dead_letter(&self, id: ExecutionId) -> Result<DeadLetterView, Error> {
        self.json(self.request(Method::GET, &format!("{LETTERS}/{id}")))
            .await
    }

    /// Has a dead letter tried again; the answer names the new execution.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn redrive(&self, id: ExecutionId) -> Result<Accepted, Error> {
        let path = format!("{LETTERS}/{id}/redrive");
        self.json(self.request(Method::POST, &path)).await
    }

    /// Has all dead letters tried again that fit.
    ///
    /// # Errors
    /// See [`Error`]; what could not be done with single ones is in the answer.
    pub async fn redrive_selected(
        &self,
        selection: &DeadLetterSelection,
    ) -> Result<DeadLetterReport, Error> {
        let builder = self.request(Method::POST, &format!("{LETTERS}/redrive"));
        self.json(builder.json(selection)).await
    }

    /// Drops a dead letter.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn drop_dead_letter(&self, id: ExecutionId) -> Result<(), Error> {
        let builder = self.request(Method::DELETE, &format!("{LETTERS}/{id}"));
        self.send(builder).await.map(|_| ())
    }

    /// Drops all dead letters that fit.
    ///
    /// # Errors
    /// See [`Error`]; what could not be done with single ones is in the answer.
    pub async fn drop_selected(
        &self,
        selection: &DeadLetterSelection,
    ) -> Result<DeadLetterReport, Error> {
        let builder = self.request(Method::POST, &format!("{LETTERS}/drop"));
        self.json(builder.json(selection)).await
    }
}
