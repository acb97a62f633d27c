//! Programs that show that a language works on a machine.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::LanguageDefinition;
use crate::Outcome;

/// The self-test that every language has, and whose program is shown to newcomers.
pub(super) const HELLO: &str = "hello";

/// A program and what must come of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelfTest {
    /// Its name, distinct within the language.
    pub name: String,
    /// The files, by name.
    pub files: BTreeMap<String, String>,
    /// The file to start with; see [`SelfTest::entry`].
    pub entry: Option<String>,
    /// Arguments for the program.
    #[serde(default)]
    pub args: Vec<String>,
    /// Options for the compiler.
    #[serde(default)]
    pub options: Vec<String>,
    /// All of standard input.
    #[serde(default)]
    pub stdin: String,
    /// How it must end.
    pub outcome: Outcome,
    /// What it must write on standard output, exactly.
    pub stdout: Option<String>,
    /// What the compiler or the program must have written on standard error, among other things.
    pub stderr_contains: Option<String>,
}

impl SelfTest {
    /// The file to start with.
    #[must_use]
    pub fn entry<'a>(&'a self, language: &'a LanguageDefinition) -> &'a str {
        self.entry.as_deref().unwrap_or(&language.entry)
    }

    /// Compares what came of it with what must: `None`, or what differs. `stderr` holds what the
    /// compiler wrote, and then what the program wrote on standard error.
    #[must_use]
    pub fn difference(&self, outcome: &Outcome, stdout: &[u8], stderr: &[u8]) -> Option<String> {
        let stderr = String::from_utf8_lossy(stderr);
        if *outcome != self.outcome {
            let wanted = &self.outcome;
            return Some(format!(
                "it ended as {outcome:?} instead of {wanted:?}; stderr: {stderr:?}"
            ));
        }
        let differs = self
            .stdout
            .as_ref()
            .filter(|wanted| wanted.as_bytes() != stdout);
        if let Some(wanted) = differs {
            let stdout = String::from_utf8_lossy(stdout);
            return Some(format!("stdout is {stdout:?} instead of {wanted:?}"));
        }
        let missing = self
            .stderr_contains
            .as_ref()
            .filter(|wanted| !stderr.contains(wanted.as_str()));
        missing.map(|wanted| format!("stderr is {stderr:?}, without {wanted:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test() -> SelfTest {
        SelfTest {
            name: "hello".to_owned(),
            files: BTreeMap::new(),
            entry: None,
            args: Vec::new(),
            options: Vec::new(),
            stdin: String::new(),
            outcome: Outcome::Exited { code: 1 },
            stdout: Some("out".to_owned()),
            stderr_contains: Some("err".to_owned()),
        }
    }

    #[test]
    fn what_differs_is_told() {
        let ended = Outcome::Exited { code: 1 };
        let told = |outcome: &Outcome, stdout: &str, stderr: &str| {
            test().difference(outcome, stdout.as_bytes(), stderr.as_bytes())
        };
        assert_eq!(told(&ended, "out", "an error"), None);
        assert!(
            told(&Outcome::Exited { code: 0 }, "out", "err")
                .is_some_and(|it| it.contains("code: 0"))
        );
        assert!(told(&ended, "out\n", "err").is_some_and(|it| it.contains("stdout")));
        assert!(told(&ended, "out", "fine").is_some_and(|it| it.contains("stderr")));
    }
}
