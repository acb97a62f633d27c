//! Turns the command template of a step into the words of a command.

/// What a template is filled with.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// The file to start with.
    pub entry: &'a str,
    /// The names of all files, in the submission's order.
    pub files: &'a [&'a str],
    /// Arguments for the program.
    pub args: &'a [String],
    /// Options for the compiler.
    pub options: &'a [String],
}

/// Placeholders that stand for one piece of text inside a word.
const INLINE: [&str; 3] = ["entry", "entry_stem", "memory_mb"];

/// Placeholders that stand for any number of words.
const LISTS: [&str; 3] = ["sources", "args", "options"];

/// A piece of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Placeholder(&'t str),
}

/// Fills the template, which [`check`] has accepted.
pub(super) fn expand(
    argv: &[String],
    extensions: &[String],
    program: &Program<'_>,
    memory_mb: u64,
) -> Vec<String> {
    let mut words = Vec::with_capacity(argv.len() + program.args.len());
    for word in argv {
        match word.as_str() {
            "{sources}" => words.extend(sources(extensions, program)),
            "{args}" => words.extend_from_slice(program.args),
            "{options}" => words.extend_from_slice(program.options),
            _ => words.push(fill(word, program, memory_mb)),
        }
    }
    words
}

fn fill(word: &str, program: &Program<'_>, memory_mb: u64) -> String {
    pieces(word)
        .into_iter()
        .fold(String::new(), |mut filled, piece| {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Placeholder("entry") => filled.push_str(&no_option(program.entry)),
                Piece::Placeholder("entry_stem") => {
                    filled.push_str(&no_option(stem(program.entry)))
                }
                Piece::Placeholder("memory_mb") => filled.push_str(&memory_mb.to_string()),
                // A checked template has no others.
                Piece::Placeholder(_) => {}
            }
            filled
        })
}

/// The entry, and all other files that a compiler takes.
fn sources(extensions: &[String], program: &Program<'_>) -> Vec<String> {
    let has_extension = |name: &str| {
        name.rsplit_once('.')
            .is_some_and(|(_, ending)| extensions.iter().any(|it| it == ending))
    };
    let others = program
        .files
        .iter()
        .filter(|name| **name != program.entry && has_extension(name));
    std::iter::once(&program.entry)
        .chain(others)
        .map(|name| no_option(name))
        .collect()
}

/// `-fplugin=x.c` is an option and `@x.c` a list of options, unless a path says otherwise.
fn no_option(name: &str) -> String {
    if name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.') {
        name.to_owned()
    } else {
        format!("./{name}")
    }
}

