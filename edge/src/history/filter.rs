//! Which executions are looked for, and where a page begins.

use std::fmt;
use std::fmt::Write as _;
use std::str::FromStr;

use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Which executions are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Only of this session.
    pub(crate) session: Option<String>,
    /// Only in this language, by id.
    pub(crate) language: Option<String>,
    /// Only in this state: `queued`, `running` or `ended`.
    pub(crate) state: Option<&'static str>,
    /// Only with an outcome of this kind.
    pub(crate) outcome: Option<String>,
    /// Only submitted at or after, in milliseconds since 1970.
    pub(crate) since_ms: Option<i64>,
    /// Only submitted before, in milliseconds since 1970.
    pub(crate) until_ms: Option<i64>,
}

/// Where a page ends and the next one begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// When the last execution of the page was submitted, in milliseconds since 1970.
    pub(crate) submitted_at_ms: i64,
    /// Its id.
    pub(crate) id: Uuid,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.submitted_at_ms, self.id.as_simple())
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (submitted_at_ms, id) = text.split_once('-').ok_or(())?;
        Ok(Self {
            submitted_at_ms: i64::from_str_radix(submitted_at_ms, 16).map_err(|_| ())?,
            id: Uuid::try_parse(id).map_err(|_| ())?,
        })
    }
}

type Parameter = Box<dyn ToSql + Sync + Send>;

impl Filter {
    /// The statement for a page, with its parameters.
    pub(super) fn sql(&self, after: Option<Place>, limit: i64) -> (String, Vec<Parameter>) {
        let mut conditions: Vec<(&str, Parameter)> = Vec::new();
        let texts = [
            ("session =", self.session.as_deref()),
            ("language =", self.language.as_deref()),
            ("state =", self.state),
            ("outcome =", self.outcome.as_deref()),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                conditions.push((condition, Box::new(value.to_owned())));
            }
        }
        let times = [
            ("submitted_at_ms >=", self.since_ms),
            ("submitted_at_ms <", self.until_ms),
        ];
        for (condition, value) in times {
            if let Some(value) = value {
                conditions.push((condition, Box::new(value)));
            }
        }
        let mut sql = "SELECT id, execution, last_sequence FROM executions WHERE true".to_owned();
        let mut parameters: Vec<Parameter> = Vec::new();
        for (condition, parameter) in conditions {
            parameters.push(parameter);
            push(
                &mut sql,
                format_args!(" AND {condition} ${}", parameters.len()),
            );
        }
        if let Some(after) = after {
            parameters.push(Box::new(after.submitted_at_ms));
            parameters.push(Box::new(after.id));
            let (time, id) = (parameters.len() - 1, parameters.len());
            push(
                &mut sql,
                format_args!(" AND (submitted_at_ms, id) < (${time}, ${id})"),
            );
        }
        parameters.push(Box::new(limit));
        push(
            &mut sql,
            format_args!(
                " ORDER BY submitted_at_ms DESC, id DESC LIMIT ${}",
                parameters.len()
            ),
        );
        (sql, parameters)
    }
}

fn push(sql: &mut String, piece: fmt::Arguments<'_>) {
    sql.write_fmt(piece).expect("a String takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_can_be_read_again() {
        let place = Place {
            submitted_at_ms: 1_732_165_200_000,
            id: Uuid::from_u128(7),
        };
        assert_eq!(place.to_string().parse(), Ok(place));
        for bad in ["", "-", "x-1", "1-x", "1"] {
            assert_eq!(bad.parse::<Place>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn parameters_are_numbered_in_order() {
        let filter = Filter {
            language: Some("c".to_owned()),
            until_ms: Some(9),
            ..Filter::default()
        };
        let after = Place {
            submitted_at_ms: 5,
            id: Uuid::nil(),
        };
        let (sql, parameters) = filter.sql(Some(after), 10);
        assert_eq!(
            sql,
            "SELECT id, execution, last_sequence FROM executions WHERE true \
             AND language = $1 AND submitted_at_ms < $2 \
             AND (submitted_at_ms, id) < ($3, $4) \
             ORDER BY submitted_at_ms DESC, id DESC LIMIT $5"
        );
        assert_eq!(parameters.len(), 5);
    }
}
