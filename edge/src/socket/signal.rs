//! Signals by name.

/// What [`number`] reads, in words.
pub(super) const ALLOWED: &str = "1 to 64, or a name such as INT or SIGTERM";

/// Numbers on Linux, the same on x86 and ARM.
const NAMES: [(&str, i32); 22] = [
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("CHLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("WINCH", 28),
];

/// The number of a signal, given by name, with or without `SIG`, or number.
pub(super) fn number(signal: &str) -> Option<i32> {
    if let Ok(number) = signal.parse() {
        return (1..=64).contains(&number).then_some(number);
    }
    let name = signal.strip_prefix("SIG").unwrap_or(signal);
    NAMES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_read() {
        for (text, expected) in [
            ("INT", Some(2)),
            ("SIGINT", Some(2)),
            ("2", Some(2)),
            ("64", Some(64)),
            ("WINCH", Some(28)),
            ("0", None),
            ("65", None),
            ("-2", None),
            ("int", None),
            ("", None),
            ("SIG", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
