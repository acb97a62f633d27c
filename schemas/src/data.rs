//! Bytes inside JSON, exact and still readable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Bytes of a program. In JSON they stand as `"text"` where they are UTF-8 and as `"base64"`
/// where they are not, so nothing is lost and most of the log can be read by eye.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "DataJson", into = "DataJson")]
pub struct Data(pub Vec<u8>);

/// How [`Data`] stands in JSON.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Data)]
pub enum DataJson {
    /// The bytes, which are UTF-8.
    #[serde(rename = "text")]
    Text(String),
    /// The bytes in base64 with padding, alphabet of RFC 4648 §4.
    #[serde(rename = "base64")]
    Base64(String),
}

impl From<Data> for DataJson {
    fn from(data: Data) -> Self {
        match String::from_utf8(data.0) {
            Ok(text) => Self::Text(text),
            Err(error) => Self::Base64(STANDARD.encode(error.as_bytes())),
        }
    }
}

impl TryFrom<DataJson> for Data {
    type Error = base64::DecodeError;

    fn try_from(json: DataJson) -> Result<Self, Self::Error> {
        Ok(Self(match json {
            DataJson::Text(text) => text.into_bytes(),
            DataJson::Base64(encoded) => STANDARD.decode(encoded)?,
        }))
    }
}

impl From<&str> for Data {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl utoipa::PartialSchema for Data {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        DataJson::schema()
    }
}

impl ToSchema for Data {
    fn name() -> std::borrow::Cow<'static, str> {
        "Data".into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_byte_survives(bytes: Vec<u8>) {
            let json = serde_json::to_string(&Data(bytes.clone())).unwrap();
            prop_assert_eq!(serde_json::from_str::<Data>(&json).unwrap().0, bytes);
        }
    }
}
