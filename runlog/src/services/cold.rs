//! Languages whose runtimes could wait started and do not, because a part of the installation is
//! missing: their programs run as well, and start later.

use prometheus::{IntGauge, Registry};
use runlog_sandbox::native::{NativeConfig, WarmWay};
use runlog_schemas::Catalog;

use super::failed;
use crate::failure::Failure;

/// Tells of them in the log, and how many they are in the metrics.
pub(super) fn tell(
    catalog: &Catalog,
    config: &NativeConfig,
    registry: &Registry,
) -> Result<(), Failure> {
    let cold = cold(catalog, config);
    if !cold.is_empty() {
        tracing::warn!(
            languages = cold.join(", "),
            "runtimes are not kept started, since librunlog_sandbox.so is not beside the program \
             or the tools of `make setup` are not there: each run starts its own"
        );
    }
    let words = "cannot set the metrics up";
    let gauge = IntGauge::new(
        "runlog_sandbox_cold_languages",
        "Languages whose runtimes could wait started and do not, because a part is missing",
    );
    let gauge = gauge.map_err(|error| failed(words, &error))?;
    gauge.set(i64::try_from(cold.len()).unwrap_or(i64::MAX));
    let registered = registry.register(Box::new(gauge));
    registered.map_err(|error| failed(words, &error))
}

/// Their names.
fn cold(catalog: &Catalog, config: &NativeConfig) -> Vec<String> {
    let waits = |id: &str| {
        let hosts = &config.warm_hosts;
        hosts
            .iter()
            .any(|host| host.name == id && (host.way == WarmWay::Start || config.library.is_some()))
    };
    let could = catalog.iter().filter(|it| it.warm().next().is_some());
    could
        .map(|it| it.id.clone())
        .filter(|id| !waits(id))
        .collect()
}

#[cfg(test)]
mod tests {
    use runlog_schemas::Catalog;
    use runlog_worker::Toolchains;

    use super::*;

    #[test]
    fn without_the_library_what_is_forked_is_cold() {
        let python = include_str!("../../../languages/python.toml");
        let java = include_str!("../../../languages/java.toml");
        let c = include_str!("../../../languages/c.toml");
        let all = [("python", python), ("java", java), ("c", c)];
        let catalog = Catalog::from_toml(all).unwrap();
        // As it is without the tools of `make setup`.
        let hosts = runlog_worker::warm_hosts(&catalog, &Toolchains::default());
        let mut config = NativeConfig {
            warm_hosts: hosts,
            library: Some("librunlog_sandbox.so".into()),
            ..NativeConfig::new()
        };
        assert_eq!(cold(&catalog, &config), ["java"]);
        config.library = None;
        assert_eq!(cold(&catalog, &config), ["java", "python"]);
    }
}
