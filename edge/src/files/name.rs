//! Names that a program chose, in addresses and in headers.

use std::fmt::Write as _;

/// A name as one part of a path: everything but letters, digits and `-._~` is escaped.
pub(crate) fn encode(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("a String takes everything");
        }
    }
    encoded
}

/// The name that a part of a path stands for; `None` where it stands for none.
pub(crate) fn decode(encoded: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut rest = encoded.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        if *first == b'%' {
            let digits = std::str::from_utf8(after.get(..2)?).ok()?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None;
            }
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8(bytes).ok()
}

/// The header `Content-Disposition` for a file: the last part of its path, made harmless for any
/// file system and any reader.
pub(crate) fn disposition(path: &str, shown: bool) -> String {
    let name = path.rsplit('/').next().unwrap_or_default();
    let safe: String = name.chars().take(100).map(harmless).collect();
    // A name that is hidden, looks like an option, or is nothing.
    let safe = safe
        .trim_start_matches(['.', '-', ' '])
        .trim_end_matches(['.', ' ']);
    let safe = match safe.split('.').next().unwrap_or_default() {
        "" => format!("file{safe}"),
        stem if is_device(stem) => format!("_{safe}"),
        _ => safe.to_owned(),
    };
    let ascii: String = safe
        .chars()
        .map(|c| if c.is_ascii() { c } else { '_' })
        .collect();
    let kind = if shown { "inline" } else { "attachment" };
    format!(
        "{kind}; filename=\"{ascii}\"; filename*=UTF-8''{}",
        encode(&safe)
    )
}

/// A character as it may stand in a file's name anywhere.
fn harmless(c: char) -> char {
    let is_hidden = matches!(
        c,
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{61c}' | '\u{fff9}'..='\u{fffb}'
    );
    let is_special = matches!(
        c,
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '%' | ';'
    );
    if c.is_control() || is_hidden || is_special {
        '_'
    } else {
        c
    }
}

/// Names that mean a device on some systems, whatever their ending.
fn is_device(stem: &str) -> bool {
    let stem = stem.to_ascii_uppercase();
    let numbered = |prefix| {
        stem.strip_prefix(prefix)
            .is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9']))
    };
    matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_names_a_harmless_file() {
        for (path, expected) in [
            (
                "out/plot.png",
                "inline; filename=\"plot.png\"; filename*=UTF-8''plot.png",
            ),
            (
                "ü.txt",
                "inline; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt",
            ),
            (
                "a\"b\r\nX: y",
                "inline; filename=\"a_b__X_ y\"; filename*=UTF-8''a_b__X_%20y",
            ),
            (
                "CON.txt",
                "inline; filename=\"_CON.txt\"; filename*=UTF-8''_CON.txt",
            ),
            ("-rf", "inline; filename=\"rf\"; filename*=UTF-8''rf"),
            ("...", "inline; filename=\"file\"; filename*=UTF-8''file"),
            (
                "gpj\u{202e}exe",
                "inline; filename=\"gpj_exe\"; filename*=UTF-8''gpj_exe",
            ),
            (
                "\u{1b}]0;x\u{7}",
                "inline; filename=\"_]0_x_\"; filename*=UTF-8''_%5D0_x_",
            ),
            (
                "<img src=x>",
                "inline; filename=\"_img src=x_\"; filename*=UTF-8''_img%20src%3Dx_",
            ),
        ] {
            assert_eq!(disposition(path, true), expected, "{path:?}");
        }
        assert!(disposition("x", false).starts_with("attachment; "));
        assert!(disposition(&"a".repeat(255), false).len() < 300);
    }

    #[test]
    fn what_is_no_escape_is_refused() {
        for bad in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_name_has_an_address_of_its_own(name in "\\PC{0,40}|[\0-\u{ff}]{0,20}") {
            let encoded = encode(&name);
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
            prop_assert!(encoded.bytes().all(plain));
            prop_assert_eq!(decode(&encoded), Some(name));
        }

        #[test]
        fn every_name_fits_a_header(name in "\\PC{0,40}|[\0-\u{ff}]{0,20}") {
            let header = disposition(&name, false);
            prop_assert!(header.bytes().all(|byte| (0x20..0x7f).contains(&byte)));
            prop_assert_eq!(header.matches('"').count(), 2);
        }
    }
}
