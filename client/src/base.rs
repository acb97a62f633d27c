//! Where an edge is.

use std::fmt;
use std::str::FromStr;

use crate::Error;

/// The address of an edge: `http://host:port`, with or without a path in front of `/v1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// `host:port/prefix`, without a slash at the end.
    rest: String,
}

impl BaseUrl {
    /// Where `runlog up` listens unless told otherwise.
    pub const DEFAULT: &'static str = "http://127.0.0.1:8740";

    /// A path there, as an address for HTTP.
    #[must_use]
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.rest)
    }

    pub(crate) fn ws(&self, path: &str) -> String {
        format!("ws://{}{path}", self.rest)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.rest)
    }
}

impl FromStr for BaseUrl {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refuse = |because| Error::BaseUrl {
            given: text.to_owned(),
            because,
        };
        let Some(rest) = text.strip_prefix("http://") else {
            return Err(refuse("it has to begin with http:// (TLS is not spoken)"));
        };
        if rest.contains(['?', '#', '@']) || rest.contains(char::is_whitespace) {
            return Err(refuse(
                "it may have a host, a port and a path, nothing else",
            ));
        }
        let url = reqwest::Url::parse(text).map_err(|_| refuse("it is no URL"))?;
        // The parser would take the path for a host where there is none.
        if rest.starts_with('/') || url.host_str().is_none_or(str::is_empty) {
            return Err(refuse("it has no host"));
        }
        Ok(Self {
            rest: rest.trim_end_matches('/').to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_to_both_protocols() {
        let base: BaseUrl = "http://127.0.0.1:8740/".parse().unwrap();
        assert_eq!(base.http("/v1/x"), "http://127.0.0.1:8740/v1/x");
        assert_eq!(base.ws("/v1/x"), "ws://127.0.0.1:8740/v1/x");
        assert_eq!(base.to_string(), "http://127.0.0.1:8740");
        let below: BaseUrl = "http://edge.local/runlog".parse().unwrap();
        assert_eq!(below.http("/livez"), "http://edge.local/runlog/livez");
        assert!(BaseUrl::DEFAULT.parse::<BaseUrl>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "127.0.0.1:8740",
            "https://example.org",
            "http://",
            "http:///x",
            "http://host:99999",
            "http://host/?a=b",
            "http://me:secret@host",
            "http://ho st",
        ] {
            let error = bad.parse::<BaseUrl>().unwrap_err().to_string();
            assert!(error.contains("http://127.0.0.1:8740"), "{bad}: {error}");
        }
    }
}
