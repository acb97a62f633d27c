//! Chooses ports that nobody else will want.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};

use crate::Error;

/// How many ports are tried before we give up on the machine.
const ATTEMPTS: u32 = 50;

/// Below this live the ports that people know by heart.
const LOWEST: u16 = 15_000;

/// Starts a server on the port asked for or, if none was, on a free one. A
/// port that somebody takes between our look and the server's bind is no
/// failure: another one is tried.
pub(crate) async fn start_on<T>(
    asked: Option<u16>,
    mut start: impl AsyncFnMut(u16) -> Result<T, Error>,
) -> Result<(u16, T), Error> {
    if let Some(port) = asked {
        return Ok((port, start(port).await?));
    }
    let mut attempt = 1;
    loop {
        let port = free();
        match start(port).await {
            Err(Error::PortTaken { .. }) if attempt < ATTEMPTS => attempt += 1,
            result => return Ok((port, result?)),
        }
    }
}

/// A port that is free now and lies outside the range from which the kernel
/// hands ports to outgoing connections. Inside it, a client that reconnects
/// to a server which is down can take the server's port, or even meet itself.
pub(crate) fn free() -> u16 {
    let end = ephemeral_start().max(LOWEST + 1_000);
    let random = RandomState::new();
    let mut port = LOWEST;
    for attempt in 0..ATTEMPTS {
        let span = u64::from(end - LOWEST);
        port = LOWEST
            + u16::try_from(random.hash_one(attempt) % span).expect("the span is that of a u16");
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            break;
        }
    }
    port
}

fn ephemeral_start() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range
        .split_whitespace()
        .next()
        .and_then(|low| low.parse().ok())
        .unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_lie_below_those_of_outgoing_connections() {
        for _ in 0..100 {
            let port = free();
            assert!(
                port >= LOWEST && port < ephemeral_start().max(LOWEST + 1_000),
                "{port}"
            );
        }
    }

    #[tokio::test]
    async fn a_taken_port_leads_to_another_one() {
        let mut seen = Vec::new();
        let (port, ()) = start_on(None, async |port| {
            seen.push(port);
            if seen.len() < 3 {
                Err(Error::PortTaken {
                    server: "test",
                    port,
                })
            } else {
                Ok(())
            }
        })
        .await
        .unwrap();
        assert_eq!((seen.len(), seen.last()), (3, Some(&port)));
    }

    #[tokio::test]
    async fn a_port_that_was_asked_for_is_not_exchanged() {
        let result = start_on::<()>(Some(4000), async |port| {
            Err(Error::PortTaken {
                server: "test",
                port,
            })
        })
        .await;
        assert!(matches!(result, Err(Error::PortTaken { port: 4000, .. })));
    }
}
