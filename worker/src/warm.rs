//! The runtimes that wait started, for whoever sets up an engine.

use bytes::Bytes;
use std::path::Path;

use runlog_sandbox::WarmStep;
use runlog_sandbox::native::{WarmHost, WarmRuntime, WarmWay};
use runlog_schemas::{Catalog, LanguageDefinition, WarmWay as Way, WarmWords};

use crate::Toolchains;

/// The warm hosts of all languages whose toolchains are there.
#[must_use]
pub fn warm_hosts(languages: &Catalog, toolchains: &Toolchains) -> Vec<WarmHost> {
    let there = languages
        .iter()
        .filter(|language| !toolchains.missing.contains_key(&language.id));
    let hosts = there.filter_map(warm_host);
    hosts
        .filter(|(_, needs)| needs.iter().all(|path| is_there(path, toolchains)))
        .map(|(host, _)| host)
        .collect()
}

/// What a step is told that is for a warm host.
#[must_use]
pub fn warm_step(told: WarmWords) -> WarmStep {
    WarmStep {
        runtime: told.runtime,
        words: told.words,
    }
}

/// With the files that it needs.
fn warm_host(language: &LanguageDefinition) -> Option<(WarmHost, Vec<String>)> {
    let host = language.warm().next()?;
    let way = match host.way {
        Way::Fork => WarmWay::Fork,
        Way::Start => WarmWay::Start,
    };
    let folder = WarmHost::folder(way, &language.id);
    let runtimes = language.warm_commands(&folder).into_iter();
    let folder_of_steps = WarmHost::WORKING_DIRECTORY;
    let files = language
        .warm()
        .flat_map(|host| host.placed_files(&language.entry, folder_of_steps));
    let needs = language.warm().filter_map(|host| host.needs.clone());
    let warm_host = WarmHost {
        name: language.id.clone(),
        way,
        runtimes: runtimes
            .map(|command| WarmRuntime {
                argv: command.argv,
                env: command.environment,
            })
            .collect(),
        files: files
            .map(|(place, content)| (place, Bytes::from(content.to_owned())))
            .collect(),
        least_parked: host.parked.least,
        most_parked: host.parked.most,
    };
    Some((warm_host, needs.collect()))
}

/// Whether cells have a file.
fn is_there(inside: &str, toolchains: &Toolchains) -> bool {
    let inside = Path::new(inside);
    toolchains.mounts.iter().any(|mount| {
        let rest = inside.strip_prefix(&mount.inside);
        rest.is_ok_and(|rest| mount.host.join(rest).exists())
    })
}
