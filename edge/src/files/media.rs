//! What a file is: one of a closed set of types that a browser shows without harm, found from its
//! bytes. Its name decides between kinds of text only.

/// A type, and whether a browser may show it in a page of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Media {
    /// For the header `Content-Type`.
    pub(crate) content_type: &'static str,
    /// Whether it may be shown; otherwise it is saved. What can hold scripts is never shown.
    pub(crate) shown: bool,
}

const fn shown(content_type: &'static str) -> Media {
    Media {
        content_type,
        shown: true,
    }
}

const fn saved(content_type: &'static str) -> Media {
    Media {
        content_type,
        shown: false,
    }
}

/// What a file is.
pub(crate) fn media(name: &str, content: &[u8]) -> Media {
    match content {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => return shown("image/png"),
        [0xff, 0xd8, 0xff, ..] => return shown("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => return shown("image/gif"),
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => {
            return shown("image/webp");
        }
        [b'%', b'P', b'D', b'F', b'-', ..] => return saved("application/pdf"),
        _ => {}
    }
    match std::str::from_utf8(content) {
        Ok(text) if is_text(text) => of_text(name, text),
        Ok(_) | Err(_) => saved("application/octet-stream"),
    }
}

fn is_text(text: &str) -> bool {
    !text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{c}' | '\u{1b}'))
}

fn of_text(name: &str, text: &str) -> Media {
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let is = |wanted: &str| ending.eq_ignore_ascii_case(wanted);
    let is_json = || serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
    let begin = text.trim_start();
    if is("csv") {
        shown("text/csv; charset=utf-8")
    } else if is("json") && is_json() {
        shown("application/json")
    } else if begin.starts_with("<svg") || (begin.starts_with("<?xml") && is("svg")) {
        // A picture in a page, where its scripts do not run; by itself it is saved.
        saved("image/svg+xml")
    } else {
        shown("text/plain; charset=utf-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_found_from_the_bytes_and_pages_are_text() {
        let png = b"\x89PNG\r\n\x1a\nrest";
        for (name, content, expected) in [
            ("a.png", &png[..], shown("image/png")),
            ("a.html", png, shown("image/png")),
            ("a", b"\xff\xd8\xff\xe0", shown("image/jpeg")),
            ("a", b"GIF89a..", shown("image/gif")),
            ("a", b"RIFF\0\0\0\0WEBPVP8 ", shown("image/webp")),
            ("a.txt", b"%PDF-1.7", saved("application/pdf")),
            (
                "a.svg",
                b"<svg xmlns='http://www.w3.org/2000/svg'/>",
                saved("image/svg+xml"),
            ),
            ("a.txt", b" <svg onload=alert(1)>", saved("image/svg+xml")),
            (
                "a.html",
                b"<script>alert(1)</script>",
                shown("text/plain; charset=utf-8"),
            ),
            ("a.csv", b"a,b\n1,2\n", shown("text/csv; charset=utf-8")),
            ("a.JSON", b"{\"a\": 1}", shown("application/json")),
            ("a.json", b"{", shown("text/plain; charset=utf-8")),
            ("a.png", b"no picture", shown("text/plain; charset=utf-8")),
            ("a", b"", shown("text/plain; charset=utf-8")),
            ("a.txt", b"a\0b", saved("application/octet-stream")),
            ("a.txt", b"\xff\xfe", saved("application/octet-stream")),
        ] {
            assert_eq!(media(name, content), expected, "{name} {content:?}");
        }
    }
}
