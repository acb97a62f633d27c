//! Patterns of names: `*` stands for any characters, `?` for one. Pure.

/// The folder and the pattern of a path whose last part is one.
pub(crate) fn split(path: &str) -> Option<(&str, &str)> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    name.contains(['*', '?']).then_some((folder, name))
}

/// Whether a name fits a pattern. As in a shell, what begins with a dot only fits what does too.
pub(crate) fn fits(pattern: &str, name: &str) -> bool {
    if name.starts_with('.') && !pattern.starts_with('.') {
        return false;
    }
    let (mut pattern, mut name) = (pattern.chars(), name.chars());
    // Where to go on if the last `*` has to stand for one character more.
    let mut again = None;
    loop {
        let wanted = pattern.next();
        if wanted == Some('*') {
            again = Some((pattern.clone(), name.clone()));
            continue;
        }
        match (wanted, name.next()) {
            (None, None) => return true,
            (Some(wanted), Some(is)) if wanted == '?' || wanted == is => {}
            _ => {
                let Some((after, from)) = &mut again else {
                    return false;
                };
                if from.next().is_none() {
                    return false;
                }
                (pattern, name) = (after.clone(), from.clone());
            }
        }
    }
}

/// Whether a path lies in a folder, with a name there that fits.
pub(crate) fn fits_below((folder, pattern): (&str, &str), path: &str) -> bool {
    let below = match folder {
        "" => Some(path),
        _ => path
            .strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix('/')),
    };
    let name = below.and_then(|below| below.split('/').next());
    name.is_some_and(|name| fits(pattern, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_is_a_pattern() {
        assert_eq!(split("*.png"), Some(("", "*.png")));
        assert_eq!(split("a/b/c?"), Some(("a/b", "c?")));
        assert_eq!(split("a*/b"), None);
        assert_eq!(split("a"), None);
        assert_eq!(split(""), None);
    }

    #[test]
    fn names_fit_as_in_a_shell() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", "", true),
            ("*", ".a", false),
            (".*", ".a", true),
            ("*.png", "a.png", true),
            ("*.png", "a.png.png", true),
            ("*.png", ".png", false),
            ("*.png", "a.pngx", false),
            ("?.png", "ä.png", true),
            ("?.png", ".png", false),
            ("?", "", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("**", "anything", true),
            ("a", "a", true),
            ("a", "ab", false),
        ] {
            assert_eq!(fits(pattern, name), expected, "{pattern} and {name}");
        }
    }

    #[test]
    fn a_path_fits_where_its_folder_does() {
        assert!(fits_below(("", "*.png"), "a.png"));
        assert!(fits_below(("p", "*.png"), "p/a.png"));
        assert!(fits_below(("p", "*"), "p/q/a.png"));
        assert!(!fits_below(("p", "*"), "pq/a.png"));
        assert!(!fits_below(("p", "*.png"), "a.png"));
    }

    #[test]
    fn the_worst_pattern_takes_no_time() {
        let pattern = "*a".repeat(500);
        assert!(!fits(&pattern, &"a".repeat(255)));
    }
}
