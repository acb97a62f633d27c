//! `docs/SECURITY.md` lists the entries that there are, and no others.

use std::collections::BTreeSet;
use std::path::Path;

use super::corpus::Case;

#[test]
fn every_entry_is_documented_and_nothing_else() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/SECURITY.md");
    let text = std::fs::read_to_string(path).expect("a document");
    let (_, lists) = text.split_once("## The entries").expect("the entries");
    let (here, _) = lists
        .split_once("## Tested elsewhere")
        .expect("what is elsewhere");
    let is_id = |word: &&str| word.starts_with("T-") && word.len() > 4;
    let words = here.split(|c: char| !c.is_ascii_alphanumeric() && c != '-');
    let documented: BTreeSet<_> = words.filter(is_id).map(str::to_owned).collect();
    let there: BTreeSet<_> = Case::read_all("T-")
        .into_iter()
        .map(|case| case.id)
        .collect();
    assert_eq!(documented, there);
}
