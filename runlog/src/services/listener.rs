//! The address that an edge listens on.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::net::TcpListener;

use crate::failure::Failure;

/// Listens there; port 0 takes a free one.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::Service(match error.kind() {
            ErrorKind::AddrInUse => format!(
                "port {} on {} is taken by another program; choose another one (0 takes a free one)",
                address.port(),
                address.ip()
            ),
            _ => format!("cannot listen on {address}: {error}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_called_taken() {
        let first = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let address = first.local_addr().unwrap();
        let words = bind(address).await.unwrap_err().words();
        let port = format!("port {}", address.port());
        assert!(words.contains(&port) && words.contains("taken"), "{words}");
    }
}
