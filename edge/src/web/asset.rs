//! One file of the page, in the forms in which it can be sent.

use sha2::{Digest as _, Sha256};

/// A file.
#[derive(Debug)]
pub(super) struct Asset {
    /// Its path, with a slash in front.
    pub(super) path: &'static str,
    /// Its bytes.
    pub(super) plain: &'static [u8],
    /// The same, as gzip.
    pub(super) gzip: Option<&'static [u8]>,
    /// The same, as brotli.
    pub(super) brotli: Option<&'static [u8]>,
}

/// The folder of the files whose names change with their content.
pub(super) const HASHED: &str = "/assets/";

impl Asset {
    /// The smallest form that is accepted, with its name where it is a compressed one. `accepted`
    /// are the values of `Accept-Encoding`.
    pub(super) fn best(&self, accepted: &[&str]) -> (Option<&'static str>, &'static [u8]) {
        let takes = |name| accepted.iter().any(|value| accepts(value, name));
        match (self.brotli, self.gzip) {
            (Some(bytes), _) if takes("br") => (Some("br"), bytes),
            (_, Some(bytes)) if takes("gzip") => (Some("gzip"), bytes),
            _ => (None, self.plain),
        }
    }

    /// Its `ETag` in one form.
    pub(super) fn tag(&self, encoding: Option<&str>) -> String {
        let form = encoding.unwrap_or("plain");
        match self.path.strip_prefix(HASHED) {
            Some(name) => format!("\"{name}-{form}\""),
            None => {
                let hash = Sha256::digest(self.plain);
                let short: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
                format!("\"{short}-{form}\"")
            }
        }
    }

    /// How long it may be kept without asking.
    pub(super) fn caching(&self) -> &'static str {
        if self.path.starts_with(HASHED) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        }
    }

    /// What it is.
    pub(super) fn content_type(&self) -> &'static str {
        match self.path.rsplit('.').next() {
            Some("html") => "text/html; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            Some("ttf") => "font/ttf",
            _ => "application/octet-stream",
        }
    }
}

/// Whether a value of `Accept-Encoding` allows an encoding.
fn accepts(value: &str, name: &str) -> bool {
    value.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let named = parts
            .next()
            .is_some_and(|given| given.eq_ignore_ascii_case(name));
        let refused = parts
            .filter_map(|parameter| parameter.strip_prefix("q="))
            .any(|weight| weight.parse() == Ok(0.0_f32));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCRIPT: Asset = Asset {
        path: "/assets/index-a1b2c3d4.js",
        plain: b"plain",
        gzip: Some(b"gzip"),
        brotli: Some(b"brotli"),
    };

    #[test]
    fn the_smallest_form_that_is_accepted_is_sent() {
        for (accepted, expected) in [
            (&["gzip, deflate, br, zstd"][..], b"brotli".as_slice()),
            (&["gzip", "BR"], b"brotli"),
            (&["gzip;q=0.5, br;q=0"], b"gzip"),
            (&["br; q=0, gzip; q=0.0"], b"plain"),
            (&["identity"], b"plain"),
            (&[], b"plain"),
            (&["brotli, xgzip"], b"plain"),
        ] {
            assert_eq!(SCRIPT.best(accepted).1, expected, "{accepted:?}");
        }
    }

    #[test]
    fn each_form_has_a_tag_of_its_own() {
        let page = Asset {
            path: "/index.html",
            ..SCRIPT
        };
        let tags = [
            SCRIPT.tag(None),
            SCRIPT.tag(Some("br")),
            page.tag(None),
            page.tag(Some("gzip")),
        ];
        for (place, tag) in tags.iter().enumerate() {
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            assert!(!tags[..place].contains(tag), "{tag}");
        }
        assert!(SCRIPT.caching().contains("immutable"));
        assert_eq!(page.caching(), "no-cache");
    }
}
