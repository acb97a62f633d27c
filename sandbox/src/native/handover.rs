//! How a warm runtime is told what to do: on descriptor 3, in a form that every language reads
//! with its means.

use std::ffi::CString;

/// The number of words, the words and the environment, each ended by a NUL.
pub(super) fn write(words: &[CString], env: &[CString]) -> Vec<u8> {
    let mut told = words.len().to_string().into_bytes();
    told.push(0);
    for text in words.iter().chain(env) {
        told.extend_from_slice(text.as_bytes_with_nul());
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_kept_apart() {
        let strings = |texts: &[&str]| -> Vec<CString> {
            texts
                .iter()
                .map(|&text| CString::new(text).unwrap())
                .collect()
        };
        let told = write(&strings(&["main.py", "", "b"]), &strings(&["A=", "B=1"]));
        assert_eq!(told, b"3\0main.py\0\0b\0A=\0B=1\0");
    }
}
