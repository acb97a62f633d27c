//! Reads what stands behind the `?` of an address, and says all that is wrong with it at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;

use runlog_schemas::api::FieldProblem;
use warp::Filter;

use crate::body::shorten;
use crate::error::EdgeError;

/// The query of a request, as it stands; empty where there is none.
pub(crate) fn raw() -> impl Filter<Extract = (String,), Error = Infallible> + Clone {
    warp::query::raw().or(warp::any().map(String::new)).unify()
}

/// The parameters of a query, to be taken one by one.
#[derive(Debug)]
pub(crate) struct Query {
    parameters: BTreeMap<String, String>,
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl Query {
    /// Reads a query.
    #[must_use]
    pub(crate) fn parse(raw: &str) -> Self {
        let mut query = Self {
            parameters: BTreeMap::new(),
            known: Vec::new(),
            problems: Vec::new(),
        };
        let pairs: Vec<(String, String)> = serde_urlencoded::from_str(raw).unwrap_or_default();
        for (name, value) in pairs {
            if query.parameters.insert(name.clone(), value).is_some() {
                query.refuse(&name, "several", "one");
            }
        }
        query
    }

    /// Takes a parameter as it stands.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        self.parameters.remove(name)
    }

    /// Takes a parameter and reads it; `allowed` says what it may be.
    pub(crate) fn read<T>(
        &mut self,
        name: &'static str,
        allowed: impl Display,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.check(name, Some(&text), allowed, read)
    }

    /// Reads something that came another way but belongs to the same request.
    pub(crate) fn check<T>(
        &mut self,
        name: &str,
        text: Option<&str>,
        allowed: impl Display,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = text?;
        let value = read(text);
        if value.is_none() {
            self.refuse(name, text, allowed);
        }
        value
    }

    /// Takes a parameter that is whatever the type can read.
    pub(crate) fn parsed<T: FromStr>(
        &mut self,
        name: &'static str,
        allowed: impl Display,
    ) -> Option<T> {
        self.read(name, allowed, |text| text.parse().ok())
    }

    /// Notes that a parameter makes no sense.
    fn refuse(&mut self, name: &str, given: &str, allowed: impl Display) {
        self.problems.push(FieldProblem {
            field: name.to_owned(),
            given: shorten(given),
            allowed: allowed.to_string(),
        });
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// With every parameter that made no sense, and every one that nobody took.
    pub(crate) fn finish(mut self) -> Result<(), EdgeError> {
        let known = match self.known.as_slice() {
            [] => "no parameters".to_owned(),
            known => known.join(", "),
        };
        for name in std::mem::take(&mut self.parameters).into_keys() {
            self.refuse(&shorten(&name), "an unknown parameter", &known);
        }
        if self.problems.is_empty() {
            Ok(())
        } else {
            Err(EdgeError::InvalidQuery(self.problems))
        }
    }
}

/// Refuses every parameter.
///
/// # Errors
/// When there is one.
pub(crate) fn none(raw: &str) -> Result<(), EdgeError> {
    Query::parse(raw).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_read() {
        let mut query = Query::parse("limit=5&session=a%20b&after=");
        assert_eq!(query.parsed::<u32>("limit", "a number"), Some(5));
        assert_eq!(query.text("session").as_deref(), Some("a b"));
        assert_eq!(query.text("after").as_deref(), Some(""));
        assert_eq!(query.text("until"), None);
        query.finish().unwrap();
        none("").unwrap();
    }

    #[test]
    fn everything_that_is_wrong_is_told_at_once() {
        let mut query = Query::parse("limit=x&colour=red&limit=y");
        assert_eq!(query.parsed::<u32>("limit", "1 to 200"), None);
        let Err(EdgeError::InvalidQuery(problems)) = query.finish() else {
            panic!("it was accepted");
        };
        let told: Vec<_> = problems
            .iter()
            .map(|p| (p.field.as_str(), p.given.as_str(), p.allowed.as_str()))
            .collect();
        let expected = [
            ("limit", "several", "one"),
            ("limit", "y", "1 to 200"),
            ("colour", "an unknown parameter", "limit"),
        ];
        assert_eq!(told, expected);
    }
}
