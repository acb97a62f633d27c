//! A queue: who has which message, until when, and how often it was delivered.

use std::collections::BTreeMap;

/// How long a message that was delivered is nobody else's.
const LEASE_MS: u64 = 10_000;

/// A message that was delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Its sequence in the stream.
    pub sequence: u64,
    /// How often it has been delivered, this time included.
    pub deliveries: u64,
}

#[derive(Clone, Debug)]
struct Pending {
    deliveries: u64,
    due_ms: u64,
}

/// One queue over the messages that match.
#[derive(Clone, Debug, Default)]
pub(crate) struct Queue {
    lease_ms: Option<u64>,
    /// The last sequence that was delivered for the first time.
    reached: u64,
    pending: BTreeMap<u64, Pending>,
}

impl Queue {
    /// With leases of that length.
    pub(crate) fn with_lease(lease_ms: u64) -> Self {
        Self {
            lease_ms: Some(lease_ms),
            ..Self::default()
        }
    }

    fn lease_ms(&self) -> u64 {
        self.lease_ms.unwrap_or(LEASE_MS)
    }

    /// What is due again comes first, then what is new.
    pub(crate) fn pull(
        &mut self,
        now_ms: u64,
        mut messages: impl Iterator<Item = u64>,
    ) -> Option<Delivered> {
        let due_ms = now_ms + self.lease_ms();
        let again = self
            .pending
            .iter_mut()
            .filter(|(_, it)| it.due_ms <= now_ms)
            .min_by_key(|(_, it)| it.due_ms);
        if let Some((sequence, pending)) = again {
            pending.deliveries += 1;
            pending.due_ms = due_ms;
            return Some(Delivered {
                sequence: *sequence,
                deliveries: pending.deliveries,
            });
        }
        let sequence = messages.find(|it| *it > self.reached)?;
        self.reached = sequence;
        let deliveries = 1;
        self.pending
            .insert(sequence, Pending { deliveries, due_ms });
        Some(Delivered {
            sequence,
            deliveries,
        })
    }

    /// Done with it, whoever says so.
    pub(crate) fn ack(&mut self, sequence: u64) {
        self.pending.remove(&sequence);
    }

    /// Whoever had it last hands it back. The word of an earlier delivery counts for nothing.
    pub(crate) fn nak(&mut self, delivered: Delivered, due_ms: u64) {
        if let Some(pending) = self.pending.get_mut(&delivered.sequence)
            && pending.deliveries == delivered.deliveries
        {
            pending.due_ms = due_ms;
        }
    }

    /// The lease begins anew.
    pub(crate) fn progress(&mut self, sequence: u64, now_ms: u64) {
        let due_ms = now_ms + self.lease_ms();
        if let Some(pending) = self.pending.get_mut(&sequence) {
            pending.due_ms = due_ms;
        }
    }

    /// Whether nothing is on lease.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty()
    }

    /// When something becomes due next.
    pub(crate) fn next_due_ms(&self) -> Option<u64> {
        self.pending.values().map(|it| it.due_ms).min()
    }
}
