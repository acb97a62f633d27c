//! What is known about the connection, fed by the client's events.

use async_nats::Event;
use tokio::sync::watch;

/// The state of the connection to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionState {
    /// Whether there is a connection.
    pub connected: bool,
    /// How many connections there have been. Whoever reads live and sees this change may have
    /// missed messages, and reads the log again.
    pub generation: u64,
    /// How many messages were dropped because a subscription here was not read fast enough. Whoever
    /// reads live and sees this change reads the log again.
    pub overflows: u64,
}

/// Takes in the client's events; one per client.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    state: watch::Sender<ConnectionState>,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Self {
            state: watch::Sender::new(ConnectionState::default()),
        }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<ConnectionState> {
        self.state.subscribe()
    }

    pub(crate) fn record(&self, event: &Event) {
        match event {
            Event::Connected => tracing::info!("connected to the log"),
            // Told of by the count of overflows, and asked for by ourselves.
            Event::SlowConsumer(_) | Event::Closed => {}
            other => tracing::warn!(event = %other, "connection to the log"),
        }
        self.state.send_modify(|state| state.take(event));
    }
}

impl ConnectionState {
    fn take(&mut self, event: &Event) {
        match event {
            Event::Connected => {
                self.connected = true;
                self.generation += 1;
            }
            Event::Disconnected | Event::Closed => self.connected = false,
            Event::SlowConsumer(_) => self.overflows += 1,
            Event::LameDuckMode
            | Event::Draining
            | Event::ServerError(_)
            | Event::ClientError(_) => {}
        }
    }

    /// Whether messages may have been missed since `earlier`.
    pub(crate) const fn lost_since(&self, earlier: &Self) -> bool {
        self.generation != earlier.generation || self.overflows != earlier.overflows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_connection_and_an_overflow_are_losses_and_a_disconnect_is_not_yet() {
        let mut state = ConnectionState::default();
        let begin = state;
        state.take(&Event::Disconnected);
        assert!(!state.connected);
        assert!(!state.lost_since(&begin));
        state.take(&Event::Connected);
        assert!(state.connected);
        assert!(state.lost_since(&begin));
        let connected = state;
        state.take(&Event::SlowConsumer(7));
        assert!(state.lost_since(&connected));
    }
}
