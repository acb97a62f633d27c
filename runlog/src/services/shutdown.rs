//! SIGTERM, Ctrl+C and a terminal that goes away: the first drains, the second ends at once.

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::failed;
use crate::failure::Failure;

/// The signals that ask a service to end.
pub(crate) struct Shutdown {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

/// Listens to them from here on.
pub(crate) fn shutdown() -> Result<Shutdown, Failure> {
    let listen = |kind| signal(kind).map_err(|error| failed("cannot listen to signals", &error));
    Ok(Shutdown {
        terminate: listen(SignalKind::terminate())?,
        interrupt: listen(SignalKind::interrupt())?,
        hang_up: listen(SignalKind::hangup())?,
    })
}

impl Shutdown {
    /// Waits for the next one. Cancel-safe.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }
}
