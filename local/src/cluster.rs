//! Three nats-servers as one cluster, for tests of the three-node
//! configuration and of what a lost node does.

use std::path::Path;

use crate::nats::Role;
use crate::{Durability, Error, Nats, NatsConfig, Tools, port};

const CONFIGURATIONS: [&str; 3] = ["cluster-1.conf", "cluster-2.conf", "cluster-3.conf"];

/// How often other cluster ports are tried when somebody takes one of ours
/// between our look and the server's bind.
const ATTEMPTS: u32 = 5;

/// A running cluster. Each node can be stopped, killed, paused and restarted.
pub struct NatsCluster {
    /// The nodes, in the order of their configuration files.
    pub nodes: [Nats; 3],
}

impl NatsCluster {
    /// Starts three nodes with their data in folders of `directory`. They
    /// accept clients when this returns, but may still be electing a leader.
    pub async fn start(tools: &Tools, directory: &Path) -> Result<Self, Error> {
        let mut attempt = 1;
        loop {
            match Self::attempt(tools, directory).await {
                Err(Error::PortTaken { .. }) if attempt < ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    /// Where clients connect, in the order of the nodes.
    pub fn urls(&self) -> [String; 3] {
        self.nodes.each_ref().map(Nats::url)
    }

    async fn attempt(tools: &Tools, directory: &Path) -> Result<Self, Error> {
        let ports = [port::free(), port::free(), port::free()];
        let (first, second, third) = tokio::join!(
            node(tools, directory, ports, 0),
            node(tools, directory, ports, 1),
            node(tools, directory, ports, 2),
        );
        Ok(Self {
            nodes: [first?, second?, third?],
        })
    }
}

async fn node(
    tools: &Tools,
    directory: &Path,
    cluster_ports: [u16; 3],
    index: usize,
) -> Result<Nats, Error> {
    let configuration = CONFIGURATIONS[index];
    let own = format!("nats://127.0.0.1:{}", cluster_ports[index]);
    let routes = cluster_ports
        .map(|port| format!("nats-route://127.0.0.1:{port}"))
        .join(",");
    let overrides = ["--cluster", &own, "--routes", &routes]
        .map(str::to_owned)
        .to_vec();
    let data_dir = directory.join(configuration.trim_end_matches(".conf"));
    let config = NatsConfig {
        tools: tools.clone(),
        data_dir,
        port: None,
    };
    Nats::start_as(
        config,
        Role {
            configuration,
            overrides,
            durability: Durability::Durable,
        },
    )
    .await
}
