//! The runtimes that wait started, for whoever sets up an engine.

use bytes::Bytes;
use runlog_sandbox::native::{WarmHost, WarmWay};
use runlog_schemas::{Catalog, LanguageDefinition, WarmWay as Way};

use crate::Toolchains;

/// The warm hosts of all languages whose toolchains are there.
#[must_use]
pub fn warm_hosts(languages: &Catalog, toolchains: &Toolchains) -> Vec<WarmHost> {
    let there = languages
        .iter()
        .filter(|language| !toolchains.missing.contains_key(&language.id));
    there.filter_map(warm_host).collect()
}

fn warm_host(language: &LanguageDefinition) -> Option<WarmHost> {
    let host = language.warm()?;
    let way = match host.way {
        Way::Fork => WarmWay::Fork,
        Way::Start => WarmWay::Start,
    };
    let folder = WarmHost::folder(way, &language.id);
    let command = language.warm_command(&folder)?;
    let files = host.files.iter();
    Some(WarmHost {
        name: language.id.clone(),
        way,
        argv: command.argv,
        env: command.environment,
        files: files
            .map(|(name, content)| (name.clone(), Bytes::from(content.clone())))
            .collect(),
        least_parked: host.parked.least,
        most_parked: host.parked.most,
    })
}
