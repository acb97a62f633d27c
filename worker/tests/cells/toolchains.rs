//! A toolchain that goes away or hangs while the worker lives.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use runlog_schemas::{Catalog, Clock, Outcome, OutputStream, Phase, Submission};

use crate::support::{Machine, Site, definition_text, submission};

/// A language whose compiler is a shell script of ours, seen where it is on the host.
fn definition(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"
name = "Tool"
extensions = ["tool"]
entry = "main.tool"

[toolchain]
packages = ["tool"]

[[toolchain.mounts]]
host = "{folder}"

[toolchain.version]
argv = ["{folder}/tool", "--version"]
after = "tool "

[compile]
argv = ["{folder}/tool", "{{entry}}"]
limits = {{ wall_ms = 1000 }}

[run]
argv = ["/bin/cat", "made"]

[[self_test]]
name = "hello"
files = {{ "main.tool" = "x" }}
outcome = {{ kind = "exited", code = 0 }}
"#
    )
}

const WORKS: &str =
    "#!/bin/sh\nif [ \"$1\" = --version ]; then echo tool 1.0; else cp \"$1\" made; fi\n";

struct Tool {
    path: PathBuf,
    /// Outside `/tmp`, which each cell has for itself.
    _folder: tempfile::TempDir,
}

impl Tool {
    fn new() -> (Self, String) {
        let folder = tempfile::Builder::new()
            .prefix("runlog-tool-")
            .tempdir_in("/opt")
            .unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let text = definition(folder.path());
        let tool = Self {
            path: folder.path().join("tool"),
            _folder: folder,
        };
        tool.put(WORKS);
        (tool, text)
    }

    fn put(&self, script: &str) {
        let new = self.path.with_extension("new");
        fs::write(&new, script).unwrap();
        fs::set_permissions(&new, fs::Permissions::from_mode(0o755)).unwrap();
        fs::rename(new, &self.path).unwrap();
    }
}

/// Each of another text, so that none was compiled before.
fn program(text: &str) -> Submission {
    submission("tool", "main.tool", text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_toolchain_that_vanishes_or_hangs_is_told_and_the_worker_lives_on() {
    let (tool, text) = Tool::new();
    let bash = definition_text("bash");
    let languages = Catalog::from_toml([("tool", text.as_str()), ("bash", bash.as_str())]).unwrap();
    let machine = Machine::with(languages, Path::new("/none")).await;
    let site = Site::on(machine).await;
    let stdout = OutputStream::Stdout;

    let id = site.submit(&program("first")).await;
    let ended = site.end(id).await;
    assert_eq!(ended.outcome, Outcome::Exited { code: 0 });
    assert_eq!(ended.text(stdout), "first");

    fs::remove_file(&tool.path).unwrap();
    let id = site.submit(&program("second")).await;
    let Outcome::SystemError { reason } = site.end(id).await.outcome else {
        panic!("it is nobody's fault but ours");
    };
    let path = tool.path.to_str().unwrap();
    assert!(
        reason.contains(path) && reason.contains("cannot be executed"),
        "{reason}"
    );
    let id = site
        .submit(&submission("bash", "main.sh", "echo alive\n"))
        .await;
    assert_eq!(site.end(id).await.text(stdout), "alive\n");

    tool.put("#!/bin/sh\nsleep 1000 & sleep 1000\n");
    let id = site.submit(&program("third")).await;
    let (clock, phase) = (Clock::Wall, Phase::Compile);
    assert_eq!(
        site.end(id).await.outcome,
        Outcome::TimeLimit { clock, phase }
    );

    tool.put(WORKS);
    let id = site.submit(&program("fourth")).await;
    assert_eq!(site.end(id).await.text(stdout), "fourth");
    site.stop().await;
}
