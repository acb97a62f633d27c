//! What can be set on an edge. The environment is read by the binary, not here.

use std::time::Duration;

/// Settings of an edge.
#[derive(Clone, Debug)]
pub struct EdgeConfig {
    /// Connections open at once, viewers included. Others wait in the listener's backlog.
    /// Default 25,000.
    pub max_connections: usize,
    /// Time from the moment that a connection waits for a request until the request's header is
    /// complete; so also how long an idle connection is kept. Default 60 s.
    pub header_timeout: Duration,
    /// Time from a request's header to the end of its body. Default 30 s.
    pub body_timeout: Duration,
    /// A connection that takes nothing for that long although there is something to send is cut.
    /// Default 60 s.
    pub stall_timeout: Duration,
    /// Bytes of a request's body. Default 1 MiB.
    pub max_body_bytes: usize,
    /// Bytes of the body of a batch. Default 16 MiB.
    pub max_batch_bytes: usize,
    /// Bytes of one message that a viewer sends on a WebSocket. Default 256 KiB.
    pub max_message_bytes: usize,
    /// Sent to a viewer that has nothing to hear for that long. Default 15 s.
    pub keep_alive: Duration,
    /// How much of a running execution is kept for viewers that come or lag, in bytes as sent.
    /// Who falls further behind is told to resume. Default 1 MiB.
    pub backlog_bytes: usize,
    /// How long an execution is still followed after its last viewer has left. Default 5 s.
    pub linger: Duration,
    /// Submissions that may wait in each queue for every slot that serves its language. Default 200.
    pub queue_capacity_per_slot: u64,
    /// How long open requests may go on after the edge was told to stop. Default 10 s.
    pub drain: Duration,
    /// Time between "not ready" and the end of accepting, for load balancers. Default 0.
    pub drain_delay: Duration,
    /// Origins of web pages elsewhere that may use this edge from a browser: `https://host` or
    /// `*`. Default none: only pages from the edge's own origin may.
    pub allowed_origins: Vec<String>,
    /// Layers of isolation that the worker of the same process does without, because that was
    /// allowed. Default none. With any, `/readyz` says degraded and names them.
    pub missing_layers: Vec<String>,
}

impl Default for EdgeConfig {
    fn default() -> Self {
        Self {
            max_connections: 25_000,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(60),
            max_body_bytes: 1 << 20,
            max_batch_bytes: 16 << 20,
            max_message_bytes: 256 << 10,
            keep_alive: Duration::from_secs(15),
            backlog_bytes: 1 << 20,
            linger: Duration::from_secs(5),
            queue_capacity_per_slot: 200,
            drain: Duration::from_secs(10),
            drain_delay: Duration::ZERO,
            allowed_origins: Vec::new(),
            missing_layers: Vec::new(),
        }
    }
}
