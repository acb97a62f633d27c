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
    /// How many messages the consumer had still to deliver behind it.
    pub(crate) pending: u64,
}

impl DeliveryInfo {
    /// Reads `$JS.ACK.{stream}.{consumer}.{deliveries}.{stream sequence}.{consumer sequence}.{time}
    /// .{pending}`, or the newer form with a domain and an account's hash in front.
    pub(crate) fn parse(reply: &str) -> Option<Self> {
        let tokens = reply.strip_prefix("$JS.ACK.")?;
        let names = match tokens.split('.').count() {
            7 => 2,
            9.. => 4,
            _ => return None,
        };
        let mut tokens = tokens.split('.').skip(names);
        let mut number = || tokens.next()?.parse::<u64>().ok();
        let (deliveries, stream_sequence, consumer_sequence) = (number()?, number()?, number()?);
        let _time = number()?;
        Some(Self {
            deliveries,
            stream_sequence,
            consumer_sequence,
            pending: number()?,
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
            pending: 7,
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
