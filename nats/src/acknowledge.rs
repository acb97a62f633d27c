//! What a consumer's delivery says about itself, in its reply subject.

/// Where a delivered message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeliveryInfo {
    /// How often it has been delivered, this time included.
    pub(crate) deliveries: u64,
    /// Its sequence in the stream.
    pub(crate) stream_sequence: u64,
    /// Its place among all that the consumer delivered, from 1 and without gaps.
    pub(crate) consumer_sequence: u64,
}

impl DeliveryInfo {
    /// Reads `$JS.ACK.{stream}.{consumer}.{deliveries}.{stream sequence}.{consumer sequence}.…`,
    /// or the newer form with a domain and an account's hash in front.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let tokens: Vec<&str> = reply.strip_prefix("$JS.ACK.")?.split('.').collect();
        let numbers = match tokens.len() {
            7 => &tokens[2..5],
            9.. => &tokens[4..7],
            _ => return None,
        };
        Some(Self {
            deliveries: numbers[0].parse().ok()?,
            stream_sequence: numbers[1].parse().ok()?,
            consumer_sequence: numbers[2].parse().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read_and_nothing_else() {
        let expected = Some(DeliveryInfo {
            deliveries: 2,
            stream_sequence: 30,
            consumer_sequence: 4,
        });
        let old = "$JS.ACK.EXECUTIONS.python-api.2.30.4.1732165200000000000.7";
        assert_eq!(DeliveryInfo::parse(old), expected);
        let new = "$JS.ACK.hub.aXb3.EXECUTIONS.python-api.2.30.4.1732165200000000000.7";
        assert_eq!(DeliveryInfo::parse(new), expected);
        assert_eq!(DeliveryInfo::parse(&format!("{new}.token")), expected);
        for bad in ["", "$JS.ACK.", "$JS.ACK.a.b.c.d.e.f.g", "_INBOX.x"] {
            assert_eq!(DeliveryInfo::parse(bad), None, "{bad}");
        }
    }
}
