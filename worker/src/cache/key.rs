//! The key of a compile step: a digest of everything that the step sees. Pure.

use runlog_sandbox::Step;
use sha2::{Digest, Sha256};

use crate::run::CompilePlan;

/// Counted up whenever what is kept, or what goes into a key, becomes another.
const FORMAT: &str = "runlog-artifact-1";

/// What compiles.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain<'a> {
    pub(crate) engine: &'a str,
    pub(crate) language: &'a str,
    /// As the compiler tells.
    pub(crate) version: String,
    /// The digest of what the machine has, see [`super::Identity`].
    pub(crate) machine: String,
}

/// The name under which the result of a compile step is kept.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn of(toolchain: &Toolchain<'_>, plan: &CompilePlan<'_>) -> Self {
        let mut digest = Fields(Sha256::new());
        digest.text(FORMAT);
        digest.text(toolchain.engine);
        digest.text(toolchain.language);
        digest.text(&toolchain.version);
        digest.text(&toolchain.machine);
        digest.step(plan.step);
        digest.number(plan.disk_bytes);
        digest.number(plan.files.len() as u64);
        for file in plan.files {
            digest.text(&file.name);
            digest.number(file.mode.into());
            digest.bytes(&file.content);
        }
        Self(hex(&digest.0.finalize()))
    }

    /// In hexadecimal digits.
    pub(crate) fn name(&self) -> &str {
        &self.0
    }
}

/// Each field goes in with its length, so that no two lists of fields look alike.
struct Fields(Sha256);

impl Fields {
    fn number(&mut self, number: u64) {
        self.0.update(number.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn step(&mut self, step: &Step) {
        let Step {
            argv,
            env,
            limits,
            terminal: _,
            // The same by another way.
            warm: _,
        } = step;
        self.number(argv.len() as u64);
        for word in argv {
            self.text(word);
        }
        self.number(env.len() as u64);
        for (name, value) in env {
            self.text(name);
            self.text(value);
        }
        // With less room it might not have come to an end.
        self.text(&format!("{limits:?}"));
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use runlog_sandbox::{CellFile, StepLimits};

    use super::*;

    fn step() -> Step {
        let words = |words: &[&str]| words.iter().map(|&it| it.to_owned()).collect();
        Step {
            argv: words(&["cc", "-O2", "main.c"]),
            env: vec![("LANG".to_owned(), "C".to_owned())],
            limits: StepLimits {
                wall: Duration::from_secs(1),
                cpu: Duration::from_secs(1),
                memory_bytes: 1,
                processes: 1,
                file_bytes: 1,
            },
            terminal: None,
            warm: None,
        }
    }

    fn toolchain() -> Toolchain<'static> {
        Toolchain {
            engine: "native",
            language: "c",
            version: "12.2.0".to_owned(),
            machine: "aa".to_owned(),
        }
    }

    fn key(toolchain: &Toolchain<'_>, step: &Step, files: &[CellFile]) -> Key {
        let plan = CompilePlan {
            step,
            files,
            disk_bytes: 1,
            is_repeatable: true,
        };
        Key::of(toolchain, &plan)
    }

    pub(crate) fn any_key() -> Key {
        key(&toolchain(), &step(), &[CellFile::new("main.c", "text")])
    }

    pub(crate) fn numbered_key(number: u32) -> Key {
        key(
            &toolchain(),
            &step(),
            &[CellFile::new("main.c", number.to_string())],
        )
    }

    #[test]
    fn whatever_the_step_sees_makes_another_key() {
        let file = |name: &str, content: &'static str| CellFile::new(name, content);
        let files = vec![file("main.c", "ab"), file("b.h", "c")];
        let mut keys = vec![key(&toolchain(), &step(), &files)];
        for change in [
            |it: &mut Toolchain<'static>| it.engine = "docker",
            |it: &mut Toolchain<'static>| it.language = "cpp",
            |it: &mut Toolchain<'static>| it.version = "12.2.1".to_owned(),
            |it: &mut Toolchain<'static>| it.machine = "ab".to_owned(),
        ] {
            let mut changed = toolchain();
            change(&mut changed);
            keys.push(key(&changed, &step(), &files));
        }
        for change in [
            |it: &mut Step| it.argv.push("-g".to_owned()),
            |it: &mut Step| it.argv[1] = "-O3".to_owned(),
            |it: &mut Step| it.argv = vec!["cc -O2".to_owned(), "main.c".to_owned()],
            |it: &mut Step| it.env[0].1 = "D".to_owned(),
            |it: &mut Step| it.env.clear(),
            |it: &mut Step| it.limits.memory_bytes = 2,
        ] {
            let mut changed = step();
            change(&mut changed);
            keys.push(key(&toolchain(), &changed, &files));
        }
        for changed in [
            vec![file("main.c", "ab")],
            vec![file("main.c", "a"), file("b.h", "bc")],
            vec![file("main.c", "ab"), file("b.hc", "")],
            vec![file("main.c", "ab"), file("c.h", "c")],
            vec![file("b.h", "c"), file("main.c", "ab")],
        ] {
            keys.push(key(&toolchain(), &step(), &changed));
        }
        let different: HashSet<&str> = keys.iter().map(Key::name).collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(key(&toolchain(), &step(), &files), keys[0]);
    }
}
