//! What the machine has for each language: the trees that cells must see, and the versions that
//! are found in them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use runlog_sandbox::{Cause, CellSpec, Engine, Error, Step};
use runlog_schemas::{COMPILE_LIMITS, Catalog, HostPath, LanguageDefinition, ToolchainMount};
use tokio::process::Command;
use tokio::time::timeout;

use crate::run::step_limits;

/// How long a command of the host may take that tells where a toolchain is.
const HOST_PATIENCE: Duration = Duration::from_secs(10);

/// The most that a toolchain may say about its version.
const VERSION_BYTES: usize = 64 << 10;

/// A file or folder of the host that cells must see, read-only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mount {
    /// Its absolute path in the cell.
    pub inside: PathBuf,
    /// Its path on the host.
    pub host: PathBuf,
}

/// What the languages need of the host, for whoever sets up an engine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Toolchains {
    /// Trees outside `/usr`, without repetitions.
    pub mounts: Vec<Mount>,
    /// Names in the host's `/etc`, without repetitions.
    pub etc: Vec<String>,
    /// Languages whose trees are not all there, with what is missing.
    pub missing: BTreeMap<String, String>,
}

/// Finds what the languages need outside `/usr`. `tools` is the folder that `{tools}` stands for.
pub async fn mounts(languages: &Catalog, tools: &Path) -> Toolchains {
    let mut found = Toolchains::default();
    for language in languages.iter() {
        found.etc.extend(language.toolchain.etc.iter().cloned());
        for mount in &language.toolchain.mounts {
            match resolve(mount, tools).await {
                Ok(mount) => found.mounts.push(mount),
                Err(_) if mount.optional => {}
                Err(reason) => {
                    found.missing.insert(language.id.clone(), reason);
                }
            }
        }
    }
    found.etc.sort();
    found.etc.dedup();
    found.mounts.sort();
    found.mounts.dedup();
    found
}

async fn resolve(mount: &ToolchainMount, tools: &Path) -> Result<Mount, String> {
    let tools = tools.to_string_lossy();
    let host = match (&mount.host, mount.host.resolve(&tools)) {
        (HostPath::Command(argv), _) => ask_host(argv).await?,
        (HostPath::Path(path), resolved) => PathBuf::from(resolved.as_ref().unwrap_or(path)),
    };
    if !host.exists() {
        return Err(format!("{} is not there", host.display()));
    }
    let inside = mount.inside.as_ref().map_or(host.clone(), PathBuf::from);
    Ok(Mount { inside, host })
}

/// The first line of what a command on the host prints.
async fn ask_host(argv: &[String]) -> Result<PathBuf, String> {
    let words = argv.join(" ");
    let (program, args) = argv.split_first().ok_or("an empty command")?;
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(HOST_PATIENCE, output)
        .await
        .map_err(|_| format!("`{words}` does not end"))?
        .map_err(|error| format!("`{words}` cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().next() {
        Some(line) if output.status.success() && line.starts_with('/') => Ok(PathBuf::from(line)),
        _ => Err(format!("`{words}` tells no path")),
    }
}

/// Learns the version of a language's toolchain, in a cell. The error is for people.
pub(crate) async fn probe(
    engine: &Arc<dyn Engine>,
    language: &LanguageDefinition,
) -> Result<String, String> {
    let argv = language.toolchain.version.argv.clone();
    let words = argv.join(" ");
    let (cause, text) = output_of(engine, language, argv)
        .await
        .map_err(|error| unavailable(language, &error))?;
    if cause != (Cause::Exited { code: 0 }) {
        return Err(format!("`{words}` ended as {cause:?}: {}", text.trim()));
    }
    language
        .toolchain
        .version
        .read(&text)
        .ok_or_else(|| format!("`{words}` tells no version: {}", text.trim()))
}

fn unavailable(language: &LanguageDefinition, error: &Error) -> String {
    match error {
        Error::NoSuchProgram { program, .. } => {
            let packages = language.toolchain.packages.join(", ");
            format!("{program} is not installed (packages: {packages})")
        }
        Error::System { .. } | Error::LayerMissing { .. } | Error::CellGone(_) | Error::Closing => {
            error.to_string()
        }
    }
}

/// Runs a command in a fresh cell, and gives what it wrote on both streams.
async fn output_of(
    engine: &Arc<dyn Engine>,
    language: &LanguageDefinition,
    argv: Vec<String>,
) -> Result<(Cause, String), Error> {
    let spec = CellSpec {
        disk_bytes: COMPILE_LIMITS.disk_mb << 20,
        warm: None,
    };
    let mut cell = engine.cell(spec).await?;
    let step = Step {
        argv,
        env: language.compile_environment(),
        limits: step_limits(&COMPILE_LIMITS),
        terminal: None,
        warm: None,
    };
    let mut process = cell.start(step).await?;
    process.input.eof().await;
    let mut written = Vec::new();
    while let Some(output) = process.output.recv().await {
        let room = VERSION_BYTES.saturating_sub(written.len());
        written.extend_from_slice(&output.bytes[..output.bytes.len().min(room)]);
    }
    let end = process
        .end
        .await
        .map_err(|_| Error::CellGone("the engine forgot the step".to_owned()))??;
    cell.destroy().await?;
    Ok((end.cause, String::from_utf8_lossy(&written).into_owned()))
}