fn stem(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

/// Says what is wrong with a template: the word, and what is allowed.
pub(super) fn check(argv: &[String]) -> Result<(), (String, String)> {
    let program = argv.first().map_or("", String::as_str);
    if !program.starts_with('/') && !program.starts_with("./") {
        return Err((
            format!("{program:?} as program"),
            "an absolute path in the jail, or one that begins with ./".to_owned(),
        ));
    }
    check_words(argv)
}

/// The same for words of which none is a program.
pub(super) fn check_words(argv: &[String]) -> Result<(), (String, String)> {
    for word in argv {
        let pieces = pieces(word);
        let alone = pieces.len() == 1;
        for piece in pieces {
            match piece {
                Piece::Placeholder(name) if LISTS.contains(&name) && alone => {}
                Piece::Placeholder(name) if INLINE.contains(&name) => {}
                Piece::Placeholder(name) => return Err(bad_placeholder(word, name)),
                Piece::Text(_) => {}
            }
        }
    }
    Ok(())
}

fn bad_placeholder(word: &str, name: &str) -> (String, String) {
    let names = |names: [&str; 3]| names.map(|name| format!("{{{name}}}")).join(", ");
    let allowed = format!(
        "{} anywhere in a word, {} as a word of their own, and {{{{ or }}}} for a brace",
        names(INLINE),
        names(LISTS)
    );
    (format!("{word:?} with {name:?} in it"), allowed)
}

/// Cuts a word into text and placeholders. A brace that belongs to nothing becomes a placeholder
/// that nobody knows, so that [`check`] refuses it.
fn pieces(word: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = word;
    while let Some(at) = rest.find(['{', '}']) {
        if at > 0 {
            pieces.push(Piece::Text(&rest[..at]));
        }
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            pieces.push(Piece::Text(&tail[..1]));
            rest = &tail[2..];
        } else if let Some(end) = tail
            .find('}')
            .filter(|end| tail.starts_with('{') && *end > 0)
        {
            pieces.push(Piece::Placeholder(&tail[1..end]));
            rest = &tail[end + 1..];
        } else {
            pieces.push(Piece::Placeholder(tail));
            rest = "";
        }
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn expanded(argv: &[&str], entry: &str, files: &[&str]) -> Vec<String> {
        let (args, options) = (words(&["a b", "{entry}"]), words(&["-O2"]));
        let program = Program {
            entry,
            files,
            args: &args,
            options: &options,
        };
        expand(&words(argv), &words(&["c"]), &program, 256)
    }

    #[test]
    fn inline_placeholders_are_filled_within_words() {
        let argv = [
            "/cc",
            "-o",
            "./{entry_stem}",
            "-m{memory_mb}m",
            "{{{entry}}}",
        ];
        let expected = ["/cc", "-o", "./main", "-m256m", "{main.c}"];
        assert_eq!(expanded(&argv, "main.c", &["main.c"]), words(&expected));
    }

    #[test]
    fn sources_are_the_entry_and_the_files_with_the_right_ending() {
        let files = ["b.c", "a.h", "start.txt", "a.c"];
        assert_eq!(
            expanded(&["/cc", "{options}", "{sources}"], "start.txt", &files),
            words(&["/cc", "-O2", "start.txt", "b.c", "a.c"])
        );
    }

    #[test]
    fn arguments_are_never_read_as_templates() {
        assert_eq!(
            expanded(&["./x", "{args}"], "x", &["x"]),
            words(&["./x", "a b", "{entry}"])
        );
    }

    #[test]
    fn a_file_name_is_never_an_option() {
        let argv = ["/cc", "{entry}", "{entry_stem}", "{sources}"];
        let expected = ["/cc", "./-x.c", "./-x", "./-x.c", "./@y.c"];
        assert_eq!(expanded(&argv, "-x.c", &["-x.c", "@y.c"]), words(&expected));
    }

    #[test]
    fn stems_keep_hidden_names_and_names_without_ending() {
        assert_eq!(
            [stem("a.b.c"), stem("main"), stem(".rc")],
            ["a.b", "main", ".rc"]
        );
    }

    #[test]
    fn templates_that_mean_nothing_are_refused() {
        for word in [
            "{file}",
            "x{args}",
            "{sources}{args}",
            "{entry",
            "entry}",
            "{}",
            "}{",
        ] {
            assert!(check(&words(&["/cc", word])).is_err(), "{word}");
        }
        for program in ["cc", "", "{entry}"] {
            assert!(check(&words(&[program])).is_err(), "{program}");
        }
        assert!(check(&[]).is_err());
        assert!(check(&words(&["/cc", "{{}}", "{entry}.{memory_mb}", "{args}"])).is_ok());
    }

    proptest! {
        #[test]
        fn names_and_arguments_come_through_whole(
            entry in "[^/\0]{1,20}",
            args in prop::collection::vec(".{0,10}", 0..4),
        ) {
            let program = Program { entry: &entry, files: &[&entry], args: &args, options: &[] };
            let command = expand(&words(&["/x", "{entry}", "{args}"]), &[], &program, 1);
            prop_assert_eq!(command[1].trim_start_matches("./"), entry.trim_start_matches("./"));
            prop_assert!(!command[1].starts_with(['-', '@', '+']));
            prop_assert_eq!(&command[2..], &args[..]);
        }

        #[test]
        fn any_text_is_accepted_or_refused(word in "[a-z{}]{0,12}") {
            let argv = words(&["/x", &word]);
            if check(&argv).is_ok() && !word.starts_with("{args") {
                let program = Program { entry: "e", files: &["e"], args: &[], options: &[] };
                expand(&argv, &[], &program, 1);
            }
        }
    }
}
