//! Whether the daemon and its runtime are recent enough to be trusted with hostile programs.

use std::collections::{BTreeSet, HashMap};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::api::Versions;
use super::config::Runtime;

/// How long a runtime may take to tell its version.
const PATIENCE: Duration = Duration::from_secs(5);

/// The Docker daemon from which on known ways out of a container are closed.
const DOCKER: &[u64] = &[29, 5, 1];

/// The same for runc's two maintained branches; from 1.4.0 on all are good.
const RUNC: &[&[u64]] = &[&[1, 2, 8], &[1, 3, 3]];

/// The same for gVisor, whose releases are dates.
const GVISOR: u64 = 20_250_319;

/// Everything that is too old, in words; nothing if all is well.
pub(super) async fn warnings(versions: &Versions, runtime: Runtime) -> Vec<String> {
    let mut warnings = Vec::new();
    if !is_at_least(&versions.docker, DOCKER) {
        warnings.push(format!(
            "Docker {} has known holes; 29.5.1 or later closes them",
            known(&versions.docker)
        ));
    }
    let runc = versions.components.get("runc").map_or("", String::as_str);
    match runtime {
        Runtime::Runc if !is_good_runc(runc) => warnings.push(format!(
            "runc {} has known holes; 1.2.8, 1.3.3, 1.4.0 or later closes them",
            known(runc)
        )),
        Runtime::Runc => {}
        Runtime::Runsc => {
            let path = versions.runtimes.get("runsc").map_or("", String::as_str);
            let version = ask(path).await.unwrap_or_default();
            if gvisor_date(&version).is_none_or(|date| date < GVISOR) {
                warnings.push(format!(
                    "gVisor {} has known holes; release-20250319 or later closes them",
                    known(&version)
                ));
            }
        }
    }
    warnings
}

/// The label in which an image names the packages that it was built with.
const PACKAGES: &str = "dev.runlog.packages";

/// What an image lacks that it should have been built with.
pub(super) fn stale_image(
    name: &str,
    labels: &HashMap<String, String>,
    wanted: &[String],
) -> Option<String> {
    let built = labels.get(PACKAGES).map_or("", String::as_str);
    let built: BTreeSet<_> = built.split_whitespace().collect();
    let missing = wanted.iter().map(String::as_str);
    let missing: BTreeSet<_> = missing.filter(|it| !built.contains(it)).collect();
    let missing = Vec::from_iter(missing).join(", ");
    (!missing.is_empty()).then(|| {
        format!("the image {name} was built without {missing}; `make images` builds it anew")
    })
}

fn known(version: &str) -> &str {
    if version.is_empty() {
        "of an unknown version"
    } else {
        version
    }
}

/// The numbers at the start of a version, as `1.1.5+ds1-1` has three of.
fn numbers(version: &str) -> Vec<u64> {
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let plain = &version[..end.unwrap_or(version.len())];
    plain
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect()
}

fn is_at_least(version: &str, least: &[u64]) -> bool {
    numbers(version).as_slice() >= least
}

fn is_good_runc(version: &str) -> bool {
    let found = numbers(version);
    let branch = RUNC.iter().find(|least| found.starts_with(&least[..2]));
    match branch {
        Some(least) => found.as_slice() >= *least,
        None => is_at_least(version, &[1, 4]),
    }
}

/// The eight digits of `release-20250319.0` or `0.0~20221219.0`.
fn gvisor_date(version: &str) -> Option<u64> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit());
    parts.find(|part| part.len() == 8)?.parse().ok()
}

/// What a runtime on this machine says about its version.
async fn ask(path: &str) -> Option<String> {
    let asking = Command::new(path)
        .arg("--version")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, asking).await.ok()?.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().next()?;
    Some(line.trim_start_matches("runsc version ").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_lacks_packages_is_stale() {
        let labels = HashMap::from([(PACKAGES.to_owned(), "gcc php-cli".to_owned())]);
        let wanted = |names: &[&str]| names.iter().map(|&it| it.to_owned()).collect::<Vec<_>>();
        assert_eq!(stale_image("x", &labels, &wanted(&["gcc"])), None);
        let stale = stale_image("x", &labels, &wanted(&["gcc", "ruby", "ruby"])).unwrap();
        assert!(stale.contains("without ruby;"), "{stale}");
        assert!(stale_image("x", &HashMap::new(), &wanted(&["gcc"])).is_some());
    }

    #[test]
    fn versions_are_compared_by_their_branches() {
        for good in ["1.2.8", "1.2.10", "1.3.3", "1.4.0", "1.5.0+ds1", "2.0.0"] {
            assert!(is_good_runc(good), "{good}");
        }
        for bad in [
            "",
            "1.1.5+ds1-1",
            "1.1.15",
            "1.2.7",
            "1.3.0",
            "1.3.2",
            "dev",
        ] {
            assert!(!is_good_runc(bad), "{bad}");
        }
        assert!(is_at_least("29.5.1", DOCKER) && is_at_least("30.0", DOCKER));
        assert!(!is_at_least("20.10.24+dfsg1", DOCKER) && !is_at_least("29.5", DOCKER));
        assert_eq!(gvisor_date("release-20250319.0"), Some(20_250_319));
        assert_eq!(gvisor_date("0.0~20221219.0"), Some(20_221_219));
        assert_eq!(gvisor_date("head"), None);
    }

    #[tokio::test]
    async fn what_is_too_old_is_named() {
        let versions = |docker: &str, runc: &str| Versions {
            docker: docker.to_owned(),
            components: HashMap::from([("runc".to_owned(), runc.to_owned())]),
            runtimes: HashMap::new(),
        };
        let good = warnings(&versions("29.5.1", "1.3.3"), Runtime::Runc).await;
        assert_eq!(good, Vec::<String>::new());
        let bad = warnings(&versions("20.10.24", "1.1.5"), Runtime::Runc).await;
        assert!(
            bad[0].contains("Docker 20.10.24") && bad[1].contains("runc 1.1.5"),
            "{bad:?}"
        );
        let bad = warnings(&versions("29.5.1", ""), Runtime::Runsc).await;
        assert!(bad[0].contains("gVisor of an unknown version"), "{bad:?}");
    }
}
