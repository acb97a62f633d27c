//! Which compiler options a submission may give. Everything that is not allowed is refused: a
//! compiler can be told to load code, run programs and read its options from files.

use serde::Deserialize;

/// The options that a language allows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompilerOptions {
    /// Options as they stand.
    #[serde(default)]
    pub exact: Vec<String>,
    /// Beginnings, followed by at least one of `A-Z a-z 0-9 _ = + . -`.
    #[serde(default)]
    pub prefixes: Vec<String>,
}

/// An option that is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the compiler option {given:?} is not allowed; allowed: {}", self.allowed())]
pub struct OptionRefusal {
    /// The option.
    pub given: String,
    /// All that are allowed, beginnings with `…` behind them.
    pub known: Vec<String>,
}

impl OptionRefusal {
    /// What is allowed, in words.
    #[must_use]
    pub fn allowed(&self) -> String {
        if self.known.is_empty() {
            "none".to_owned()
        } else {
            self.known.join(" ")
        }
    }
}

impl CompilerOptions {
    /// All that is allowed, for people: beginnings have `…` behind them.
    #[must_use]
    pub fn list(&self) -> Vec<String> {
        let beginnings = self.prefixes.iter().map(|prefix| format!("{prefix}…"));
        self.exact.iter().cloned().chain(beginnings).collect()
    }

    /// Refuses the first option that is not allowed.
    pub fn check(&self, options: &[String]) -> Result<(), OptionRefusal> {
        match options.iter().find(|option| !self.allows(option)) {
            None => Ok(()),
            Some(option) => Err(OptionRefusal {
                given: option.clone(),
                known: self.list(),
            }),
        }
    }

    fn allows(&self, option: &str) -> bool {
        self.exact.iter().any(|exact| exact == option)
            || self
                .prefixes
                .iter()
                .filter_map(|prefix| option.strip_prefix(prefix.as_str()))
                .any(is_plain)
    }
}

/// No comma (`-Wl,…` speaks to the linker), no slash, no `@`, no space.
fn is_plain(rest: &str) -> bool {
    !rest.is_empty()
        && rest
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '=' | '+' | '.' | '-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rules() -> CompilerOptions {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        CompilerOptions {
            exact: words(&["-O2"]),
            prefixes: words(&["-W", "-D"]),
        }
    }

    #[test]
    fn allowed_are_exact_options_and_plain_continuations() {
        for option in ["-O2", "-Wall", "-Wno-unused", "-DN=1", "-Wformat=2"] {
            assert_eq!(rules().check(&[option.to_owned()]), Ok(()));
        }
    }

    #[test]
    fn refused_is_the_rest_with_what_is_allowed() {
        let refused = [
            "-O3",
            "-O2 ",
            "-Wl,-rpath",
            "-Wp,-x",
            "-W",
            "-fplugin=x.so",
            "-specs=x",
            "-B.",
            "-wrapper",
            "@options",
            "-D/etc/x",
            "-D@x",
            "",
            "O2",
            "main.c",
        ];
        for option in refused {
            let refusal = rules()
                .check(&["-O2".to_owned(), option.to_owned()])
                .unwrap_err();
            assert_eq!(refusal.given, option);
            assert!(
                refusal.to_string().ends_with("allowed: -O2 -W… -D…"),
                "{refusal}"
            );
        }
    }

    #[test]
    fn without_rules_nothing_is_allowed() {
        let refusal = CompilerOptions::default()
            .check(&["-O2".to_owned()])
            .unwrap_err();
        assert!(refusal.to_string().ends_with("allowed: none"), "{refusal}");
    }

    proptest! {
        #[test]
        fn nothing_allowed_holds_what_leads_out(option in "-[WD][ -~]{0,12}") {
            if rules().check(std::slice::from_ref(&option)).is_ok() {
                prop_assert!(!option.contains([',', '/', '@', ' ', '\'', '"', '$', '\\']));
            }
        }
    }
}
